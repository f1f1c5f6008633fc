"""What the recorders of one factory share: the loop's thread and the store on it, connected at the first call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg
from eventsourcing.persistence import OperationalError

from adapters.library.bridge import Bridge
from adapters.postgres.migrate import migrate, pending
from adapters.postgres.processing import Processing
from adapters.postgres.store import PostgresStore
from adapters.store import Entry

T = TypeVar("T")


class Connections:
    """With `migration_url` the missing migrations are applied first, as its role."""

    def __init__(self, url: str, owner: str, migration_url: str | None = None) -> None:
        self._url = url
        self._owner = owner
        self._migration_url = migration_url
        self._bridge = Bridge()
        self._store: PostgresStore | None = None
        self._connecting = asyncio.Lock()

    def call(self, ask: Callable[[PostgresStore], Awaitable[T]]) -> T:
        """What the store answers. Raises what it raises, in the package's words."""

        async def asked() -> T:
            return await ask(await self._connected())

        return self._bridge.call(asked())

    def submit(self, work: Awaitable[T]) -> "Future[T]":
        return self._bridge.submit(_awaited(work))

    async def followed(self, after: int) -> AsyncIterator[list[Entry]]:
        async for page in (await self._connected()).follow(after):
            yield page

    def end(self, pages: AsyncIterator[Any]) -> None:
        """Let a follower's own connection go."""
        with suppress(OperationalError):
            self._bridge.call(_closed(pages))

    def processing(self, store: PostgresStore) -> Processing:
        return Processing(store.pool, self._owner)

    def close(self) -> None:
        """May be repeated."""
        if self._store is not None:
            store, self._store = self._store, None
            self._bridge.call(store.close())
        self._bridge.close()

    async def _connected(self) -> PostgresStore:
        async with self._connecting:
            if self._store is None:
                if self._migration_url is not None and await _lacking(self._url):
                    await migrate(self._migration_url)
                self._store = await PostgresStore.connect(self._url)
            return self._store


async def _lacking(url: str) -> bool:
    """Whether the database lacks a migration. A role that may not know has had its database migrated by another."""
    try:
        return bool(await pending(url))
    except asyncpg.InsufficientPrivilegeError:
        return False


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def _closed(pages: AsyncIterator[Any]) -> None:
    close: Callable[[], Coroutine[Any, Any, None]] = pages.aclose  # type: ignore[attr-defined]  # it is a generator
    await close()
