"""Public pages, remembered as they were encoded until their read model moves: many people look at the same one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final

from adapters.postgres.hearing import hear
from projections.runner import CHANNEL

PAGES: Final = 512
"""At most so many are remembered, in each process."""


class Remembered:
    """Pages of one read model. Nothing is remembered while nobody tells this process that the read model moves."""

    def __init__(self, projection: str) -> None:
        self._projection = projection
        self._pages: dict[Hashable, bytes] = {}
        self._hears = False
        self._moves = 0

    async def page(self, key: Hashable, write: Callable[[], Awaitable[bytes]]) -> bytes:
        """The page under this key, written anew unless the read model has stood still since it was."""
        if (known := self._pages.get(key)) is not None:
            return known
        moves = self._moves
        page = await write()
        if self._hears and moves == self._moves:  # else it may show what stood before a move
            if len(self._pages) >= PAGES:
                self._pages.clear()
            self._pages[key] = page
        return page

    def forget(self) -> None:
        """The read model has moved."""
        self._moves += 1
        self._pages.clear()

    @asynccontextmanager
    async def kept(self, url: str) -> AsyncIterator["Remembered"]:
        """While it lasts the process is told of every move."""
        hearing = asyncio.create_task(hear(url, CHANNEL, self), name=f"hears of {self._projection}")
        try:
            yield self
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    def heard(self, payload: str) -> None:
        if payload.startswith(self._projection):  # its fresh copy too, which may be about to take its place
            self.forget()

    def listening(self) -> None:
        self._hears = True
        self.forget()

    def deaf(self) -> None:
        self._hears = False
        self.forget()
