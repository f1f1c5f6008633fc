"""From threads to the event loop of the store: the package is synchronous, the store is not."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final, TypeVar

import uvloop
from eventsourcing.persistence import InterfaceError, ProgrammingError

T = TypeVar("T")

START_S: Final = 10.0


class Bridge:
    """An event loop in a thread of its own, from the first call until `close`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._closed = False

    def start(self) -> None:
        loop = self._loop = uvloop.new_event_loop()
        self._thread = Thread(target=loop.run_forever, name="registre-library", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Raises InterfaceError once closed, ProgrammingError where waiting for the result would stop a loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            work.close()
            raise ProgrammingError("the synchronous recorders are never called from an event loop: use the store itself")
        if self._closed:
            work.close()
            raise InterfaceError("the recorders have been closed")
        if self._loop is None:
            self.start()
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result, waited for by the calling thread."""
        return self.submit(work).result()

    def close(self) -> None:
        """Stop the loop; what still runs on it is cancelled. May be repeated."""
        self._closed = True
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_end_others(), loop).result(START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        loop.close()


async def _end_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
