"""The stage: the real service in a folder, started by the demo, started again when it is killed, stopped at the end."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx

from adapters.embedded import DataFolder, FolderHeld
from adapters.tokens import DevelopmentIssuer, Role
from service.client import Client, Transport
from service.located import Located, NotRunning, development_issuer, locate, read_run
from service.settings import PREFIX, Settings

T = TypeVar("T")

START_S: Final = 90.0
FREE_S: Final = 30.0
STOP_S: Final = 60.0
STARTS: Final = 6
"""How often a service that keeps ending is started before the demo gives up."""
TOKEN_S: Final = 86_400
PAUSES_S: Final = (0.02, 0.5)
LOG_TAIL: Final = 2_000


class NotPlayed(ValueError):  # noqa: N818 - says what has happened
    """The demo cannot go on. The message says why, and what to do."""


class Stage:
    """An asynchronous context: inside it the service answers on `client`, whatever is killed meanwhile."""

    def __init__(self, data: Path, log: Path) -> None:
        self.settings = Settings(data=data, clock_moves=True)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.client = Client("http://127.0.0.1")

    async def __aenter__(self) -> Self:
        try:
            await until(
                self._free, FREE_S, f"whoever holds {self.settings.data} to let go: end that process, or name another folder"
            )
            await self._start()
        except BaseException:
            await self._end()
            raise
        self._watch = asyncio.create_task(self._kept_running())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._end()

    @property
    def located(self) -> Located:
        return locate(self.settings)

    def staff(self, role: Role, name: str) -> Client:
        """A client with the token of a member of staff."""
        issuer: DevelopmentIssuer = development_issuer(self.settings)
        return self.client.as_staff(issuer.mint([role], name, TOKEN_S))

    async def _free(self) -> bool | None:
        """Whether nobody serves from the folder: the service of a demo that was killed takes a moment to stop."""
        try:
            with DataFolder.hold(self.settings.data):
                return True
        except FolderHeld:
            return None

    async def _start(self) -> None:
        command = [sys.executable, "-m", "service.cli", "serve", "--data", str(self.settings.data), "--port", "0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self._log.open("ab") as log:
            # A session of its own: a terminal's Ctrl-C reaches the demo, which stops the service in order.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "service.demo.tethered", str(os.getpid()), *command,
                env={**environment, "REGISTRE_CLOCK_MOVES": "true"}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        url = await self._ready(self._process)
        self.client.move(url)

    async def _ready(self, process: asyncio.subprocess.Process) -> str:
        """The URL, once the service answers on it. Raises NotPlayed."""

        async def answering() -> str | None:
            if process.returncode is not None:
                raise NotPlayed(f"the service ended with {process.returncode}; {self._log} ends with:\n{self._tail()}")
            with contextlib.suppress(NotRunning, httpx.TransportError):
                run = read_run(self.settings.data)
                if run.pids["supervisor"] == process.pid and (await http.get(f"{run.url}/health/ready")).status_code == 200:
                    return run.url
            return None

        async with httpx.AsyncClient(timeout=5, transport=Transport(trust_env=False)) as http:
            return await until(answering, START_S, "the service to answer")

    async def _kept_running(self) -> None:
        """Start the service again whenever it ends before the demo does."""
        for _ in range(STARTS):
            if self._process is None:
                return
            await self._process.wait()
            with contextlib.suppress(NotPlayed):
                await self._start()

    async def _end(self) -> None:
        await self.client.__aexit__()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]


async def until(look: Callable[[], Awaitable[T | None]], timeout_s: float, what: str) -> T:
    """What `look` finds, once it finds something. Raises NotPlayed after `timeout_s`."""
    deadline, pause_s = time.monotonic() + timeout_s, PAUSES_S[0]
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise NotPlayed(f"waited {timeout_s:.0f} s in vain for {what}")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSES_S[1])
    return found
