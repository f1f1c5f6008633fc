"""The service's clock: real time, or in the embedded development service a time that the demo may move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from asyncpg import Pool

from adapters.postgres import queries
from domain.definition import within_reach
from domain.errors import Refused

QUERIES = queries.load(Path(__file__).with_name("clock.sql"))


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, with its time zone."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """Real time plus a shift kept in the database, so that every process and the log's own stamps agree on it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    async def refresh(self) -> None:
        """Take over a shift that another process has set."""
        self._shift = await self._pool.fetchval(QUERIES["read_shift"]) or timedelta()

    async def move(self, moment: datetime) -> None:
        """Set the time. Raises Refused when the log holds something later: its stamps never decrease."""
        if not within_reach(moment):
            raise Refused("moment-out-of-range", field="now")
        latest = await self._pool.fetchval(QUERIES["latest_stamp"])
        if latest is not None and moment < latest:
            raise Refused("too-early", field="now", latest=latest)
        await self._pool.execute(QUERIES["write_shift"], moment - datetime.now(UTC))
        await self.refresh()
