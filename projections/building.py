"""Build a copy of a read model from the log: beside the one in service, or as it was at a position."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import structlog

from adapters.postgres.pool import server_may_be_away
from adapters.sealing import Sealer
from adapters.store import EventStore
from projections.outcomes.projection import Outcomes
from projections.publications.projection import Publications
from projections.runner import BATCH, TRACKING, Pool, Projection, apply
from projections.themes.projection import Connection, Themes
from projections.treatment.projection import Treatment

PAGE: Final = 2_000
NAMES: Final = ("themes", "treatment", "outcomes", "publications")
SEARCH_PATH: Final = ", ".join((*NAMES, "registre"))
"""What unqualified names mean to the views: each table's name is unique among the read models."""

Progress = Callable[[int, int], None]
"""Told the position reached and the one to reach."""

_log = structlog.get_logger()


def projections(sealer: Sealer) -> dict[str, Projection]:
    """Every read model, by name."""
    return {"themes": Themes(sealer), "treatment": Treatment(sealer), "outcomes": Outcomes(), "publications": Publications()}


def _nothing(_: int, __: int) -> None:
    """Nobody watches."""


async def create(pool: Pool, projection: Projection, schema: str) -> None:
    """An empty copy in a schema of its own; one that is there already is dropped first."""
    ddl = (Path(__file__).parent / projection.name / "schema.sql").read_text(encoding="utf-8")
    async with server_may_be_away(), pool.acquire() as connection, connection.transaction():
        await connection.execute(TRACKING["drop"], schema)
        await connection.execute(TRACKING["create"], schema)
        await connection.execute(TRACKING["search"], schema)
        await connection.execute(ddl)
        await connection.execute(TRACKING["begin"], schema, projection.version)


async def catch_up(
    store: EventStore, pool: Pool, projection: Projection, schema: str, until: int, progress: Progress = _nothing
) -> None:
    """Move the copy in `schema` up to a position."""
    position = int(await pool.fetchval(TRACKING["tracked"], schema))
    while position < until:
        entries = await store.page(position, limit=PAGE, up_to=until)
        position = await apply(pool, projection, schema, position, entries)
        progress(position, until)


async def ensure(store: EventStore, pool: Pool, projection: Projection) -> None:
    """Have a copy in service whose shape is this release's."""
    tracked = await pool.fetchrow(TRACKING["tracked"], projection.name)
    exists = await pool.fetchval(TRACKING["exists"], projection.name)
    if tracked is None or not exists:
        await create(pool, projection, projection.name)
    elif tracked["version"] != projection.version:
        _log.info("read model has another shape", projection=projection.name, was=tracked["version"], now=projection.version)
        await rebuild(store, pool, projection)


async def rebuild(store: EventStore, pool: Pool, projection: Projection, progress: Progress = _nothing) -> int:
    """Build a fresh copy beside the one in service and swap it in; returns its position. Readers never see it half built."""
    schema = f"{projection.name}_next"
    await create(pool, projection, schema)
    until = await store.head()
    await catch_up(store, pool, projection, schema, until, progress)
    async with server_may_be_away(), pool.acquire() as connection, connection.transaction():
        await connection.execute(TRACKING["swap"], schema, projection.name)
    return until


@asynccontextmanager
async def replayed(
    store: EventStore, pool: Pool, projection: Projection, until: int, progress: Progress = _nothing
) -> AsyncIterator[str]:
    """The schema of a copy as it was at a position, dropped afterwards."""
    schema = f"scratch_{secrets.token_hex(8)}"
    await create(pool, projection, schema)
    try:
        await catch_up(store, pool, projection, schema, until, progress)
        yield schema
    finally:
        await pool.execute(TRACKING["drop"], schema)


async def clean(pool: Pool) -> list[str]:
    """Drop what killed processes left behind; for whoever is elected to build."""
    left = [row["nspname"] for row in await pool.fetch(TRACKING["leftovers"])]
    for schema in left:
        await pool.execute(TRACKING["drop"], schema)
    return left


async def dump(pool: Pool, schema: str) -> dict[str, list[object]]:
    """Every row of every table of a copy, as JSON objects, by table."""
    tables = [row["relname"] for row in await pool.fetch(TRACKING["tables"], schema)]
    return {
        table: [msgspec.json.decode(row[0]) for row in await pool.fetch(TRACKING["json_rows"], schema, table)] for table in tables
    }


async def digest(pool: Pool, schema: str) -> str:
    """SHA-256, in hexadecimal, over every row of every table of a copy: equal for equal copies, wherever they stand."""
    running = sha256()
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        for table in await connection.fetch(TRACKING["tables"], schema):
            running.update(f"\x1c{table['relname']}\n".encode())
            await _hash_rows(connection, schema, table["relname"], running.update)
    return running.hexdigest()


async def _hash_rows(connection: Connection, schema: str, table: str, update: Callable[[bytes], None]) -> None:
    async for row in connection.cursor(TRACKING["rows"], schema, table, prefetch=BATCH):
        update(row[0].encode() + b"\n")
