"""What only the store on PostgreSQL can show: rights, crashes, closing, migrations."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from adapters.embedded import DataFolder, Servers
from adapters.postgres.migrate import LOG, MigrationRefused, migrate, pending
from adapters.postgres.store import PostgresStore
from adapters.store import Conflict, Draft, Unavailable
from tests.servers import Database, fresh_database


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


def event() -> Draft:
    return Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE registre.events SET topic = 'x'", "DELETE FROM registre.events", "TRUNCATE registre.events"],
)
@pytest.mark.parametrize("role", ["service", "owner"])
async def test_nobody_changes_or_removes_an_event(database: Database, store: PostgresStore, role: str, statement: str) -> None:
    await store.append([event()])
    connection = await asyncpg.connect(database.service_url if role == "service" else database.owner_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_service_inserts_through_the_function_alone(database: Database, store: PostgresStore) -> None:
    connection = await asyncpg.connect(database.service_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO registre.events VALUES (99, gen_random_uuid(), 1, 't', '', '', now())")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE registre.head SET position = 99")
    finally:
        await connection.close()
    assert await store.append([event()]) == [1]


async def test_a_counter_behind_the_log_is_no_conflict(database: Database, store: PostgresStore) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("INSERT INTO registre.events VALUES (1, gen_random_uuid(), 1, 't', '', '', now())")
        with pytest.raises(Unavailable):
            await store.append([event()])
        assert await store.head() == 0
    finally:
        await owner.close()


async def test_a_lone_event_that_is_refused_leaves_no_gap(store: PostgresStore) -> None:
    first, claimed = event(), Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture", b"claim")
    assert [await store.append([one]) for one in (first, claimed)] == [[1], [2]]
    for taken in (first, Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture", b"claim")):
        with pytest.raises(Conflict) as refused:
            await store.append([taken])
        assert refused.value.stream == taken.originator_id
        assert await store.head() == 2
    assert await store.append([event()]) == [3]


async def test_closing_drains_what_is_queued(database: Database) -> None:
    store = await PostgresStore.connect(database.service_url)
    waiting = [asyncio.create_task(store.append([event()])) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert sorted(position for positions in await asyncio.gather(*waiting) for position in positions) == list(range(1, 51))
    with pytest.raises(Unavailable):
        await store.append([event()])


async def test_a_server_that_lacks_the_database_is_away(database: Database) -> None:
    """As it does for a moment while a backup is restored."""
    with pytest.raises(Unavailable, match="away"):
        await PostgresStore.connect(f"{database.service_url}_gone")


async def test_a_follower_and_a_writer_survive_a_killed_server(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        try:
            await migrate(servers.migration_url, service_role="registre")
            store = await PostgresStore.connect(servers.database_url)
            acknowledged: list[int] = []
            seen: list[int] = []

            async def follow() -> None:
                async for entries in store.follow():
                    seen.extend(entry.id for entry in entries)

            async def write() -> None:
                while len(acknowledged) < 400:
                    try:
                        acknowledged.extend(await store.append([event()]))
                    except Unavailable:
                        await asyncio.sleep(0.02)

            following = asyncio.create_task(follow())
            writing = [asyncio.create_task(write()) for _ in range(8)]
            while len(acknowledged) < 100:
                await asyncio.sleep(0.005)
            pid = servers.postgres.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            while servers.postgres.running():
                await asyncio.sleep(0.001)
            await servers.postgres.start()
            await asyncio.gather(*writing)
            head = await store.head()
            while not seen or seen[-1] < head:
                await asyncio.sleep(0.01)
            following.cancel()
            assert seen == list(range(1, head + 1))
            assert set(acknowledged) <= set(seen)
            assert len(set(acknowledged)) == len(acknowledged)
            await store.close()
        finally:
            await servers.stop()


async def test_a_follower_that_is_cancelled_before_it_listens_leaves_no_connection(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[asyncpg.Connection[Any]] = []

    async def stuck(connection: "asyncpg.Connection[Any]", *_: object) -> None:
        made.append(connection)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", stuck)
    following = asyncio.ensure_future(anext(aiter(store.follow())))
    while not made:
        await asyncio.sleep(0.001)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert made[0].is_closed()


async def test_migrations_are_applied_once_and_never_changed(servers: Servers, tmp_path: Path) -> None:
    fresh = await fresh_database(servers)
    names = [file.name for file in sorted(LOG.glob("*.sql"))]
    assert await pending(fresh.owner_url) == names
    applied = await asyncio.gather(*(migrate(fresh.owner_url, service_role="registre") for _ in range(3)))
    assert sorted(applied) == [[], [], names]
    assert await pending(fresh.owner_url) == []
    for file in LOG.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text() + "-- changed\n")
    with pytest.raises(MigrationRefused, match="changed"):
        await migrate(fresh.owner_url, tmp_path)
    with pytest.raises(MigrationRefused, match="ahead"):
        await migrate(fresh.owner_url, tmp_path / "none")
