"""What the eventsourcing package's recorders need of PostgreSQL beside the store: tracking together with events, and snapshots."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from eventsourcing.persistence import DataError, IntegrityError, StoredEvent, Tracking

from adapters.postgres.pool import server_may_be_away
from adapters.postgres.queries import load
from adapters.store import Conflict

SQL: Final = load(Path(__file__).with_name("library.sql"))
LAST_VERSION: Final = 2**31 - 1

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any]"


@asynccontextmanager
async def library_errors() -> AsyncIterator[None]:
    """The driver's errors in the package's words."""
    try:
        async with server_may_be_away():
            yield
    except asyncpg.UniqueViolationError as error:
        raise IntegrityError(str(error)) from error
    except (asyncpg.DataError, asyncpg.PostgresError) as error:
        raise DataError(f"the store cannot hold this: {type(error).__name__}") from error


class Processing:
    """Followers of one application: `owner` keeps their names apart from those of others on the same database."""

    def __init__(self, pool: "asyncpg.Pool[Any]", owner: str) -> None:
        self._pool = pool
        self._owner = owner

    async def append(self, events: Sequence[StoredEvent], tracking: Tracking) -> list[int]:
        """Write events and tracking, both or neither; returns the events' positions.

        Raises Conflict for a version that exists, IntegrityError for a notification that has been processed, DataError, Unavailable.
        """
        columns = [
            [event.originator_id for event in events],
            [event.originator_version for event in events],
            [event.topic for event in events],
            [event.state for event in events],
            [getattr(event, "consultation", "") for event in events],
            [getattr(event, "claim", None) for event in events],
        ]
        async with library_errors():
            row = await self._pool.fetchrow(SQL["append_tracked"], *columns, *self._place(tracking))
        if row is None:
            return []
        if row["first_position"] is None:
            raise Conflict(row["moved"])
        return list(range(row["first_position"], row["first_position"] + len(events)))

    async def track(self, tracking: Tracking) -> None:
        """Raises IntegrityError for a notification that has been processed, Unavailable."""
        async with library_errors():
            await self._pool.execute(SQL["track"], *self._place(tracking))

    async def transact(self, tracking: Tracking, effects: Callable[[Connection], Awaitable[T]]) -> T:
        """Both or neither; the tracking first, so that what has been processed is refused before anything is done for it.

        Raises IntegrityError for a notification that has been processed, DataError, Unavailable.
        """
        async with library_errors(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["track"], *self._place(tracking))
            return await effects(connection)

    async def ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """What a question answers that is asked on a connection. Raises Unavailable."""
        async with library_errors(), self._pool.acquire() as connection:
            return await question(connection)

    async def tracked(self, application: str) -> int | None:
        """The last notification of an application that has been processed. Raises Unavailable."""
        async with library_errors():
            position: int | None = await self._pool.fetchval(SQL["tracked"], self._follower(application))
        return position

    def _place(self, tracking: Tracking) -> tuple[str, int]:
        return self._follower(tracking.application_name), tracking.notification_id

    def _follower(self, application: str) -> str:
        return f"library:{self._owner}:{application}"


class Snapshots:
    """Snapshots of one purpose: states of aggregates, which may be thrown away and taken anew."""

    def __init__(self, pool: "asyncpg.Pool[Any]", purpose: str) -> None:
        self._pool = pool
        self._purpose = purpose

    async def insert(self, snapshots: Sequence[StoredEvent]) -> None:
        """All or none. Raises IntegrityError for a version that exists, DataError, Unavailable."""
        columns = [
            [each.originator_id for each in snapshots],
            [each.originator_version for each in snapshots],
            [each.topic for each in snapshots],
            [each.state for each in snapshots],
        ]
        async with library_errors():
            await self._pool.execute(SQL["insert_snapshots"], self._purpose, *columns)

    async def select(
        self, stream: UUID | str, after: int | None, up_to: int | None, limit: int | None, *, latest: bool
    ) -> list[StoredEvent]:
        """Those with `after` < version <= `up_to`, in order of version; with `latest` in the opposite order. Raises Unavailable."""
        bounds = -1 if after is None else after, LAST_VERSION if up_to is None else up_to
        query = SQL["latest_snapshots" if latest else "snapshots"]
        async with library_errors():
            rows = await self._pool.fetch(query, self._purpose, stream, *bounds, limit)
        return [StoredEvent(*row) for row in rows]
