"""Migrations: numbered .sql files, applied once, in order, under a lock, and never edited afterwards."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg

from adapters.postgres.pool import connect
from adapters.postgres.queries import load

LOG: Final = Path(__file__).with_name("migrations")
SQL: Final = load(Path(__file__).with_name("migrate.sql"))


class MigrationRefused(ValueError):  # noqa: N818 - it says what was met
    """The database was migrated by other files than these: going on would build on what nobody knows."""


async def migrate(owner_url: str, folder: Path = LOG, *, service_role: str | None = None) -> list[str]:
    """Apply what is missing as the role that owns the database; returns the names of the files applied.

    `service_role` is then granted what the service needs. Raises MigrationRefused for a file that was changed after it had been applied,
    or a database that is ahead of this release; Unavailable when the server is away.
    """
    connection = await connect(owner_url, "registre-migrate")
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock"])
            await connection.execute(SQL["prepare"])
            applied = dict(await connection.fetch(SQL["applied"]))
            files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
            _check(applied, files)
            missing = [file for file in files if file.name not in applied]
            for file in missing:
                await _apply(connection, file)
            if service_role is not None:
                await connection.execute(SQL["grant"], service_role)
        return [file.name for file in missing]
    finally:
        await connection.close()


async def pending(url: str, folder: Path = LOG) -> list[str]:
    """The files that have not been applied yet. Raises MigrationRefused as `migrate` does."""
    connection = await connect(url, "registre-migrate")
    try:
        files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
        if not await connection.fetchval(SQL["prepared"]):
            return [file.name for file in files]
        applied = dict(await connection.fetch(SQL["applied"]))
        _check(applied, files)
        return [file.name for file in files if file.name not in applied]
    finally:
        await connection.close()


def _check(applied: dict[str, bytes], files: list[Path]) -> None:
    names = {file.name for file in files}
    if unknown := sorted(applied.keys() - names):
        raise MigrationRefused(f"the database is ahead of this release: it knows {', '.join(unknown)}")
    for file in files:
        if file.name in applied and applied[file.name] != _digest(file):
            raise MigrationRefused(f"{file.name} was changed after it had been applied")


async def _apply(connection: "asyncpg.Connection[Any]", file: Path) -> None:
    await connection.execute(file.read_text(encoding="utf-8"))
    await connection.execute(SQL["record"], file.name, _digest(file))


def _digest(file: Path) -> bytes:
    return sha256(file.read_bytes()).digest()
