"""What the recorders of one factory share: the loop's thread and the store on it, connected at the first call."""

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, TypeVar

import asyncpg
from eventsourcing.persistence import InterfaceError, OperationalError

from adapters.library.bridge import Bridge
from adapters.postgres.migrate import migrate, pending
from adapters.postgres.pool import server_may_be_away
from adapters.postgres.processing import Processing
from adapters.postgres.store import PostgresStore
from adapters.store import Entry

T = TypeVar("T")


class Link:
    """The store and its loop. With `migration_url` the missing migrations are applied first, as its role."""

    def __init__(self, url: str, migration_url: str | None = None) -> None:
        self.bridge = Bridge()
        self._url = url
        self._migration_url = migration_url
        self._store: PostgresStore | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def asked(self, ask: Callable[[PostgresStore], Awaitable[T]]) -> T:
        return await ask(await self._connected())

    async def followed(self, after: int) -> AsyncGenerator[list[Entry], None]:
        async for page in (await self._connected()).follow(after):
            yield page

    def close(self) -> None:
        self.bridge.close(self._let_go())

    def fresh(self) -> "Link":
        """Another one to the same log, not connected yet."""
        return Link(self._url, self._migration_url)

    async def _connected(self) -> PostgresStore:
        """Tried again by the next caller when the server is away."""
        async with self._connecting:
            if self._closed:
                raise InterfaceError("the recorders have been closed")
            if self._store is None:
                if self._migration_url is not None and await _lacking(self._url):
                    await migrate(self._migration_url)
                self._store = await PostgresStore.connect(self._url)
            return self._store

    async def _let_go(self) -> None:
        """Not before a connection that is being made stands: it would be left behind."""
        async with self._connecting:
            self._closed = True
            if self._store is not None:
                with suppress(OperationalError):  # a server that is away has let go already
                    async with server_may_be_away():
                        await self._store.close()


class Connections:
    """Closed by the factory, or by the garbage collector once neither the factory nor a recorder of it is left.

    Whatever runs on the loop holds the link and not this, else it would never be left.
    """

    def __init__(self, url: str, owner: str, migration_url: str | None = None) -> None:
        self._owner = owner
        self._join(Link(url, migration_url))
        _EVERY.add(self)

    def call(self, ask: Callable[[PostgresStore], Awaitable[T]]) -> T:
        """What the store answers. Raises what it raises, in the package's words."""
        return self._link.bridge.call(self._link.asked(ask))

    def followed(self, after: int) -> "Followed":
        return Followed(self._link, after)

    def processing(self, store: PostgresStore) -> Processing:
        return Processing(store.pool, self._owner)

    def close(self) -> None:
        """May be repeated."""
        self._end()

    def renew(self) -> None:
        """In a process that was forked off: the loop's thread has stayed behind, and the connections belong to the parent."""
        self._end.detach()
        _INHERITED.append(self._link)  # for ever: to let go of it would be to speak on the parent's connections
        self._join(self._link.fresh())

    def _join(self, link: Link) -> None:
        self._link = link
        self._end = weakref.finalize(self, link.close)


class Followed:
    """A follower of the log, with a connection of its own from the first page until `end`."""

    def __init__(self, link: Link, after: int) -> None:
        self._link = link
        self._pages = link.followed(after)
        self._turn = asyncio.Lock()
        """A generator that is being cancelled cannot be closed yet."""

    def next(self) -> "Future[list[Entry]]":
        return self._link.bridge.submit(self._next())

    def end(self) -> None:
        with suppress(InterfaceError, OperationalError):
            self._link.bridge.call(self._ended())

    async def _next(self) -> list[Entry]:
        async with self._turn:
            return await anext(self._pages)

    async def _ended(self) -> None:
        async with self._turn:
            await self._pages.aclose()


async def _lacking(url: str) -> bool:
    """Whether the database lacks a migration. A role that may not know has had its database migrated by another."""
    try:
        return bool(await pending(url))
    except asyncpg.InsufficientPrivilegeError:
        return False


def _renew_all() -> None:
    for each in list(_EVERY):
        each.renew()


_EVERY: Final[weakref.WeakSet[Connections]] = weakref.WeakSet()
_INHERITED: Final[list[Link]] = []
os.register_at_fork(after_in_child=_renew_all)
