"""What is read of the treatment: the queues, what is due, coverage, counts, timelines."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from adapters.postgres.queries import load
from projections.pages import Database

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Held(Struct, frozen=True):
    assignment: UUID
    contribution: UUID


class Waiting(Struct, frozen=True):
    """What a queue holds, as it was when the queue was read."""

    contribution: UUID
    version: int


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
    """Since the step before."""


class Timeline(Struct, frozen=True):
    contribution: UUID
    steps: list[Step]


class Due(Struct, frozen=True):
    leases: list[Held]
    unconfirmed: list[UUID]


async def held_review(db: Database, slug: str, reviewer: str) -> Held | None:
    row = await db.fetchrow(QUERIES["held_review"], slug, reviewer)
    return Held(*row) if row else None


async def held_reading(db: Database, slug: str, reader: str) -> Held | None:
    row = await db.fetchrow(QUERIES["held_reading"], slug, reader)
    return Held(*row) if row else None


async def next_reviews(db: Database, slug: str, reviewer: str, limit: int) -> tuple[int, Sequence[Waiting]]:
    """The position at which the queue was read, and the first contributions in it that the reviewer may look at."""
    return _queue(await db.fetch(QUERIES["next_reviews"], slug, reviewer, limit))


async def next_readings(db: Database, slug: str, reader: str, limit: int) -> tuple[int, Sequence[Waiting]]:
    """The position at which the queue was read, and the first contributions in it that the reader may read."""
    return _queue(await db.fetch(QUERIES["next_readings"], slug, reader, limit))


def _queue(rows: Sequence[Any]) -> tuple[int, Sequence[Waiting]]:
    return (rows[0]["position"] if rows else 0), [Waiting(stream, version) for _, stream, version in rows if stream is not None]


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
