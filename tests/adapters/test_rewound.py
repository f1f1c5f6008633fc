"""A database restored from an older backup, or a replica that lacked the end, takes over under a running service: nobody reads on in silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import asyncpg
import pytest
from nats.js.errors import NotFoundError

from adapters.embedded import Servers
from adapters.nats.relay import STREAM, Relay, StreamDiffers, connected, last_sequence
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from adapters.store import Draft, Entry, Rewound
from tests.servers import Database, fresh_database

SOON_S = 20.0


@pytest.fixture
async def database(servers: Servers) -> Database:
    fresh = await fresh_database(servers)
    await migrate(fresh.owner_url, service_role="registre")
    return fresh


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresStore]:
    connected = await PostgresStore.connect(database.service_url)
    yield connected
    await connected.close()


async def append(store: PostgresStore, count: int) -> None:
    await store.append([Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture") for _ in range(count)])


async def rewind(servers: Servers, database: Database, position: int, regrown: int = 0, *, unnoticed: bool = False) -> None:
    """What a restored backup looks like to those who read the log: events that they have read are not there.

    `regrown` others have been recorded in their place before anybody looks again. Unless it goes `unnoticed`, as behind a proxy, whoever is
    connected is thrown out.
    """
    name = database.owner_url.rsplit("/", 1)[1]
    superuser = await asyncpg.connect(servers.postgres.url("postgres", name))
    try:
        async with superuser.transaction():
            await superuser.execute("SET LOCAL session_replication_role = replica")
            await superuser.execute(
                "LOCK TABLE registre.events IN ACCESS EXCLUSIVE MODE"
            )  # whoever is back sooner waits for the backup
            await superuser.execute("DELETE FROM registre.events WHERE position > $1", position)
            await superuser.execute("UPDATE registre.head SET position = $1", position)
            for _ in range(regrown):
                await superuser.execute(
                    "SELECT registre.append_one(gen_random_uuid(), 1, 'noun.happened.v1', '{}', 'culture', NULL)"
                )
        if not unnoticed:
            others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
            await superuser.execute(others, name)
    finally:
        await superuser.close()


@pytest.mark.parametrize("regrown", [0, 5], ids=["shorter", "regrown"])
@pytest.mark.parametrize("unnoticed", [False, True], ids=["thrown out", "unnoticed"])
async def test_a_follower_of_a_log_that_was_rewound_is_told(
    servers: Servers, database: Database, store: PostgresStore, regrown: int, *, unnoticed: bool
) -> None:
    await append(store, 5)
    seen: list[Entry] = []

    async def follow() -> None:
        async for entries in store.follow():
            seen.extend(entries)

    following = asyncio.create_task(follow())
    async with asyncio.timeout(SOON_S):
        while len(seen) < 5:
            await asyncio.sleep(0.01)
        await rewind(servers, database, 3, regrown, unnoticed=unnoticed)
        with pytest.raises(Rewound) as told:
            await following
    assert told.value.position == 5


async def test_a_follower_whose_connection_is_lost_goes_on_in_the_same_log(
    servers: Servers, database: Database, store: PostgresStore
) -> None:
    await append(store, 5)
    pages = aiter(store.follow())
    async with asyncio.timeout(SOON_S):
        assert [entry.id for entry in await anext(pages)] == [1, 2, 3, 4, 5]
        await rewind(servers, database, 5, regrown=2)
        assert [entry.id for entry in await anext(pages)] == [6, 7]


async def test_a_relay_publishes_nothing_behind_what_a_rewound_log_has_lost(
    servers: Servers, database: Database, store: PostgresStore
) -> None:
    async with connected(servers.nats_url) as (client, _):
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(STREAM)
    await append(store, 5)
    running = asyncio.create_task(Relay(store, servers.nats_url).run())
    async with asyncio.timeout(SOON_S):
        while await last_sequence(servers.nats_url) < 5:
            await asyncio.sleep(0.01)
        await rewind(servers, database, 3, regrown=4)
        with pytest.raises(Rewound):
            await running
    with pytest.raises(StreamDiffers, match="another log"):
        await Relay(store, servers.nats_url).run()
    assert await last_sequence(servers.nats_url) == 5
