"""Proof of order: whatever several processes do at once and whatever breaks between them and the server, the log has one order."""

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest

from adapters.embedded import Servers
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from adapters.store import Draft
from tests.adapters.appending import STREAMS, TOPIC, Attempt
from tests.adapters.proving import Proof, head_passes, load, proven
from tests.servers import Database, fresh_database

APPLICATION = (
    "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND usename = 'registre' AND application_name LIKE 'registre-%'"
)

STALL_S: Final = 5.0


@pytest.fixture
async def database(servers: Servers) -> Database:
    fresh = await fresh_database(servers)
    await migrate(fresh.owner_url, service_role="registre")
    return fresh


@asynccontextmanager
async def idle_transaction(database: Database) -> AsyncIterator[None]:
    """A transaction that began before everything else, holds an identifier and a snapshot, and does nothing until the block ends."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            begun = await connection.fetchval("SELECT pg_current_xact_id()::text")
            before = await connection.fetchval("SELECT count(*) FROM registre.events")
            yield
            assert await connection.fetchval("SELECT pg_current_xact_id()::text") == begun
            assert await connection.fetchval("SELECT count(*) FROM registre.events") == before
    finally:
        await connection.close()


async def break_a_connection(servers: Servers, database: Database, chance: random.Random) -> int:
    """As an administrator might, or a network; returns how many were broken."""
    name = database.service_url.rpartition("/")[2]
    administrator = await asyncpg.connect(servers.postgres.url("postgres", "postgres"))
    try:
        pids = sorted(pid for (pid,) in await administrator.fetch(APPLICATION, name))
        return int(await administrator.fetchval("SELECT pg_terminate_backend($1)", chance.choice(pids))) if pids else 0
    finally:
        await administrator.close()


async def under_everything(
    servers: Servers, database: Database, seed: int, processes: int, aborts: int
) -> tuple[Proof, list[Attempt]]:
    """Writers, followers, an idle transaction, and a connection broken each time the log has grown a little."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    async with idle_transaction(database), load(database.service_url) as (store, under_way):
        under_way.follow_here(0)
        await under_way.write("first", 8, seed)
        await head_passes(store, 300)
        under_way.follow_here(137)
        for after in (0, 250):
            await under_way.follow(after)
        under_way.follow_here(1_500)
        for number in range(1, processes):
            await under_way.write(f"other{number}", 8, seed)
        broken = 0
        while broken < aborts:
            await head_passes(store, await settled_head(store) + chance.randrange(120))
            broken += await break_a_connection(servers, database, chance)
        await head_passes(store, 1_500)
        attempts, seen = await under_way.ended()
        assert len(seen) == 5
        return await proven(store, attempts, seen), attempts


async def settled_head(store: PostgresStore) -> int:
    """The head, from a pool one of whose connections may just have been broken."""
    await head_passes(store, -1)
    return await store.head()


async def test_a_long_idle_transaction_elsewhere_stalls_no_follower(database: Database) -> None:
    async with idle_transaction(database), load(database.service_url) as (store, under_way):
        under_way.follow_here(0)
        await under_way.follow(1)
        for number in range(1, 21):
            (position,) = await store.append([Draft(STREAMS[0], number, TOPIC, b"", "culture")])
            await under_way.reached_here(position, STALL_S)
        _, seen = await under_way.ended()
        assert [saw.positions for saw in seen] == [list(range(1, 21)), list(range(2, 21))]


async def test_several_processes_make_one_order_whatever_breaks(servers: Servers, database: Database) -> None:
    proof, attempts = await under_everything(servers, database, seed=20_260_901, processes=3, aborts=15)

    assert proof.outcomes["acknowledged"] > 300
    assert proof.outcomes["refused"] > 30
    assert proof.outcomes["uncertain"] > 10
    assert any(attempt.hopeless for attempt in attempts)


@pytest.mark.torture
async def test_many_more_make_one_order_too(servers: Servers, database: Database) -> None:
    proof, _ = await under_everything(servers, database, seed=secrets.randbits(32), processes=5, aborts=300)

    print(proof)
    assert proof.outcomes["acknowledged"] > 5_000
    assert 0 < proof.uncertain_written < proof.outcomes["uncertain"]
