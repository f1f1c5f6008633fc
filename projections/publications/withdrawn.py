"""Which bundles show what has been erased since, and which contributions earlier published bundles showed."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from msgspec import Struct

from adapters.records import event_of, recorded, stream_of
from adapters.store import Chosen, EventStore
from domain import contribution
from domain.contribution import Erased
from domain.publication import Prepared, Published, exposes
from domain.record import CODEC, Recorded
from projections.publications.packing import Row

PAGE: Final = 2_000
WITHDRAWALS: Final = ("contribution", "day")


class Written(Struct, frozen=True):
    """A bundle that has been prepared."""

    publication: UUID
    prepared: Prepared


async def withdrawals(store: EventStore, slug: str, up_to: int) -> list[Row]:
    """The contributions that a bundle published by then showed, and that have been erased since, with the day. Raises Unavailable."""
    public = await _published(store, slug, up_to)
    published = [each for each in await written(store, slug, up_to) if each.publication in public]
    rows: list[Row] = [
        {"contribution": erasure.stream, "day": erasure.recorded_at.date()}
        async for erasure in _erasures(store, slug, 0, up_to)
        if await _exposing(store, erasure.stream, erasure.position, published)
    ]
    return sorted(rows, key=lambda row: row["contribution"])


async def exposing(store: EventStore, erasure: Recorded) -> list[UUID]:
    """The bundles prepared before an erasure that show its contribution, published or not. Raises Unavailable."""
    return await _exposing(store, erasure.stream, erasure.position, await written(store, erasure.consultation, erasure.position))


async def exposed(store: EventStore, publication: UUID, slug: str, prepared: Prepared, up_to: int) -> bool:
    """Whether a bundle shows something that was erased up to a position. Raises Unavailable."""
    bundle = Written(publication, prepared)
    async for erasure in _erasures(store, slug, prepared.seen, up_to):
        if await _exposing(store, erasure.stream, erasure.position, [bundle]):
            return True
    return False


async def written(store: EventStore, slug: str, up_to: int) -> list[Written]:
    """Every bundle prepared by then."""
    chosen = Chosen(slug, CODEC.topics_of(Prepared))
    async with aclosing(store.pages(limit=PAGE, up_to=up_to, chosen=chosen)) as pages:
        return [Written(stream_of(entry), event_of(entry)) async for page in pages for entry in page]


async def _published(store: EventStore, slug: str, up_to: int) -> frozenset[UUID]:
    chosen = Chosen(slug, CODEC.topics_of(Published))
    async with aclosing(store.pages(limit=PAGE, up_to=up_to, chosen=chosen)) as pages:
        return frozenset([stream_of(entry) async for page in pages for entry in page])


async def _erasures(store: EventStore, slug: str, after: int, up_to: int) -> AsyncIterator[Recorded]:
    chosen = Chosen(slug, CODEC.topics_of(Erased))
    async with aclosing(store.pages(after, limit=PAGE, up_to=up_to, chosen=chosen)) as pages:
        async for page in pages:
            for entry in page:
                yield recorded(entry)


async def _exposing(store: EventStore, stream: UUID, erased_at: int, bundles: list[Written]) -> list[UUID]:
    """Those of the bundles that show a contribution erased at a position: each asked how it stood at the bundle's own."""
    if not bundles:
        return []
    entries = await store.stream(stream)
    found: list[UUID] = []
    for each in bundles:
        state: contribution.State = None
        for entry in entries:
            if entry.id <= each.prepared.position:
                state = contribution.evolve(state, event_of(entry))
        if exposes(each.prepared, erased_at, visible=contribution.visible(state)):
            found.append(each.publication)
    return found
