"""Follow the log and move a read model by it: each batch once, in the transaction that also moves the tracking position."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import asyncpg
import structlog

from adapters.postgres.pool import server_may_be_away
from adapters.postgres.queries import load
from adapters.records import Unreadable, recorded
from adapters.store import Entry, EventStore, Unavailable
from domain.record import Recorded
from projections.folding import Impossible
from projections.pages import Database
from projections.themes.projection import Connection

TRACKING: Final = load(Path(__file__).parents[1] / "adapters" / "postgres" / "tracking.sql")
CHANNEL: Final = "registre_tracking"
BATCH: Final = 1_000
RETRY_S: Final = 0.25

Pool: TypeAlias = "asyncpg.Pool[Any]"

_log = structlog.get_logger()


class Projection(Protocol):
    """A read model: a name, the version of its shape, and how a batch moves its tables."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the tables by one batch, in order; unqualified names are the read model's own."""
        ...


class Stopped(RuntimeError):  # noqa: N818 - says what the reader has done
    """The log holds something that cannot be applied: reading on would skip it."""

    def __init__(self, projection: str, position: int, reason: Exception) -> None:
        super().__init__(f"{projection} stopped before position {position}: {reason}")
        self.position = position


class Overtaken(RuntimeError):  # noqa: N818 - says what happened
    """Somebody else moves the same read model."""


def decoded(projection: str, entries: Sequence[Entry]) -> list[Recorded]:
    """A page with its events. Raises Stopped."""
    try:
        return [recorded(entry) for entry in entries]
    except Unreadable as error:
        raise Stopped(projection, error.position, error.reason) from error


async def apply(pool: Pool, projection: Projection, schema: str, after: int, entries: Sequence[Entry]) -> int:
    """Apply one page to the copy of a read model in `schema` that has come to `after`; returns the new position.

    Raises Overtaken when the copy is not at `after` any more, Stopped for a history that cannot be, Unavailable.
    """
    batch = decoded(projection.name, entries)
    async with server_may_be_away(), pool.acquire() as connection, connection.transaction():
        await connection.execute(TRACKING["search"], schema)
        if await connection.fetchval(TRACKING["advance"], schema, after, entries[-1].id) is None:
            raise Overtaken(f"{schema} is not at position {after}")
        try:
            await projection.apply(connection, batch)
        except Impossible as error:
            raise Stopped(projection.name, error.position, error) from error
        await connection.execute(TRACKING["told"], schema)
    return entries[-1].id


class Runner:
    """Keeps the copy in service up to date, for ever; goes on by itself when the server comes back."""

    def __init__(self, store: EventStore, pool: Pool, projection: Projection) -> None:
        self._store = store
        self._pool = pool
        self._projection = projection

    async def run(self) -> None:
        """Until cancelled. Raises Stopped."""
        name = self._projection.name
        while True:
            try:
                async with server_may_be_away():
                    position = int(await self._pool.fetchval(TRACKING["tracked"], name))
                async for entries in self._store.follow(position):
                    position = await apply(self._pool, self._projection, name, position, entries)
            except Unavailable as error:
                _log.warning("projection waits", projection=name, reason=str(error))
            except Overtaken:
                _log.warning("projection was moved by somebody else", projection=name)
            await asyncio.sleep(RETRY_S)


async def wait_for(db: Database, name: str, position: int, timeout_s: float) -> bool:
    """Whether the copy in service has reached a position, waiting for it as long as that; meanwhile its follower lets nobody go first."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.005
    async with server_may_be_away():
        if await _reached(db, name, position):
            return True
        await db.execute(TRACKING["hurry"], position)
        while not await _reached(db, name, position):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.1)
    return True


async def _reached(db: Database, name: str, position: int) -> bool:
    return (await db.fetchval(TRACKING["tracked"], name) or 0) >= position
