"""PostgreSQL in the data folder: on loopback, by password only, its files closed to everybody else."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from adapters.embedded.errors import ServerFailed
from adapters.embedded.folder import DataFolder, make_private
from adapters.embedded.process import Child, Program, end, is_gone, within
from adapters.embedded.programs import account_for, postgres_programs
from adapters.embedded.roles import ROLES, establish

SUPERUSER: Final = "postgres"
START_S: Final = 90.0
"""Long enough to replay the log after a crash."""
STOP_S: Final = 30.0
LINGER_S: Final = 5.0
"""A backend whose postmaster was killed ends at its next wait; one that computes is asked to end after this time."""
ATTEMPTS: Final = 3
"""Of finding a port: another process may take it between the choice and the start."""
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
INITDB: Final = (
    "--auth-local=scram-sha-256",
    "--auth-host=scram-sha-256",
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


class Postgres:
    """The PostgreSQL server of a data folder. `start` also works after any crash, of the server or of the process that held the folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.port = 0
        self._folder = folder
        self._home = folder.path / "postgres"
        self._account = account_for(self._home)
        # Shown in the title of every process of this server, and nowhere else: pids of other folders' servers do not carry it.
        self._cluster = f"registre-{hashlib.sha256(os.fsencode(folder.path)).hexdigest()[:16]}"
        self._child = Child(folder, "postgres", f"cluster_name={self._cluster}")

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def running(self) -> bool:
        return self._child.running()

    def url(self, role: str, database: str) -> str:
        """How `role`, SUPERUSER or one of ROLES, connects to a database. The port may change at each start."""
        return f"postgresql://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Start, recover, and return once queries are answered. Does nothing while it runs. Raises ServerFailed."""
        if self.running():
            return
        await self._child.end_orphan(self._stated_pid(), signal.SIGINT, STOP_S)
        await self._end_backends()
        programs = await asyncio.to_thread(self._prepare)
        for left in reversed(range(ATTEMPTS)):
            self.port = self._child.port()
            self._child.spawn(self._program(programs), self.port)
            try:
                await self._child.answers(self._answers, START_S)
            except ServerFailed as failure:
                await self._child.stop(signal.SIGINT, STOP_S)
                if not left or "Address already in use" not in str(failure):
                    raise
            else:
                return

    async def stop(self) -> None:
        """Fast shutdown: transactions under way are rolled back, what was acknowledged is on disk."""
        await self._child.stop(signal.SIGINT, STOP_S)

    def _program(self, programs: Path) -> Program:
        settings = {**SETTINGS, "port": str(self.port), "cluster_name": self._cluster}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        data = self._home / "data"
        return Program(
            [str(programs / "postgres"), "-D", self._seen_from(data), *arguments],
            cwd=data,
            identity=self._account.identity() if self._account else {},
        )

    def _seen_from(self, cwd: Path) -> str:
        """The working directory as PostgreSQL may name it.

        Root enters it and drops its rights then: the server can go on working in a folder that it could not walk to, because a parent (as
        /root, or the data folder itself) is closed to it. So no mode of any parent has to change.
        """
        return "/proc/self/cwd" if self._account else str(cwd)

    def _prepare(self) -> Path:
        """Make the cluster if it is missing; returns the folder of the programs."""
        programs = postgres_programs(self._account)
        if not (self._home / "data").exists():
            self._make_home()
            self._initdb(programs)
        self._forget_recycled_pid()
        return programs

    def _forget_recycled_pid(self) -> None:
        """A pid that was given again to some other program would keep PostgreSQL from starting. One of another PostgreSQL rightly does."""
        pid = self._stated_pid()
        if pid is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).name() == "postgres":
                return
        (self._home / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _make_home(self) -> None:
        if self._account is None:
            make_private(self._home)
        else:
            self._home.mkdir(mode=0o700, exist_ok=True)
            os.chown(self._home, *self._account, follow_symlinks=False)

    def _initdb(self, programs: Path) -> None:
        """Make the cluster beside its place, then move it there: one that is half made by a crash is made anew."""
        draft = self._home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        with self._password_file() as password_file:
            if self._account:
                os.chown(draft, *self._account)
                os.chown(password_file, *self._account)
            made = subprocess.run(  # noqa: S603 - the program comes from an installed distribution
                [
                    programs / "initdb",
                    "-D",
                    self._seen_from(draft),
                    f"--pwfile={self._seen_from(draft)}/../initdb.password",
                    *INITDB,
                ],
                cwd=draft,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                umask=0o077,
                start_new_session=True,
                check=False,
                **(self._account.identity() if self._account else {}),
            )
        if made.returncode:
            raise ServerFailed(f"initdb could not make a PostgreSQL cluster:\n{made.stdout.decode(errors='replace')}")
        draft.rename(self._home / "data")

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[Path]:
        path = self._home / "initdb.password"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, self._password(SUPERUSER).encode())
            os.close(descriptor)
            yield path
        finally:
            path.unlink()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1",
                port=self.port,
                user=SUPERUSER,
                password=self._password(SUPERUSER),
                database="postgres",
                ssl=False,
                timeout=5.0,
            )
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        try:
            await establish(connection, {role: self._password(role) for role in ROLES})
        finally:
            await connection.close()
        return True

    def _password(self, role: str) -> str:
        return self._folder.password(SUPERUSER if role == SUPERUSER else ROLES[role])

    def _stated_pid(self) -> int | None:
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            return int((self._home / "data" / "postmaster.pid").read_text().splitlines()[0])
        return None

    async def _end_backends(self) -> None:
        """PostgreSQL refuses to start while backends of a killed postmaster live: they write to the same memory and files."""
        lingering = [process for process in psutil.process_iter() if self._is_orphaned_backend(process)]
        if not await within(LINGER_S, lambda: all(map(is_gone, lingering))):
            for process in lingering:
                await end(process, signal.SIGTERM, LINGER_S)

    def _is_orphaned_backend(self, process: psutil.Process) -> bool:
        try:
            title = process.cmdline()
            if not title or not title[0].startswith(f"postgres: {self._cluster}: "):
                return False
            parent = process.parent()
            return parent is None or f"cluster_name={self._cluster}" not in parent.cmdline()
        except psutil.Error:
            return False
