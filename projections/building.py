"""Build a copy of a read model from the log: beside the one in service, or as it was at a position."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import structlog

from adapters.postgres.pool import server_may_be_away
from adapters.sealing import Sealer
from adapters.store import EventStore, Unavailable
from projections.outcomes.projection import Outcomes
from projections.publications.projection import Publications
from projections.runner import BATCH, TRACKING, Overtaken, Pool, Projection, apply
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
    async with aclosing(store.pages(position, limit=PAGE, up_to=until)) as pages:
        async for entries in pages:
            position = await apply(pool, projection, schema, position, entries)
            progress(position, until)


async def present(pool: Pool, projection: Projection) -> None:
    """Have a copy in service, be it empty: views find their tables."""
    if not await pool.fetchval(TRACKING["exists"], projection.name):
        await create(pool, projection, projection.name)


async def ensure(store: EventStore, pool: Pool, projection: Projection) -> None:
    """Have a copy in service whose shape is this release's, and nothing left of processes that were killed while building."""
    await clean(pool)
    tracked = await pool.fetchrow(TRACKING["tracked"], projection.name)
    exists = await pool.fetchval(TRACKING["exists"], projection.name)
    if tracked is None or not exists:
        await create(pool, projection, projection.name)
    elif tracked["version"] != projection.version:
        _log.info("read model has another shape", projection=projection.name, was=tracked["version"], now=projection.version)
        await rebuild(store, pool, projection)


async def rebuild(store: EventStore, pool: Pool, projection: Projection, progress: Progress = _nothing) -> int:
    """Build a fresh copy beside the one in service and swap it in; returns its position.

    Readers never see it half built, nor see an older position than before. Raises Overtaken while somebody else builds the same one.
    """
    schema, retired = f"{projection.name}_next", _scratch()
    async with _claimed(pool, schema, retired) as connection:
        await create(pool, projection, schema)
        await catch_up(store, pool, projection, schema, await store.head(), progress)
        async with server_may_be_away(), connection.transaction():
            served = await connection.fetchval(TRACKING["hold"], projection.name)
            await catch_up(store, pool, projection, schema, served or 0, progress)
            position = int(await connection.fetchval(TRACKING["tracked"], schema))
            await connection.execute(TRACKING["swap"], schema, projection.name, retired)
            await connection.execute(TRACKING["told"], projection.name)
        await _drop(pool, retired)
    return position


def _scratch() -> str:
    return f"scratch_{secrets.token_hex(8)}"


@asynccontextmanager
async def _claimed(pool: Pool, *schemas: str) -> AsyncIterator[Connection]:
    """While it lasts, nobody else builds under these names and `clean` spares them: locks of a session, which it yields.

    They end with the session, whatever happens to this process.
    """
    async with server_may_be_away():
        connection = await pool.acquire()
    try:
        for schema in schemas:
            async with server_may_be_away():
                if not await connection.fetchval(TRACKING["claim"], schema):
                    raise Overtaken(f"{schema} is being built by somebody else")
        yield connection
    finally:
        with suppress(Unavailable):
            async with server_may_be_away():
                await connection.execute(TRACKING["unclaim"])
        await pool.release(connection)


async def _drop(pool: Pool, schema: str) -> None:
    """Now, or with the next `clean` when the server is away."""
    with suppress(Unavailable):
        async with server_may_be_away():
            await pool.execute(TRACKING["drop"], schema)


@asynccontextmanager
async def replayed(
    store: EventStore, pool: Pool, projection: Projection, until: int, progress: Progress = _nothing
) -> AsyncIterator[str]:
    """The schema of a copy as it was at a position, dropped afterwards."""
    schema = _scratch()
    async with _claimed(pool, schema):
        try:
            await create(pool, projection, schema)
            await catch_up(store, pool, projection, schema, until, progress)
            yield schema
        finally:
            await _drop(pool, schema)


async def clean(pool: Pool) -> list[str]:
    """Drop what killed processes left behind, and nothing that somebody is building or reading; returns what went."""
    dropped: list[str] = []
    async with server_may_be_away(), pool.acquire() as connection:
        for row in await connection.fetch(TRACKING["leftovers"]):
            async with connection.transaction():
                if await connection.fetchval(TRACKING["unclaimed"], row["nspname"]):
                    await connection.execute(TRACKING["drop"], row["nspname"])
                    dropped.append(row["nspname"])
    return dropped


async def dump(pool: Pool, schema: str) -> dict[str, list[object]]:
    """Every row of every table of a copy, as JSON objects, by table."""
    tables = [row["relname"] for row in await pool.fetch(TRACKING["tables"], schema)]
    return {
        table: [_legible(msgspec.json.decode(row[0])) for row in await pool.fetch(TRACKING["json_rows"], schema, table)]
        for table in tables
    }


def _legible(row: dict[str, object]) -> dict[str, object]:
    """A row whose encoded columns say what they hold; what is noise, as a digest, stays in hexadecimal."""
    return {name: _held(value) for name, value in row.items()}


def _held(value: object) -> object:
    if not (isinstance(value, str) and value.startswith("\\x")):
        return value
    stored = bytes.fromhex(value[2:])
    for decode in (msgspec.json.decode, msgspec.msgpack.decode):
        try:
            held: object = decode(stored)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(held, dict | list):
            return msgspec.to_builtins(held)
    return stored.hex()


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
