"""The event store on PostgreSQL: reads by position, writes through the appender."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from eventsourcing.persistence import StoredEvent

from adapters.postgres.appender import SQL, Appender
from adapters.postgres.pool import connect, create_pool, server_may_be_away
from adapters.processors import Pace
from adapters.store import EVERYTHING, NO_STREAMS, Chosen, Entry, Rewound, Unavailable

CHANNEL: Final = "registre_events"
AWAITED: Final = "registre_awaited"
POLL_S: Final = 1.0
"""A follower looks by itself so often, should a notification be lost."""
FOLLOW_PAGE: Final = 1_000
_LAST: Final = 2**62
_LAST_VERSION: Final = 2**31 - 1


class PostgresStore:
    """Implements EventStore."""

    def __init__(self, url: str, pool: "asyncpg.Pool[Any]", *, stands_back: bool = False) -> None:
        self._stands_back = stands_back
        self._url = url
        self.pool = pool
        self.appender = Appender(url)

    @classmethod
    async def connect(cls, url: str, *, connections: int = 8, stands_back: bool = False) -> "PostgresStore":
        """Raises Unavailable when the server is away. With `stands_back` its followers let writers go first when processors are scarce."""
        return cls(url, await create_pool(url, "registre-store", connections=connections), stands_back=stands_back)

    async def append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int] = NO_STREAMS) -> list[int]:
        return await self.appender.append(events, given)

    async def stream(
        self, stream: UUID, *, after: int = -1, up_to: int | None = None, limit: int | None = None, latest: bool = False
    ) -> list[Entry]:
        query = SQL["latest_of_stream" if latest else "stream"]
        async with server_may_be_away():
            rows = await self.pool.fetch(query, stream, after, _LAST_VERSION if up_to is None else up_to, limit)
        return [_entry(row) for row in rows]

    async def streams(self, streams: Collection[UUID]) -> dict[UUID, list[Entry]]:
        found: dict[UUID, list[Entry]] = {}
        if not streams:
            return found
        async with server_may_be_away():
            rows = await self.pool.fetch(SQL["streams"], list(streams))
        for row in rows:
            found.setdefault(row["stream"], []).append(_entry(row))
        return found

    async def page(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> list[Entry]:
        keys = after, _LAST if up_to is None else up_to, limit
        async with server_may_be_away():
            if chosen.topics and chosen.consultation is not None:
                query = SQL["page_of_topics_in_consultation"]
                rows = await self.pool.fetch(query, *keys, chosen.topics, chosen.consultation)
            elif chosen.topics:
                rows = await self.pool.fetch(SQL["page_of_topics"], *keys, chosen.topics)
            elif chosen.consultation is not None:
                rows = await self.pool.fetch(SQL["page_of_consultation"], *keys, chosen.consultation)
            else:
                rows = await self.pool.fetch(SQL["page"], *keys)
        return [_entry(row) for row in rows]

    async def pages(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> AsyncGenerator[list[Entry], None]:
        async def fetch(after: int) -> list[Entry]:
            return await self.page(after, limit=limit, up_to=up_to, chosen=chosen)

        ahead = asyncio.create_task(fetch(after))
        try:
            while page := await ahead:
                if len(page) == limit:
                    ahead = asyncio.create_task(fetch(page[-1].id))
                yield page
                if len(page) < limit:
                    return
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def head(self) -> int:
        async with server_may_be_away():
            return int(await self.pool.fetchval(SQL["head"]))

    async def position_at(self, moment: datetime) -> int:
        async with server_may_be_away():
            return int(await self.pool.fetchval(SQL["position_at"], moment))

    async def follow(self, after: int = 0) -> AsyncIterator[list[Entry]]:
        """Every event after a position, in batches, for ever. Goes on by itself when the server comes back. Raises Rewound."""
        heard = _Heard()
        pace = Pace(stands_back=self._stands_back)
        listener: asyncpg.Connection[Any] | None = None
        last: Entry | None = None
        try:
            while True:
                try:
                    if listener is None or listener.is_closed():
                        listener = await self._listening(heard)
                    heard.moved.clear()
                    page = await self._continued(after, last)
                except Unavailable:
                    await asyncio.sleep(POLL_S / 4)
                    continue
                if page:
                    yield page
                    last = page[-1]
                    after = last.id
                    behind = max(heard.head - after, len(page) == FOLLOW_PAGE)
                    await heard.rest(pace.pause_s(len(page), behind), after)
                    continue
                await _set_within(heard.moved, POLL_S)
        finally:
            if listener is not None:
                listener.terminate()

    async def _continued(self, after: int, last: Entry | None) -> list[Entry]:
        """The page after the one that ended with `last`, which is read again: whichever server answers now, its log must hold it.

        Raises Rewound, Unavailable.
        """
        if last is None:
            return await self.page(after, limit=FOLLOW_PAGE)
        page = await self.page(after - 1, limit=1 + FOLLOW_PAGE)
        if page[:1] != [last]:
            raise Rewound(after)
        return page[1:]

    async def _listening(self, heard: "_Heard") -> "asyncpg.Connection[Any]":
        listener = await connect(self._url, "registre-follower")
        try:
            async with server_may_be_away():
                await listener.add_listener(CHANNEL, lambda *told: heard.appended(int(str(told[3]))))
                await listener.add_listener(AWAITED, lambda *told: heard.waits(int(str(told[3]))))
        except BaseException:  # whoever is cancelled here leaves no connection behind
            listener.terminate()
            raise
        return listener

    async def close(self) -> None:
        try:
            await self.appender.close()
        except BaseException:  # a closer that is cancelled leaves no connection behind
            self.pool.terminate()
            raise
        await self.pool.close()


class _Heard:
    """What a follower has been told."""

    def __init__(self) -> None:
        self.head = 0
        """Where the log stands."""
        self.moved = asyncio.Event()
        self._awaited = 0
        """How far somebody waits for followers to come."""
        self._hurry = asyncio.Event()

    def appended(self, head: int) -> None:
        self.head = max(self.head, head)
        self.moved.set()

    def waits(self, position: int) -> None:
        self._awaited = max(self._awaited, position)
        self._hurry.set()

    async def rest(self, seconds: float, at: int) -> None:
        """Rest at a position, but no longer than nobody waits for a later one."""
        self._hurry.clear()
        if self._awaited > at or not seconds:
            await asyncio.sleep(0)
        else:
            await _set_within(self._hurry, seconds)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        # Not wait_for: in Python 3.11 it may swallow a cancellation that arrives with the result.
        async with asyncio.timeout(seconds):
            await event.wait()


def _entry(row: asyncpg.Record) -> Entry:
    position, stream, version, topic, state, consultation, recorded_at = row
    return Entry(stream, version, topic, state, position, consultation, recorded_at)
