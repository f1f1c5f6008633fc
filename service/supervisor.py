"""`registre serve`: start what is needed, keep it running, stop it in order."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import structlog

from adapters.embedded import DataFolder, EmbeddedError
from adapters.embedded.nats import Nats
from adapters.embedded.postgres import Postgres
from adapters.postgres.keyring import MIGRATIONS as KEYRING
from adapters.postgres.migrate import LOG, migrate
from service import upkeep
from service.located import RUN, Located, Run, at_ports, write_run
from service.settings import Settings

PROCESSES = "service.processes"
"""The module that a child runs. Nothing but a benchmark names another."""
LOOK_S: Final = 0.1
STOP_S: Final = 20.0
BACK_OFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_S: Final = 30.0
"""Having run so long, a process that dies is started again without delay."""

_log = structlog.get_logger()


class PortTaken(RuntimeError):  # noqa: N818 - says what is the matter
    """Another process listens on the port."""


def free_port(host: str, port: int) -> int:
    """`port`, or any free one for 0. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"{host}:{port} cannot be listened on: {error.strerror}. Name another with --port.") from error
        return int(probe.getsockname()[1])


async def migrate_all(located: Located) -> list[str]:
    """Bring the log's and the keyring's database to this release; returns the files applied."""
    service_role = None if located.migration_url == located.database_url else _role(located.database_url)
    return [
        *await migrate(located.migration_url, LOG, service_role=service_role),
        *await migrate(located.keyring_url, KEYRING),
    ]


def _role(url: str) -> str:
    return url.split("://", 1)[1].split(":", 1)[0].split("@", 1)[0]


class Process:
    """A child of the supervisor: the HTTP process or the worker."""

    def __init__(self, kind: str, environment: Mapping[str, str]) -> None:
        self._kind = kind
        self._environment = dict(environment)
        self._child: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def running(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def start(self) -> None:
        command = [sys.executable, "-m", PROCESSES, self._kind, str(os.getpid())]
        # A session of its own: a terminal's Ctrl-C reaches the supervisor alone, which stops everything in order.
        self._child = await asyncio.create_subprocess_exec(*command, env=self._environment, start_new_session=True)

    async def stop(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        child.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await child.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()


Part = Process | Postgres | Nats


class Supervisor:
    """Holds the data folder while it runs."""

    def __init__(self, settings: Settings, folder: DataFolder, port: int) -> None:
        self._settings = settings
        self._folder = folder
        self._url = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
        self._parts: dict[str, Part] = {}
        self._started: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        environment = {
            **os.environ,
            "REGISTRE_DATA": str(folder.path),
            "REGISTRE_PORT": str(port),
            "REGISTRE_HOST": settings.host,
        }
        if settings.database_url is None:
            self._parts["postgres"] = Postgres(folder)
        if settings.nats_url is None:
            self._parts["nats"] = Nats(folder)
        self._processes = {"worker": Process("work", environment), "http": Process("http", environment)}

    async def run(self, stop: asyncio.Event, ready: Callable[[str], Awaitable[None]]) -> None:
        """Until `stop` is set. `ready` is told the URL once everything has been started."""
        try:
            for name in list(self._parts):
                await self._start(name)
            located = at_ports(self._settings, self._folder, self._ports())
            applied = await migrate_all(located)
            if applied:
                _log.info("migrated", files=applied)
            await upkeep.reconcile(located)  # before anything reads
            self._write()
            self._parts |= self._processes
            for name in self._processes:
                await self._start(name)
            self._write()
            await ready(self._url)
            await self._watch(stop)
        finally:
            await self._stop()

    async def _watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for name, part in self._parts.items():
                if not part.running() and not stop.is_set():
                    await self._again(name)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()

    async def _again(self, name: str) -> None:
        """Start a part that has died; sooner the longer it had run."""
        now = asyncio.get_running_loop().time()
        failures = 0 if now - self._started[name] > STEADY_S else self._failures.get(name, 0)
        pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
        _log.warning("died, starting it again", part=name, pause_s=pause_s)
        self._failures[name] = failures + 1
        await asyncio.sleep(pause_s)
        ports = self._ports()
        try:
            await self._start(name)
        except EmbeddedError as error:
            _log.error("cannot be started", part=name, reason=str(error))
            return
        self._write()
        if self._ports() != ports:  # the others hold the old address
            for process in self._processes.values():
                await process.stop()

    async def _start(self, name: str) -> None:
        self._started[name] = asyncio.get_running_loop().time()
        await self._parts[name].start()

    async def _stop(self) -> None:
        for name in ("http", "worker", "nats", "postgres"):
            if name in self._parts:
                await self._parts[name].stop()
        (self._folder.path / RUN).unlink(missing_ok=True)

    def _ports(self) -> dict[str, int]:
        return {name: part.port for name, part in self._parts.items() if isinstance(part, Postgres | Nats)}

    def _write(self) -> None:
        pids = {name: part.pid for name, part in self._parts.items()}
        known = {"supervisor": os.getpid()} | {name: pid for name, pid in pids.items() if pid is not None}
        write_run(self._folder.path, Run(self._url, known, self._ports()))


async def serve(settings: Settings, port: int, ready: Callable[[str], Awaitable[None]]) -> None:
    """Everything, until SIGINT, SIGTERM or SIGHUP. Raises FolderHeld, FolderExposed, ServerFailed, PortTaken, MigrationRefused, Unavailable."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    with ExitStack() as stack:
        folder = stack.enter_context(DataFolder.hold(Path(settings.data)))
        await Supervisor(settings, folder, free_port(settings.host, port)).run(stop, ready)
