"""Replacing the key-encryption key: every row of the keyring is wrapped anew, by batches, while the service reads and writes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from adapters.key_wrapping import Keks
from adapters.postgres.pool import create_pool, server_may_be_away
from adapters.postgres.queries import load

BATCH: Final = 1_000
Progress = Callable[[int, int], None]
"""Told how many keys have been wrapped anew, and how many there were to wrap."""
_SQL: Final = load(Path(__file__).with_name("keyring.sql"))
_FIRST: Final = UUID(int=0)


class Standing(Struct, frozen=True):
    """Under which key-encryption keys the keys of a keyring stand, by the hexadecimal id of each."""

    current: str
    retired: bool
    """Whether the current one has been retired: nothing can be sealed."""
    keys: int
    """Under the current one."""
    previous: dict[str, int]
    unknown: dict[str, int]
    """These keys cannot be read with what is configured."""


class Rewrapping:
    """On the database of a keyring. Every method raises Unavailable when the server is away.

    Any step may be the last before a crash: rows are readable under either key-encryption key, and whoever begins again goes on.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", keks: Keks) -> None:
        self._pool = pool
        self._keks = keks

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, keks: Keks) -> "AsyncIterator[Rewrapping]":
        """Raises Unavailable."""
        pool = await create_pool(url, "registre-rewrapping", connections=1)
        try:
            yield cls(pool, keks)
        finally:
            await pool.close()

    async def rotate(self, told: Progress, *, certain: bool = False) -> int:
        """Retire the previous key-encryption keys, and wrap anew what stands under them; returns how many keys were.

        Retired first: from then on nobody writes under them, and one pass over the rows finds all. Unless it is `certain` which came first, one
        that wraps nothing while the current one does is taken for a successor that has been made known early, and is left alone.
        Raises KeyDamaged for a row that was changed: those before it are done.
        """
        standing = await self.standing()
        replaced = [kek for kek in self._keks.previous if certain or kek.hex() in standing.previous or not standing.keys]
        async with server_may_be_away():
            await self._pool.execute(_SQL["retire_keks"], replaced)
        return await self._pass(sum(standing.previous.values()), told)

    async def _pass(self, total: int, told: Progress) -> int:
        """Once over all rows in order of id; returns how many were wrapped anew."""
        done, after = 0, _FIRST
        while True:
            async with server_may_be_away():
                rows = await self._pool.fetch(_SQL["under_keks"], after, self._keks.previous, BATCH)
            if not rows:
                return done
            done += await self._rewrap(rows)
            after = rows[-1]["id"]
            told(done, max(total, done))

    async def _rewrap(self, rows: list[Any]) -> int:
        kek = self._keks.current
        anew = [kek.wrap(self._keks.unwrap(*row)) for row in rows]
        columns = ([row["id"] for row in rows], [row["kek"] for row in rows], anew)
        async with server_may_be_away():
            return int(await self._pool.fetchval(_SQL["rewrap_keys"], kek.id, *columns))

    async def standing(self) -> Standing:
        """How many keys stand under which key-encryption key."""
        current = self._keks.current.id
        async with server_may_be_away():
            rows = dict(await self._pool.fetch(_SQL["keys_by_kek"]))
            retired = await self._pool.fetchval(_SQL["retired"], current)
        under = {kek: count for kek, count in rows.items() if kek != current}
        return Standing(
            current.hex(),
            retired,
            rows.get(current, 0),
            {kek.hex(): count for kek, count in under.items() if self._keks.knows(kek)},
            {kek.hex(): count for kek, count in under.items() if not self._keks.knows(kek)},
        )
