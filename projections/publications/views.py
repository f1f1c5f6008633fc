"""What is read of the publications."""

from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

from msgspec import Struct

from adapters.postgres.queries import load
from projections.pages import Database

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class PublicationView(Struct, frozen=True):
    id: UUID
    consultation: str
    kind: str
    position: int
    digest: str
    """SHA-256 of the bundle's manifest, in hexadecimal."""
    prepared_on: date
    status: str
    location: str | None
    superseded_by: UUID | None
    reason: str | None
    available: bool = True
    """Whether the service holds the bundle. A published one goes when something that it shows is erased: it is to be superseded."""


async def publications(db: Database, slug: str, *, drafts: bool) -> list[PublicationView]:
    """Those that the public sees; all of them with `drafts`."""
    return [PublicationView(*row) for row in await db.fetch(QUERIES["publications"], slug, drafts)]


async def publication(db: Database, stream: UUID, *, drafts: bool) -> PublicationView | None:
    """None for one that is not published, unless `drafts`."""
    row = await db.fetchrow(QUERIES["publication"], stream, drafts)
    return PublicationView(*row) if row else None
