"""One server process of a data folder: started, recognised again after a crash, ended, and no other process ever touched."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from adapters.embedded.errors import ServerFailed
from adapters.embedded.folder import DataFolder, make_private, write_private

POLL_S: Final = 0.02
KILLED_S: Final = 10.0
LOG_BYTES: Final = 8 * 1024 * 1024
TAIL_BYTES: Final = 3_000
CLOCK_S: Final = 2.0
"""Process creation times are counted from the boot time, which moves a little when the clock is set."""


class Record(msgspec.Struct, frozen=True):
    """What is remembered of a server in run/NAME.json. `pid` is 0 after a clean stop; the port is asked for again."""

    pid: int
    created: float
    """Seconds since 1970, of the process."""
    executable: str
    port: int


@dataclass(frozen=True)
class Program:
    """How a server is started, and by what it is recognised."""

    argv: Sequence[str]
    cwd: Path
    identity: Mapping[str, Any]
    """`user`, `group` and `extra_groups` of subprocess.Popen, or nothing."""


class Child:
    """The process of one server. `mark` is an argument that no server of another folder carries."""

    def __init__(self, folder: DataFolder, name: str, mark: str) -> None:
        self._name = name
        self._mark = mark
        self._record = folder.path / "run" / f"{name}.json"
        self._log = folder.path / "log" / f"{name}.log"
        self._log_start_bytes = 0
        self._process: subprocess.Popen[bytes] | None = None
        make_private(self._record.parent)
        make_private(self._log.parent)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def port(self) -> int:
        """A port of loopback that is free: the one of last time if it can be."""
        record = self._remembered()
        return record.port if record and _is_free(record.port) else _free_port()

    def spawn(self, program: Program, port: int) -> None:
        """Start the process in a session of its own, so that a terminal's Ctrl-C reaches it only through `stop`."""
        log = os.open(self._rotated(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._log_start_bytes = os.fstat(log).st_size
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the program comes from an installed distribution
                program.argv,
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                umask=0o077,
                start_new_session=True,
                **program.identity,
            )
        finally:
            os.close(log)
        process = psutil.Process(self._process.pid)
        self._remember(Record(process.pid, process.create_time(), _executable(process, program.argv), port))

    async def answers(self, ask: Callable[[], Any], bound_s: float) -> None:
        """Return once awaiting `ask()` gives true. Raises ServerFailed when the process ends first, or after `bound_s`."""
        deadline = time.monotonic() + bound_s
        while not await ask():
            if not self.running():
                raise ServerFailed(f"{self._name} ended while it started. Its log ends with:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self._name} did not answer within {bound_s:.0f} s. Its log ends with:\n{self.tail()}")
            await asyncio.sleep(POLL_S)

    async def stop(self, how: signal.Signals, bound_s: float) -> None:
        """End the process with `how`, and with SIGKILL after `bound_s`. Does nothing when it has ended."""
        if self._process is None:
            return
        if self.running():
            await end(psutil.Process(self._process.pid), how, bound_s)
            self._process.wait()
        self._process = None
        if record := self._remembered():
            self._remember(msgspec.structs.replace(record, pid=0))

    async def end_orphan(self, stated_pid: int | None, how: signal.Signals, bound_s: float) -> None:
        """End what a killed `serve` left running: the recorded process, or the one that the server's own pid file states."""
        for process in self._orphans(stated_pid):
            await end(process, how, bound_s)

    def tail(self) -> str:
        """The end of what the process wrote since it was started."""
        with self._log.open("rb") as log:
            log.seek(max(self._log_start_bytes, self._log.stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace")

    def _orphans(self, stated_pid: int | None) -> list[psutil.Process]:
        record = self._remembered()
        found = []
        if record and (process := self._verified(record.pid)) and self._is_recorded(process, record):
            found.append(process)
        if stated_pid and (process := self._verified(stated_pid)) and process not in found:
            found.append(process)
        return found

    def _verified(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid) if pid > 1 else None
            argv = process.cmdline() if process else []
        except psutil.Error:
            return None
        named = bool(argv) and Path(argv[0]).name == self._name
        return process if named and self._mark in argv[1:] else None

    def _is_recorded(self, process: psutil.Process, record: Record) -> bool:
        try:
            same_time = abs(process.create_time() - record.created) < CLOCK_S
            return same_time and _executable(process, process.cmdline()) == record.executable
        except psutil.Error:
            return False

    def _remembered(self) -> Record | None:
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _remember(self, record: Record) -> None:
        write_private(self._record, msgspec.json.encode(record))

    def _rotated(self) -> Path:
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        return self._log


async def end(process: psutil.Process, how: signal.Signals, bound_s: float) -> None:
    """Signal a process, wait, and kill it after `bound_s`. Raises ServerFailed if even that does not end it."""
    for sign, wait_s in ((how, bound_s), (signal.SIGKILL, KILLED_S)):
        try:
            process.send_signal(sign)
        except psutil.NoSuchProcess:
            return
        if await within(wait_s, lambda: is_gone(process)):
            return
    raise ServerFailed(f"process {process.pid} does not end, even killed: it may wait for a disk")


async def within(bound_s: float, done: Callable[[], bool]) -> bool:
    """Whether `done` came true in time."""
    deadline = time.monotonic() + bound_s
    while not done():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, all its threads included: one that nobody has waited for yet counts."""
    try:
        return not process.is_running() or (process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1)
    except psutil.NoSuchProcess:
        return True


def _executable(process: psutil.Process, argv: Sequence[str]) -> str:
    try:
        return str(process.exe()).removesuffix(" (deleted)")
    except (
        psutil.AccessDenied,
        psutil.NoSuchProcess,
    ):  # in a container, root may not look into others' processes; or it has ended at once
        return argv[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections may linger, a listener may not
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
