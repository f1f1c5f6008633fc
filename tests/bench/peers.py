"""Who is measured: this store and its peers, each told to append one event of 600 bytes durably, by so many writers at once.

Every one answers only what is on disk (fsync), keeps each stream's versions unique, and refuses an append that repeats one. A writer sends its
next append when the last was answered; with conflicts every tenth repeats the stream of the one before, which must be refused.
"""

import asyncio
import os
import re
import subprocess
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import umadb
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from adapters.embedded.programs import postgres_programs
from adapters.postgres.store import PostgresStore
from tests.bench.turns import PAYLOAD, TOPIC, Turn, threaded, written

CONNECTIONS: Final = 8
"""Of the recorder's pool at most. Behind its table lock more only wait inside the server: of 4, 8, 16 and 32 this measured fastest."""


class Peer(Protocol):
    name: str

    def turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn | None:
        """Append for some seconds; None where the store does not know what is asked."""
        ...


class Ours:
    """The store of this project: what queues up while a commit runs goes with the next one, in one call of one function.

    Per append: unique stream and version, a position without a gap under the lock of the counter row, four more indexes, a notification.
    """

    name = "registre"

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self._url = url
        self._runner = runner

    def turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn:
        return self._runner.run(self._turn(writers, seconds, conflicts=conflicts))

    async def _turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn:
        store = await PostgresStore.connect(self._url)
        try:
            return await written(store, writers, seconds, conflicts=conflicts)
        finally:
            await store.close()


class Recorder:
    """The eventsourcing package's own recorder on the same server, with psycopg and in its default mode.

    Per append: in one pipeline BEGIN, LOCK TABLE, NOTIFY, one INSERT of one row with a key and a sequence, COMMIT; a thread per writer.
    """

    name = "eventsourcing"

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        PostgresApplicationRecorder(self._datastore(1)).create_table()

    def _datastore(self, connections: int) -> PostgresDatastore:
        place = self._place
        return PostgresDatastore(
            place.path[1:], place.hostname or "", place.port or 0, place.username or "", place.password or "",
            connect_timeout=60, pool_size=connections, enable_db_functions=False,
        )  # fmt: skip

    def turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn:
        datastore = self._datastore(min(writers, CONNECTIONS))
        recorder = PostgresApplicationRecorder(datastore)
        datastore.pool.open(wait=True, timeout=30)

        def append(stream: UUID) -> bool:
            try:
                recorder.insert_events([StoredEvent(stream, 1, TOPIC, PAYLOAD)])
            except IntegrityError:
                return False
            return True

        try:
            append(uuid4())
            return threaded([append] * writers, seconds, conflicts=conflicts)
        finally:
            datastore.close()


class Uma:
    """UmaDB, whose server writes what several requests ask in one commit and syncs its file before it answers.

    Per append: a condition that no event carries the stream's tag yet, which is what the unique keys of the others say; a thread per writer,
    one client for all of them (a client for each measured the same at 32 writers and half as fast at 256).
    """

    name = "umadb"

    def __init__(self, url: str) -> None:
        self._url = url

    def turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn:
        client = umadb.Client(self._url)

        def append(stream: UUID) -> bool:
            tags = [str(stream)]
            condition = umadb.AppendCondition(umadb.Query([umadb.QueryItem(tags=tags)]))
            try:
                client.append([umadb.Event(TOPIC, PAYLOAD, tags)], condition)
            except umadb.IntegrityError:
                return False
            return True

        append(uuid4())
        return threaded([append] * writers, seconds, conflicts=conflicts)


class Ceiling:
    """pgbench on the same server: one INSERT of one row into a table without any key, one transaction each.

    Per append: no stream, no version, no order, no conflict to find; a program in C that prepares its statement once.
    """

    name = "pgbench"
    _RATE: Final = re.compile(r"tps = ([\d.]+)")
    _DONE: Final = re.compile(r"actually processed: (\d+)")

    def __init__(self, url: str, folder: Path) -> None:
        self._place = urlsplit(url)
        self._script = folder / "bare.pgbench"
        self._script.write_text("INSERT INTO bare (payload) VALUES (:payload);\n")
        self._program = postgres_programs(None) / "pgbench"

    def turn(self, writers: int, seconds: float, *, conflicts: bool) -> Turn | None:
        if conflicts:
            return None
        place = self._place
        # Its time begins before it has connected, which takes hundreds of clients a second or two; the rate it tells leaves that out.
        told = subprocess.run(
            [
                self._program, "--no-vacuum", "--protocol=prepared", f"--client={writers}", "--jobs=2", f"--time={max(1, round(seconds)) + writers // 128}",
                f"--file={self._script}", f"--define=payload={PAYLOAD.decode()}",
                f"--host={place.hostname}", f"--port={place.port}", f"--username={place.username}", place.path[1:],
            ],
            env={"PGPASSWORD": place.password or "", "PATH": os.defpath},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=seconds + 60,
        ).stdout  # fmt: skip
        rate, done = float(self._found(self._RATE, told)), int(self._found(self._DONE, told))
        return Turn(done, 0, done / rate, [])

    @staticmethod
    def _found(what: re.Pattern[str], told: str) -> str:
        match = what.search(told)
        if match is None:
            raise RuntimeError(f"pgbench said nothing of its rate:\n{told}")
        return match[1]
