"""Keys that no event came to need: a deposit was refused, lost its race, or its process died between the keyring and the log."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from adapters.postgres.pool import create_pool, server_may_be_away
from adapters.postgres.queries import load

PAGE: Final = 1_000
_SQL: Final = load(Path(__file__).with_name("reaping.sql"))


class OldKeys:
    """Those of a keyring that are older than `age_s` by its own clock. Every method raises Unavailable when the server is away."""

    def __init__(self, pool: "asyncpg.Pool[Any]", age_s: float) -> None:
        self._pool = pool
        self._age_s = age_s

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, age_s: float) -> "AsyncIterator[OldKeys]":
        pool = await create_pool(url, "registre-reaping", connections=2)
        try:
            yield cls(pool, age_s)
        finally:
            await pool.close()

    async def pages(self) -> AsyncGenerator[list[tuple[UUID, UUID]], None]:
        """Key and stream, in order of the stream."""
        async with server_may_be_away(), self._pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(_SQL["old_keys"], self._age_s)
            while rows := await cursor.fetch(PAGE):
                yield [(row["id"], row["stream"]) for row in rows]

    async def remove(self, keys: Sequence[UUID]) -> int:
        """Remove those of the keys that are old, and count them."""
        async with server_may_be_away():
            return int(await self._pool.fetchval(_SQL["reap"], keys, self._age_s))
