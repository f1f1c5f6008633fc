"""What is read of the themes."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.queries import load
from domain.adopted import Clause, Code
from projections import pages
from projections.pages import Database

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class ConsultationEntry(Struct, frozen=True):
    slug: str
    title: str
    phase: str


class ThemeView(Struct, frozen=True):
    id: str
    title: str
    question: str
    opens: datetime
    closes: datetime
    phase: str
    received: int
    visible: int


class CharterView(Struct, frozen=True):
    version: int
    clauses: list[Clause]


class CodebookView(Struct, frozen=True):
    version: int
    codes: list[Code]


class PoliciesView(Struct, frozen=True):
    mode: str
    second_look_s: int
    appeal_s: int
    readers: int
    lease_s: int
    length_min: int
    length_max: int
    retention_days: int


class ConsultationView(Struct, frozen=True):
    slug: str
    title: str
    language: str
    phase: str
    version: int
    policies: PoliciesView | None
    charter: CharterView | None
    methodology: str
    codebook: CodebookView | None
    themes: list[ThemeView]
    synthesis: str | None


class ContributionEntry(Struct, frozen=True):
    id: UUID
    day: date
    text: str | None
    """Null when its key is gone and the list does not show that yet."""
    commitment: bytes


class ContributionView(Struct, frozen=True):
    id: UUID
    consultation: str
    theme: str
    day: date
    status: str
    text: str | None
    hidden_under: str | None
    """Clause of the charter, while the contribution is withheld."""


async def consultations(db: Database) -> list[ConsultationEntry]:
    return [ConsultationEntry(*row) for row in await db.fetch(QUERIES["consultations"])]


async def consultation(db: Database, slug: str) -> ConsultationView | None:
    row = await db.fetchrow(QUERIES["consultation"], slug)
    if row is None:
        return None
    return ConsultationView(
        slug,
        row["title"],
        row["language"],
        row["phase"],
        row["version"],
        _decoded(row["policies"], PoliciesView),
        CharterView(row["charter_version"], _decoded(row["charter"], list[Clause])) if row["charter"] else None,
        row["methodology"],
        CodebookView(row["codebook_version"], _decoded(row["codebook"], list[Code])) if row["codebook"] else None,
        await themes(db, slug),
        row["synthesis"],
    )


async def themes(db: Database, slug: str) -> list[ThemeView]:
    return [ThemeView(*row) for row in await db.fetch(QUERIES["themes"], slug)]


async def contributions(
    db: Database, slug: str, theme: str, limit: int, cursor: str | None
) -> tuple[list[ContributionEntry], str | None]:
    """A page in order of day and id, and the cursor of the next one."""
    day, after = pages.read(cursor, (pages.FIRST_DAY, pages.FIRST_ID), tuple[date, UUID])
    rows = await db.fetch(QUERIES["page_of_theme"], slug, theme, day, after, limit + 1)
    items = [ContributionEntry(*row) for row in rows[:limit]]
    return items, pages.write(items[-1].day, items[-1].id) if len(rows) > limit else None


async def contribution(db: Database, stream: UUID) -> ContributionView | None:
    row = await db.fetchrow(QUERIES["contribution"], stream)
    return ContributionView(*row) if row else None


def _decoded(raw: bytes | None, kind: Any) -> Any:
    return None if raw is None else msgspec.json.decode(raw, type=kind, strict=False)
