"""The keyring in PostgreSQL, in a database of its own: what forgets must not share backups with what never forgets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from adapters.key_wrapping import KekRetired, Keks
from adapters.keyring import Key
from adapters.postgres.pool import create_pool, server_may_be_away
from adapters.postgres.queries import load

MIGRATIONS: Final = Path(__file__).with_name("keyring_migrations")
_SQL: Final = load(Path(__file__).with_name("keyring.sql"))


class PostgresKeyring:
    """Implements Keyring. `connect` opens its pool; the schema is there once the files of MIGRATIONS have been applied.

    Keys are wrapped on their way in and unwrapped on their way out: `insert` raises KekRetired, `fetch` KekUnknown and KeyDamaged.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", keks: Keks) -> None:
        self._pool = pool
        self._keks = keks

    @classmethod
    async def connect(cls, url: str, keks: Keks, *, connections: int = 4) -> "PostgresKeyring":
        """Raises Unavailable when the server is away."""
        return cls(await create_pool(url, "registre-keyring", connections=connections), keks)

    async def insert(self, keys: Sequence[Key]) -> frozenset[UUID]:
        refused = await self._insert(keys)
        if refused is None:  # a rotation has replaced the key-encryption key: its successor may be there to be read
            self._keks.reload()
            refused = await self._insert(keys)
        if refused is None:
            raise KekRetired(self._keks.current.id)
        return frozenset(refused)

    async def _insert(self, keys: Sequence[Key]) -> list[UUID] | None:
        """The streams that were refused; None when nothing was kept because the key-encryption key is retired."""
        kek = self._keks.current
        columns = ([key.id for key in keys], [key.stream for key in keys], [kek.wrap(key.secret) for key in keys])
        async with server_may_be_away():
            refused: list[UUID] | None = await self._pool.fetchval(_SQL["insert_keys"], kek.id, *columns)
        return refused

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Key]:
        async with server_may_be_away():
            rows = await self._pool.fetch(_SQL["fetch_keys"], ids)
        return {each: Key(each, stream, self._keks.unwrap(each, kek, wrapped)) for each, stream, kek, wrapped in rows}

    async def destroy(self, stream: UUID) -> int:
        async with server_may_be_away():
            return int(await self._pool.fetchval(_SQL["destroy_keys"], stream))

    async def destroyed_among(self, streams: Sequence[UUID]) -> frozenset[UUID]:
        async with server_may_be_away():
            rows = await self._pool.fetch(_SQL["destroyed_among"], streams)
        return frozenset(stream for (stream,) in rows)

    async def destroyed_streams(self) -> list[UUID]:
        async with server_may_be_away():
            rows = await self._pool.fetch(_SQL["destroyed_streams"])
        return [stream for (stream,) in rows]

    async def close(self) -> None:
        await self._pool.close()
