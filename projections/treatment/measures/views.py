"""What is read and kept of the measures."""

from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from adapters.postgres.queries import load
from domain.consultation import Prepared
from domain.record import CODEC
from projections.pages import Database
from projections.treatment.measures.document import VERSION, Audience, Measures

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))
KEPT: Final = 500
"""Documents of the past that are kept of a consultation, in each form: the rest is computed again when somebody asks."""
ASIDE: Final = timedelta(minutes=10)
Wish = Literal["awaited", "aside", "too-many"]
"""What becomes of a position that is asked for: computed, not tried again for a while since it failed, or not even noted."""


class Wanted(Struct, frozen=True):
    consultation: str
    position: int


async def latest(db: Database, slug: str, audience: Audience) -> bytes | None:
    """The latest document, as JSON; None before the first."""
    row = await db.fetchrow(QUERIES["latest"], slug, audience)
    return bytes(row["document"]) if row else None


async def at(db: Database, slug: str, audience: Audience, position: int) -> bytes | None:
    """The document at a position; None where it has not been computed."""
    row = await db.fetchrow(QUERIES["at"], slug, audience, position, VERSION)
    return bytes(row["document"]) if row else None


async def last_before(db: Database, slug: str, position: int) -> int:
    """The last event of a consultation at or before a position, 0 if there is none: documents are kept by it."""
    return int(await db.fetchval(QUERIES["last_before"], slug, position) or 0)


async def consultations(db: Database) -> list[str]:
    """Every consultation of the log, by its slug, in the order in which they were prepared."""
    return [row["consultation"] for row in await db.fetch(QUERIES["consultations"], CODEC.topics_of(Prepared))]


async def keep(db: Database, documents: dict[Audience, Measures], *, asked: bool) -> None:
    for audience, each in documents.items():
        await db.execute(
            QUERIES["keep"], each.consultation, each.position, audience, each.version, asked, msgspec.json.encode(each)
        )
        if asked:
            await db.execute(QUERIES["forget_asked"], each.consultation, audience, each.position, KEPT)
        else:
            await db.execute(QUERIES["forget"], each.consultation, each.position)


async def want(db: Database, slug: str, position: int, at_most: int) -> Wish:
    """Ask for a position."""
    await db.execute(QUERIES["want"], slug, position, at_most)
    match await db.fetchval(QUERIES["awaited"], slug, position):
        case None:
            return "too-many"
        case False:
            return "aside"
    return "awaited"


async def next_wanted(db: Database) -> Wanted | None:
    row = await db.fetchrow(QUERIES["next_wanted"])
    return Wanted(*row) if row else None


async def answered(db: Database, wanted: Wanted) -> None:
    await db.execute(QUERIES["answered"], wanted.consultation, wanted.position)


async def begun(db: Database, wanted: Wanted) -> None:
    """Put one that is being computed behind the others: it may be what ends the process."""
    await db.execute(QUERIES["begun"], wanted.consultation, wanted.position)


async def put_aside(db: Database, wanted: Wanted, pause: timedelta = ASIDE) -> None:
    """Leave one that cannot be computed alone for a while: it is neither tried nor counted."""
    await db.execute(QUERIES["aside"], wanted.consultation, wanted.position, pause)


async def moved(db: Database) -> list[Wanted]:
    """Consultations that have events after their latest document, each with its last position."""
    return [Wanted(*row) for row in await db.fetch(QUERIES["moved"], VERSION)]
