"""What is read of the treatment: the queues, what is due, coverage, counts, timelines."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Struct

from adapters.postgres.queries import load
from projections.pages import Database

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Held(Struct, frozen=True):
    assignment: UUID
    contribution: UUID


class Line(NamedTuple):
    """The front of a queue."""

    seen: int
    """The position at which it was read."""
    places: dict[UUID, Sequence[str]]
    """Contributions, in order, each with those who may not be handed it: they decided on it, or have read it."""
    whole: bool
    """Whether nothing stands behind these."""


class Counts(Struct, frozen=True):
    """Every contribution stands in exactly one of visible, withheld, withdrawn and pending."""

    received: int = 0
    visible: int = 0
    withheld: int = 0
    withdrawn: int = 0
    pending: int = 0
    read_once: int = 0
    read_enough: int = 0
    """Contributions under analysis with every reading that the policy asks for."""
    coded: int = 0
    linked: int = 0
    """Those that a proposal rests on."""
    arbitrated: int = 0
    """Those that a decided proposal rests on."""


class ThemeCounts(Counts, frozen=True, kw_only=True):
    theme: str


class TreatmentView(Struct, frozen=True):
    consultation: str
    position: int
    """Of the log, at which this is true."""
    totals: Counts
    themes: list[ThemeCounts]


class Step(Struct, frozen=True):
    position: int
    version: int
    topic: str
    at: datetime
    by: str | None
    delay_s: float | None
    """Since the step before, screening left out."""


class Timeline(Struct, frozen=True):
    contribution: UUID
    steps: list[Step]


class Due(Struct, frozen=True):
    leases: list[Held]
    unconfirmed: list[UUID]


async def held_reviews(db: Database, slug: str, reviewers: Sequence[str]) -> list[tuple[str, Held]]:
    """What reviewers hold; the latest first, where an earlier lease has passed and nobody has said so yet."""
    return [(holder, Held(*held)) for holder, *held in await db.fetch(QUERIES["held_reviews"], slug, reviewers)]


async def held_readings(db: Database, slug: str, readers: Sequence[str]) -> list[tuple[str, Held]]:
    """The readings that readers have under way; the latest first."""
    return [(holder, Held(*held)) for holder, *held in await db.fetch(QUERIES["held_readings"], slug, readers)]


async def reviews(db: Database, slug: str, limit: int) -> Line:
    """The first contributions that are owed a look, in order of arrival."""
    return _line(await db.fetch(QUERIES["reviews"], slug, limit), limit)


async def reviews_for(db: Database, slug: str, reviewer: str, limit: int) -> Line:
    """The first of them that a reviewer may look at."""
    return _line(await db.fetch(QUERIES["reviews_for"], slug, limit, reviewer), limit)


async def readings(db: Database, slug: str, limit: int) -> Line:
    """The first contributions that wait for a reading, in the order of the seed."""
    return _line(await db.fetch(QUERIES["readings"], slug, limit), limit)


async def readings_for(db: Database, slug: str, reader: str, limit: int) -> Line:
    """The first of them that a reader may read."""
    return _line(await db.fetch(QUERIES["readings_for"], slug, limit, reader), limit)


def _line(rows: Sequence[Any], limit: int) -> Line:
    places = {stream: closed_to for _, stream, closed_to in rows if stream is not None}
    return Line(rows[0][0] if rows else 0, places, whole=len(places) < limit)


async def contribution_of_reading(db: Database, assignment: UUID) -> UUID | None:
    found: UUID | None = await db.fetchval(QUERIES["contribution_of_reading"], assignment)
    return found


async def next_recodings(db: Database, slug: str, reader: str, codebook: int, limit: int) -> list[Held]:
    """The first of a reader's readings that were coded under an earlier codebook than `codebook`, in the order in which they made them."""
    return [Held(*row) for row in await db.fetch(QUERIES["next_recodings"], slug, reader, codebook, limit)]


async def contribution_of_coding(db: Database, assignment: UUID) -> UUID | None:
    found: UUID | None = await db.fetchval(QUERIES["contribution_of_coding"], assignment)
    return found


async def due(db: Database, now: datetime) -> Due:
    """What the clock brings about for contributions."""
    leases = [Held(assignment, stream) for stream, assignment in await db.fetch(QUERIES["expired_leases"], now)]
    return Due(leases, [row["contribution"] for row in await db.fetch(QUERIES["unconfirmed"], now)])


async def coverage(db: Database, slug: str, theme: str) -> tuple[int, int, int]:
    """Contributions of a theme read as often as the policy asks, contributions under analysis, and the position of both counts."""
    row = await db.fetchrow(QUERIES["coverage"], slug, theme)
    return (row["read"], row["analysed"], row["seen"]) if row else (0, 0, 0)


async def outstanding_readings(db: Database, slug: str) -> tuple[int, int]:
    """Contributions that lack a reading or whose moderation is not settled, and the position at which they were counted."""
    row = await db.fetchrow(QUERIES["outstanding_readings"], slug)
    return (row["outstanding"], row["seen"]) if row else (0, 0)


async def counts(db: Database, slug: str) -> TreatmentView:
    rows = await db.fetch(QUERIES["counts"], slug)
    position = rows[0]["seen"] if rows else 0
    themes = [ThemeCounts(*numbers, theme=theme) for _, theme, *numbers in rows if theme is not None]
    totals = Counts(*(sum(getattr(each, name) for each in themes) for name in Counts.__struct_fields__))
    return TreatmentView(slug, position, totals, themes)


async def timeline(db: Database, stream: UUID) -> Timeline | None:
    steps = [Step(*row) for row in await db.fetch(QUERIES["timeline"], stream)]
    return Timeline(stream, steps) if steps else None
