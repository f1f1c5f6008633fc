"""From threads to the event loop of the store: the package is synchronous, the store is not."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from threading import Lock, Thread, current_thread
from typing import Any, Final, TypeVar

import uvloop
from eventsourcing.persistence import InterfaceError, ProgrammingError

T = TypeVar("T")

END_S: Final = 40.0
"""Longer than a statement may take."""


class Bridge:
    """An event loop in a thread of its own, from the first call until `close`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._closed = False
        self._lock = Lock()
        """Many threads may call first, and one may close meanwhile."""

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Raises InterfaceError once closed, ProgrammingError where waiting for the result would stop a loop."""
        if _on_a_loop():
            work.close()
            raise ProgrammingError("the synchronous recorders are never called from an event loop: use the store itself")
        with self._lock:
            if self._closed:
                work.close()
                raise InterfaceError("the recorders have been closed")
            return asyncio.run_coroutine_threadsafe(work, self._loop or self._start())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result, waited for by the calling thread. Raises InterfaceError when the recorders are closed meanwhile."""
        future = self.submit(work)
        try:
            return future.result()
        except (CancelledError, asyncio.CancelledError):
            raise InterfaceError("the recorders have been closed") from None

    def close(self, last: Coroutine[Any, Any, object]) -> None:
        """Do one last thing on the loop, if there ever was one, and stop it; what still runs on it is cancelled. May be repeated.

        The garbage collector may call this from any thread. Where waiting would stop a loop, another thread waits.
        """
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            last.close()
        elif _on_a_loop() or thread is current_thread():
            Thread(target=_end, args=(loop, thread, last), name="registre-library-end", daemon=True).start()
        else:
            _end(loop, thread, last)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = uvloop.new_event_loop()
        self._thread = Thread(target=loop.run_forever, name="registre-library", daemon=True)
        self._thread.start()
        return loop


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _end(loop: asyncio.AbstractEventLoop, thread: Thread, last: Coroutine[Any, Any, object]) -> None:
    try:
        asyncio.run_coroutine_threadsafe(_ended(last), loop).result(END_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(END_S)
        if not thread.is_alive():
            loop.close()


async def _ended(last: Coroutine[Any, Any, object]) -> None:
    try:
        await last
    finally:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()
