"""How events move the publications."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.postgres.queries import load
from domain.publication import Prepared, Published, Superseded
from domain.record import Recorded
from projections.themes.projection import Connection

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Publications:
    name: Final = "publications"
    version: Final = 2

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the table by one batch, in order, inside the transaction that also moves the tracking position."""
        for recorded in batch:
            match recorded.event:
                case Prepared(slug, kind, position, digest, seen=seen):
                    day = recorded.recorded_at.date()
                    await connection.execute(QUERIES["prepare"], recorded.stream, slug, kind, position, digest, day, seen)
                case Published(location):
                    await connection.execute(QUERIES["publish"], recorded.stream, location)
                case Superseded(by, reason):
                    await connection.execute(QUERIES["supersede"], recorded.stream, by, reason)
