"""The event store in memory: for tests, of this project and of its users. It promises what the port promises, but for a restart."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from eventsourcing.persistence import DataError, StoredEvent

from adapters.store import EVERYTHING, NO_STREAMS, Chosen, Conflict, Entry

FOLLOW_PAGE: Final = 1_000


class MemoryStore:
    """Implements EventStore, within one event loop."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._versions: dict[UUID | str, dict[int, int]] = {}
        """Stream to version to index."""
        self._claims: set[bytes] = set()
        self._moved = asyncio.Condition()

    async def append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int] = NO_STREAMS) -> list[int]:
        return await asyncio.shield(self._append(events, given))

    async def _append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int]) -> list[int]:
        await asyncio.sleep(0)  # as with a server, others run before the answer
        self._check(events, given)
        for event in events:
            self._add(event)
        async with self._moved:
            self._moved.notify_all()
        head = len(self._entries)
        return list(range(head - len(events) + 1, head + 1))

    async def stream(
        self, stream: UUID, *, after: int = -1, up_to: int | None = None, limit: int | None = None, latest: bool = False
    ) -> list[Entry]:
        versions = self._versions.get(stream, {})
        wanted = [at for at in sorted(versions, reverse=latest) if at > after and (up_to is None or at <= up_to)]
        return [self._entries[versions[at]] for at in wanted[:limit]]

    async def streams(self, streams: Collection[UUID]) -> dict[UUID, list[Entry]]:
        return {stream: await self.stream(stream) for stream in streams if stream in self._versions}

    async def page(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> list[Entry]:
        asked = self._entries[max(after, 0) : len(self._entries) if up_to is None else max(up_to, 0)]
        return [entry for entry in asked if _wanted(entry, chosen)][:limit]

    async def pages(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> AsyncGenerator[list[Entry], None]:
        while page := await self.page(after, limit=limit, up_to=up_to, chosen=chosen):
            yield page
            after = page[-1].id

    async def head(self) -> int:
        return len(self._entries)

    async def position_at(self, moment: datetime) -> int:
        return sum(entry.recorded_at <= moment for entry in self._entries)

    async def follow(self, after: int = 0) -> AsyncIterator[list[Entry]]:
        while True:
            async with self._moved:
                await self._moved.wait_for(lambda: len(self._entries) > after)  # noqa: B023 - `after` moves between two waits, not during one
            page = await self.page(after, limit=FOLLOW_PAGE)
            yield page
            after = page[-1].id

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _check(self, events: Sequence[StoredEvent], given: Mapping[UUID, int]) -> None:
        """All or nothing: whatever forbids one event forbids the request."""
        seen: set[tuple[UUID | str, int]] = set()
        claims = [claim for event in events if (claim := getattr(event, "claim", None)) is not None]
        if None in given or None in given.values() or len(set(claims)) < len(claims):
            raise DataError("the store cannot hold this")
        for event in events:
            place = (event.originator_id, event.originator_version)
            claim = getattr(event, "claim", None)
            if event.originator_version in self._versions.get(event.originator_id, {}) or place in seen or claim in self._claims:
                raise Conflict(event.originator_id)
            seen.add(place)
            if "\x00" in event.topic or not -(2**31) <= event.originator_version < 2**31:
                raise DataError("the store cannot hold this")
        for stream, version in given.items():
            if max(self._versions.get(stream, {}), default=0) != version:
                raise Conflict(stream)

    def _add(self, event: StoredEvent) -> None:
        last = self._entries[-1].recorded_at if self._entries else datetime.min.replace(tzinfo=UTC)
        self._versions.setdefault(event.originator_id, {})[event.originator_version] = len(self._entries)
        if (claim := getattr(event, "claim", None)) is not None:
            self._claims.add(claim)
        self._entries.append(
            Entry(
                event.originator_id,
                event.originator_version,
                event.topic,
                event.state,
                len(self._entries) + 1,
                getattr(event, "consultation", ""),
                max(last, datetime.now(UTC)),
            )
        )


def _wanted(entry: Entry, chosen: Chosen) -> bool:
    return chosen.consultation in {None, entry.consultation} and (not chosen.topics or entry.topic in chosen.topics)
