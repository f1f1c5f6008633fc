"""The keyring in PostgreSQL, in a database of its own: what forgets must not share backups with what never forgets."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from adapters.keyring import Key
from adapters.postgres.queries import load
from adapters.store import Unavailable

MIGRATIONS: Final = Path(__file__).with_name("keyring_migrations")
_SQL: Final = load(Path(__file__).with_name("keyring.sql"))
_SESSION: Final = {
    "application_name": "registre-keyring",
    "synchronous_commit": "on",  # a key must outlive a crash that its event outlives
    "default_transaction_isolation": "read committed",  # a snapshot taken before the lock would not see what the lock waited for
}
_TIMEOUT_S: Final = 30.0
_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, in the middle of a failover
)


class PostgresKeyring:
    """Implements Keyring. `connect` opens its pool; the schema is there once the files of MIGRATIONS have been applied."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, connections: int = 4) -> "PostgresKeyring":
        """Raises Unavailable when the server is away."""
        async with _server_may_be_away():
            pool = await asyncpg.create_pool(
                url, min_size=1, max_size=connections, command_timeout=_TIMEOUT_S, server_settings=_SESSION
            )
        return cls(pool)

    async def insert(self, keys: Sequence[Key]) -> frozenset[UUID]:
        columns = ([key.id for key in keys], [key.stream for key in keys], [key.secret for key in keys])
        async with _server_may_be_away():
            return frozenset(await self._pool.fetchval(_SQL["insert_keys"], *columns))

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Key]:
        async with _server_may_be_away():
            rows = await self._pool.fetch(_SQL["fetch_keys"], ids)
        return {each: Key(each, stream, secret) for each, stream, secret in rows}

    async def destroy(self, stream: UUID) -> int:
        async with _server_may_be_away():
            return int(await self._pool.fetchval(_SQL["destroy_keys"], stream))

    async def destroyed_among(self, streams: Sequence[UUID]) -> frozenset[UUID]:
        async with _server_may_be_away():
            rows = await self._pool.fetch(_SQL["destroyed_among"], streams)
        return frozenset(stream for (stream,) in rows)

    async def destroyed_streams(self) -> list[UUID]:
        async with _server_may_be_away():
            rows = await self._pool.fetch(_SQL["destroyed_streams"])
        return [stream for (stream,) in rows]

    async def close(self) -> None:
        await self._pool.close()


@asynccontextmanager
async def _server_may_be_away() -> AsyncIterator[None]:
    """Say Unavailable for a server that is away, starting, stopping or too slow; whatever else goes wrong is not hidden."""
    try:
        yield
    except _AWAY as error:
        if isinstance(error, ValueError):  # asyncpg's own: a wrong argument or URL, which no server mends by coming back
            raise
        raise Unavailable(f"the keyring is away: {type(error).__name__}") from error
