"""The roles and databases of the embedded PostgreSQL: made at the first start, found again at the next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg

from adapters.postgres.queries import load

SQL: Final = load(Path(__file__).with_name("roles.sql"))
ROLES: Final[Mapping[str, str]] = {"registre_owner": "owner", "registre": "service", "registre_keyring": "keyring"}
"""Each login role, and the name of its password in the data folder."""


async def establish(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    """Make what is missing. `passwords` are by role; a role that exists keeps its own."""
    for role, password in passwords.items():
        await connection.execute(SQL["name_role"], role, password)
        await connection.execute(SQL["create_role"])
    for database in ("registre", "registre_keyring"):
        if not await connection.fetchval(SQL["database_exists"], database):
            await connection.execute(SQL[f"create_{database}"])
    await connection.execute(SQL["grant_rights"])
