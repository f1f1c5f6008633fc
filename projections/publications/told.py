"""What a publication takes from the log itself: each decision of moderation, each coding, each charter and codebook."""

from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from datetime import date
from typing import Final
from uuid import UUID

from msgspec import Struct

from adapters.records import event_of, stream_of
from adapters.store import Chosen, EventStore
from domain import contribution
from domain.consultation import CharterAdopted, CodebookAdopted
from domain.contribution import (
    Appealed,
    AppealSettled,
    Coded,
    Erased,
    Hidden,
    HidingConfirmed,
    HidingDisputed,
    Kept,
    Recoded,
    Reinstated,
)  # fmt: skip
from domain.record import CODEC, Recorded
from projections.publications.packing import Row
from projections.runner import decoded

PAGE: Final = 2_000
DECISIONS: Final = (
    "contribution", "number", "day", "decision", "clause", "charter", "analysed", "origin", "cause", "granted", "commitment",
)  # fmt: skip
CODINGS: Final = ("contribution", "reading", "coding", "codebook", "code")
_TELLING: Final = (
    CharterAdopted, CodebookAdopted, Kept, Hidden, HidingConfirmed, HidingDisputed, Reinstated, Appealed, AppealSettled, Coded, Recoded,
    Erased,
)  # fmt: skip


class Told(Struct, frozen=True):
    day: date
    """Of the last event that is shown."""
    charters: list[CharterAdopted]
    codebooks: list[CodebookAdopted]
    decisions: list[Row]
    """By contribution, numbered from 1 in each: their order across contributions would tell the hour."""
    codings: list[Row]
    """One a code: by contribution, readings numbered from 1 in each, codings from 1 in each reading."""


async def told(store: EventStore, slug: str, position: int) -> Told:
    """One pass over what the log tells up to a position. Raises Unavailable, Stopped."""
    charters: list[CharterAdopted] = []
    codebooks: list[CodebookAdopted] = []
    rows: list[Row] = []
    codings: list[Recorded] = []
    telling = Chosen(slug, CODEC.topics_of(*_TELLING))
    async with aclosing(store.pages(limit=PAGE, up_to=position, chosen=telling)) as pages:
        async for page in pages:
            batch = decoded("bundle", page)
            charters += [recorded.event for recorded in batch if isinstance(recorded.event, CharterAdopted)]
            codebooks += [recorded.event for recorded in batch if isinstance(recorded.event, CodebookAdopted)]
            codings += [recorded for recorded in batch if isinstance(recorded.event, Coded | Recoded)]
            rows += [row for recorded in batch if (row := _decision(recorded))]
    last = await store.page(position - 1, limit=1, up_to=position)
    return Told(last[0].recorded_at.date() if last else date.min, charters, codebooks, _numbered(rows), _codings(codings))


async def erased_between(store: EventStore, slug: str, after: int, up_to: int) -> frozenset[UUID]:
    """The contributions whose erasure was recorded after a position and up to another. Raises Unavailable."""
    erasures = Chosen(slug, CODEC.topics_of(Erased))
    async with aclosing(store.pages(after, limit=PAGE, up_to=up_to, chosen=erasures)) as pages:
        return frozenset([stream_of(entry) async for page in pages for entry in page])


async def concealed(store: EventStore, slug: str, position: int, after: int, up_to: int) -> frozenset[UUID]:
    """The contributions that the public saw at `position` and, by what was recorded after `after`, sees no more at `up_to`.

    Raises Unavailable.
    """
    acts = Chosen(slug, CODEC.topics_of(Erased, Hidden))
    async with aclosing(store.pages(after, limit=PAGE, up_to=up_to, chosen=acts)) as pages:
        touched = {stream_of(entry) async for page in pages for entry in page}
    return frozenset([stream for stream in touched if await _hidden_since(store, stream, position, up_to)])


async def _hidden_since(store: EventStore, stream: UUID, position: int, up_to: int) -> bool:
    before: contribution.State = None
    now: contribution.State = None
    for entry in await store.stream(stream):
        event = event_of(entry)
        before = contribution.evolve(before, event) if entry.id <= position else before
        now = contribution.evolve(now, event) if entry.id <= up_to else now
    return contribution.visible(before) and not contribution.visible(now)


def _numbered(rows: Iterable[Row]) -> list[Row]:
    counted: Counter[UUID] = Counter()
    for row in rows:
        counted[row["contribution"]] += 1
        row["number"] = counted[row["contribution"]]
    return sorted(rows, key=lambda row: (row["contribution"], row["number"]))


def _codings(codings: Iterable[Recorded]) -> list[Row]:
    """What each reader found, first and anew; who they are is left out, and so is which readings are of one person."""
    readings: dict[UUID, dict[UUID, int]] = {}
    counted: Counter[UUID] = Counter()
    rows: list[Row] = []
    for recorded in codings:
        event = recorded.event
        if not isinstance(event, Coded | Recoded):
            continue
        numbers = readings.setdefault(recorded.stream, {})
        number = numbers.setdefault(event.assignment, len(numbers) + 1)
        counted[event.assignment] += 1
        place = (recorded.stream, number, counted[event.assignment], event.codebook)
        rows += [dict(zip(CODINGS, (*place, code), strict=True)) for code in event.codes]
    return sorted(rows, key=lambda row: (row["contribution"], row["reading"], row["coding"]))


def _decision(recorded: Recorded) -> Row | None:
    """Its public form: who took it is left out, what was written in it stands by its commitment."""
    row: Row = dict.fromkeys(DECISIONS)
    row |= {"contribution": recorded.stream, "day": recorded.recorded_at.date()}
    match recorded.event:
        case Kept():
            return row | {"decision": "kept"}
        case Hidden(clause=clause, charter=charter, analysed=analysed, origin=origin, commitment=commitment):
            return row | {
                "decision": "hidden", "clause": clause, "charter": charter, "analysed": analysed, "origin": origin,
                "commitment": commitment,
            }  # fmt: skip
        case HidingConfirmed():
            return row | {"decision": "hiding-confirmed"}
        case HidingDisputed():
            return row | {"decision": "hiding-disputed"}
        case Reinstated(_, cause):
            return row | {"decision": "reinstated", "cause": cause}
        case Appealed(commitment):
            return row | {"decision": "appealed", "commitment": commitment}
        case AppealSettled(_, granted, commitment):
            return row | {"decision": "appeal-settled", "granted": granted, "commitment": commitment}
        case Erased(cause=cause):
            return row | {"decision": "erased", "cause": "contributor" if cause == "withdrawal" else "order"}
    return None
