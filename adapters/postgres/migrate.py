"""Migrations: numbered .sql files, applied once, in order, under a lock, and never edited afterwards."""

from hashlib import sha256
from pathlib import Path
from typing import Final

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
    files = _files(folder)
    connection = await connect(owner_url, "registre-migrate")
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock"])
            await connection.execute(SQL["prepare"])
            applied = dict(await connection.fetch(SQL["applied"]))
            _check(applied, files)
            missing = [name for name in files if name not in applied]
            for name in missing:
                await connection.execute(files[name].decode())
                await connection.execute(SQL["record"], name, sha256(files[name]).digest())
            if service_role is not None:
                await connection.execute(SQL["grant"], service_role)
        return missing
    finally:
        await connection.close()


async def pending(url: str, folder: Path = LOG) -> list[str]:
    """The files that have not been applied yet. Raises MigrationRefused as `migrate` does."""
    files = _files(folder)
    connection = await connect(url, "registre-migrate")
    try:
        if not await connection.fetchval(SQL["prepared"]):
            return list(files)
        applied = dict(await connection.fetch(SQL["applied"]))
        _check(applied, files)
        return [name for name in files if name not in applied]
    finally:
        await connection.close()


def _files(folder: Path) -> dict[str, bytes]:
    """What each migration says, in the order they are applied."""
    return {file.name: file.read_bytes() for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))}


def _check(applied: dict[str, bytes], files: dict[str, bytes]) -> None:
    if unknown := sorted(applied.keys() - files.keys()):
        raise MigrationRefused(f"the database is ahead of this release: it knows {', '.join(unknown)}")
    for name, written in files.items():
        if name in applied and applied[name] != sha256(written).digest():
            raise MigrationRefused(f"{name} was changed after it had been applied")
