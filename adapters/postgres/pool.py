"""Connections: how a session is set up, and which of the driver's errors mean that the server is away."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from adapters.store import Unavailable

TIMEOUT_S: Final = 30.0
CONNECT_S: Final = 5.0
SESSION: Final[Mapping[str, str]] = {
    "synchronous_commit": "on",  # acknowledged means durable
    "default_transaction_isolation": "read committed",  # a snapshot taken before the counter lock would not see what the lock waited for
    "jit": "off",  # compiling costs more than these short statements take
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, in the middle of a failover
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,  # while a backup is restored
    asyncpg.PostgresSystemError,  # its disk fails
)


def session(name: str, search_path: str | None = None) -> dict[str, str]:
    """The server settings of a connection that calls itself `name`."""
    path = {"search_path": search_path} if search_path else {}
    return {**SESSION, **path, "application_name": name}


async def connect(url: str, name: str) -> "asyncpg.Connection[Any]":
    """One connection. Raises Unavailable when the server is away."""
    async with server_may_be_away():
        return await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=TIMEOUT_S, server_settings=session(name))


async def create_pool(url: str, name: str, *, connections: int = 8, search_path: str | None = None) -> "asyncpg.Pool[Any]":
    """A pool of up to `connections`. Raises Unavailable when the server is away."""
    async with server_may_be_away():
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections,
            timeout=CONNECT_S,
            command_timeout=TIMEOUT_S,
            server_settings=session(name, search_path),
            reset=_left_as_it_is,
        )


async def _left_as_it_is(_: Any) -> None:
    """Between two borrowers a pool would ask the server to forget the session's state: a round trip for each statement. Nothing here leaves any:
    settings are local to transactions, who listens or waits for an election has a connection of its own, and who holds locks gives them back.
    """


@asynccontextmanager
async def server_may_be_away() -> AsyncIterator[None]:
    """Say Unavailable for a server that is away, starting, stopping or too slow; whatever else goes wrong is not hidden."""
    try:
        yield
    except AWAY as error:
        if isinstance(error, ValueError):  # the driver's word for a malformed URL or argument: nobody is away
            raise
        raise Unavailable(f"PostgreSQL is away: {type(error).__name__}") from error
