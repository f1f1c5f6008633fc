"""The servers under measurement: on loopback, in a folder that vanishes with them, stopped whatever ends the run."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

import asyncpg
import psutil

from adapters.embedded import DataFolder, Servers
from adapters.embedded.postgres import SETTINGS, SUPERUSER
from adapters.embedded.process import end
from adapters.postgres.migrate import migrate
from adapters.postgres.queries import load
from tests.servers import Database, fresh_database

SQL: Final = load(Path(__file__).with_name("store.sql"))
START_S: Final = 20.0


class Served(NamedTuple):
    appends: Database
    """Where the stores on PostgreSQL write: this store's log, the recorder's table and the bare one."""
    small: Database
    large: Database
    """Logs to read, still empty."""
    umadb_url: str
    superuser_url: str


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """PostgreSQL as `registre serve` runs it, with three databases, and UmaDB as its package starts it."""
    # Only room is added: pgbench takes a connection for each client.
    with DataFolder.hold(folder / "data") as data, patch.dict(SETTINGS, max_connections="320"):
        servers = Servers(data)
        try:
            await servers.postgres.start()
            appends, small, large = [await _database(servers) for _ in range(3)]
            async with _umadb(servers, folder) as url:
                yield Served(appends, small, large, url, servers.postgres.url(SUPERUSER, "postgres"))
        finally:
            await servers.stop()


async def _database(servers: Servers) -> Database:
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(SQL["bare"])
    finally:
        await connection.close()
    return database


@asynccontextmanager
async def _umadb(servers: Servers, folder: Path) -> AsyncIterator[str]:
    port = _free_port(servers)
    (folder / "umadb").mkdir()
    with (folder / "umadb.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("umadb"), "--listen", f"127.0.0.1:{port}", "--db-path", folder / "umadb",
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env={"PATH": os.defpath},
        )  # fmt: skip
    try:
        await _listening(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            await end(psutil.Process(process.pid), signal.SIGTERM, 10.0)
        await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
    raise RuntimeError(f"umadb ended with {process.returncode} while it started")


def _free_port(servers: Servers) -> int:
    return servers.nats._child.port()  # a port of loopback that nobody listens on
