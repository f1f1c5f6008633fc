"""The two processes of the service: `python -m service.processes http PID` and `... work PID`, where PID starts them.

Both die with whoever started them: a supervisor that is killed leaves no server behind that would hold its port.
"""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any, Final, cast

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer

from adapters.store import Unavailable
from service import logs
from service.app import create_app
from service.children import die_with_parent, stand_back
from service.collecting import collect_rarely
from service.patience import Application, Patience
from service.settings import Settings
from service.wiring import resources
from service.workers import work

BACKLOG: Final = 1_024
HEADER_MS: Final = 10_000
"""How long the head of a request may take to arrive, in milliseconds."""
BACKPRESSURE: Final = 512
"""Requests at once in each HTTP worker: beyond them clients wait in the backlog."""
DRAIN_S: Final = 10
AGAIN_S: Final = 0.5

_log = structlog.get_logger()


def application() -> Patience:
    """What each of Granian's workers loads."""
    die_with_parent()
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    app = Patience(cast("Application", create_app(settings)))
    collect_rarely()
    return app


def serve_http(settings: Settings) -> None:
    """Until SIGTERM: requests under way are answered first."""
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    http_server("service.processes:application", host, settings.port, settings.workers).serve()


def http_server(target: str, host: str, port: int, workers: int) -> AbstractServer[Any]:
    """The one way in which this project serves an application; `target` names what makes it."""
    return Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        factory=True,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=DRAIN_S,
        log_level=LogLevels.warning,
        log_access=False,
    )


async def run_worker(settings: Settings) -> None:
    """Until cancelled; waits for the servers that it needs."""
    while True:
        try:
            async with resources(settings, stands_back=True) as shared:
                await work(shared)
        except Unavailable as error:
            _log.warning("worker waits", reason=str(error))
        await asyncio.sleep(AGAIN_S)


def serve_work(settings: Settings) -> None:
    """Until SIGTERM, SIGINT or SIGHUP."""
    stand_back()

    async def until_signalled() -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task")
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(each, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await run_worker(settings)

    collect_rarely()
    uvloop.run(until_signalled())


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    {"http": serve_http, "work": serve_work}[sys.argv[1]](settings)


if __name__ == "__main__":
    main()
