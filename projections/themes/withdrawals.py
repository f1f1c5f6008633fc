"""The notice of withdrawals: which contributions are withdrawn, by the day, and nothing else of them."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from projections import pages
from projections.pages import Database
from projections.themes.projection import QUERIES


class Withdrawal(Struct, frozen=True):
    contribution: UUID
    day: date
    """On which its text was erased."""


async def withdrawals(
    db: Database, slug: str, since: date | None, limit: int, cursor: str | None
) -> tuple[list[Withdrawal], str | None]:
    """A page in order of day and id, which tells no time, and the cursor of the next one. Raises BadCursor."""
    begin = since or pages.FIRST_DAY
    day, after = pages.read(cursor, (begin, pages.FIRST_ID), tuple[date, UUID])
    rows = await db.fetch(
        QUERIES["page_of_withdrawals"], slug, max(day, begin), after if day >= begin else pages.FIRST_ID, limit + 1
    )
    items = [Withdrawal(*row) for row in rows[:limit]]
    return items, pages.write(items[-1].day, items[-1].contribution) if len(rows) > limit else None
