"""What is read of the outcomes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.queries import load
from domain.consultation import promise
from domain.proposal import Coverage
from projections import pages
from projections.pages import Database

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Progress(Struct, frozen=True):
    day: date
    text: str


class ProposalView(Struct, frozen=True):
    id: UUID
    consultation: str
    theme: str
    title: str
    text: str
    status: str
    meeting: str | None
    favourable: bool | None
    opinion: str | None
    outcome: str | None
    motive: str | None
    coverage: Coverage | None
    why_not_waited: str
    links: int
    progress: list[Progress]
    version: int


class CommitmentView(Struct, frozen=True):
    id: str
    text: str
    due: date
    kept_on: date | None
    evidence: str | None
    status: str
    """`due`, `late`, `kept` or `kept-late`."""


class CodedView(Struct, frozen=True):
    contribution: UUID
    theme: str
    codes: list[str]


class ProposalOutcome(Struct, frozen=True):
    id: UUID
    title: str
    status: str
    favourable: bool | None
    opinion: str | None
    outcome: str | None
    motive: str | None


class OutcomeView(Struct, frozen=True):
    id: UUID
    codes: list[str]
    proposals: list[ProposalOutcome]


async def proposals(
    db: Database, slug: str, cursor: str | None, limit: int, *, drafts: bool
) -> tuple[list[ProposalView], str | None]:
    """A page, and the cursor of the next one; with those that the public does not see yet if `drafts`."""
    (after,) = pages.read(cursor, (pages.FIRST_ID,), tuple[UUID])
    rows = await db.fetch(QUERIES["proposals"], slug, after, limit + 1, drafts)
    items = await _proposals(db, rows[:limit])
    return items, pages.write(items[-1].id) if len(rows) > limit else None


async def proposal(db: Database, stream: UUID, *, drafts: bool) -> ProposalView | None:
    items = await _proposals(db, await db.fetch(QUERIES["proposal"], stream, drafts))
    return items[0] if items else None


async def _proposals(db: Database, rows: Sequence[Any]) -> list[ProposalView]:
    progress: defaultdict[UUID, list[Progress]] = defaultdict(list)
    for stream, day, text in await db.fetch(QUERIES["progress"], [row["id"] for row in rows]) if rows else ():
        progress[stream].append(Progress(day, text))
    return [view(row, progress[row["id"]]) for row in rows]


def view(row: Any, progress: list[Progress]) -> ProposalView:
    """A row of the table `proposal`, with its number of links."""
    coverage = msgspec.json.decode(row["coverage"], type=Coverage) if row["coverage"] else None
    plain = {name: row[name] for name in ProposalView.__struct_fields__ if name not in {"coverage", "progress"}}
    return ProposalView(**plain, coverage=coverage, progress=progress)


async def commitments(db: Database, slug: str, today: date) -> list[CommitmentView]:
    rows = await db.fetch(QUERIES["commitments"], slug)
    return [
        CommitmentView(name, text, due, kept, evidence, promise(due, kept, today)) for name, text, due, kept, evidence in rows
    ]


async def coded(
    db: Database, slug: str, theme: str | None, code: str | None, cursor: str | None, limit: int
) -> tuple[list[CodedView], str | None]:
    """A page of contributions under analysis, and the cursor of the next one."""
    (after,) = pages.read(cursor, (pages.FIRST_ID,), tuple[UUID])
    rows = await db.fetch(QUERIES["coded"], slug, theme, code, after, limit + 1)
    items = [CodedView(*row) for row in rows[:limit]]
    return items, pages.write(items[-1].contribution) if len(rows) > limit else None


async def outcome(db: Database, stream: UUID) -> OutcomeView | None:
    row = await db.fetchrow(QUERIES["contribution"], stream)
    if row is None:
        return None
    return OutcomeView(stream, row["codes"], [ProposalOutcome(*each) for each in await db.fetch(QUERIES["proposals_of"], stream)])
