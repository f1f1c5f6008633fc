"""Databases of one's own on the servers of the test run, with the roles and rights of the embedded default."""

from typing import NamedTuple
from uuid import uuid4

import asyncpg

from adapters.embedded import Servers


class Database(NamedTuple):
    owner_url: str
    """As the role that owns the database, for migrations."""
    service_url: str
    """As the role of the service: it may connect, and owns nothing."""


async def fresh_database(servers: Servers) -> Database:
    """An empty database for the event store and the read models, in some 50 ms."""
    name = await _create(servers, "registre_owner", "registre")
    return Database(servers.postgres.url("registre_owner", name), servers.postgres.url("registre", name))


async def fresh_keyring(servers: Servers) -> str:
    """The URL of an empty database for a keyring, as the role that owns it."""
    return servers.postgres.url("registre_keyring", await _create(servers, "registre_keyring", "registre_keyring"))


async def _create(servers: Servers, owner: str, service: str) -> str:
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(servers.postgres.url("postgres", "postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {service}")
    finally:
        await connection.close()
    return name
