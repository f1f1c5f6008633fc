"""What a queue hands out is the lowest item that was eligible when it was read, whichever process answers and however far its projection lags."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from adapters.embedded import Servers
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import create_pool
from adapters.postgres.store import PostgresStore
from adapters.records import recorded
from domain import contribution
from domain.sealed import PENDING
from domain.treatment.queues import Conformity
from domain.treatment.trail import Trail
from projections.building import SEARCH_PATH
from service import queues as module
from service.clock import SystemClock
from service.handler import Handle
from service.queues import Queues
from tests.projections.histories import SEED, SLUG, World
from tests.servers import fresh_database

LONG_AFTER = datetime(2199, 1, 1, tzinfo=UTC)


@pytest.fixture
async def world(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A log whose read models move when a test says so."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    store = await PostgresStore.connect(database.service_url)
    pool = await create_pool(database.service_url, "registre-tests", search_path=SEARCH_PATH)
    yield World(store, pool)
    await pool.close()
    await store.close()


def process(world: World) -> Queues:
    """The queues as another process has them, or one that has just begun."""
    return Queues(Handle(world.store), world.pool, SystemClock())


async def opened(world: World, contributions: int = 3) -> list[UUID]:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(contributions)]
    await world.show("treatment")
    return streams


async def conformity(world: World) -> Conformity:
    trail = Trail()
    for entry in await world.store.page(0, limit=10_000):
        trail.follow(recorded(entry))
    return trail.queues.conformity({SLUG: SEED})


async def reviewed(queues: Queues, reviewer: str) -> UUID | None:
    taken = await queues.next_review(SLUG, reviewer)
    return taken.contribution if taken else None


async def read(queues: Queues, reader: str) -> UUID | None:
    taken = await queues.next_reading(SLUG, reader)
    return taken.contribution if taken else None


async def test_two_processes_with_a_projection_that_lags_hand_out_one_item_after_the_other(world: World) -> None:
    streams = await opened(world)
    one, other = process(world), process(world)
    assert [await reviewed(one, "a"), await reviewed(other, "b"), await reviewed(one, "c")] == streams
    assert (await conformity(world)).departures == ()


async def test_what_was_taken_and_hidden_since_the_queue_was_read_waits_until_the_queue_shows_it_again(world: World) -> None:
    first, second, _ = await opened(world)
    assert await reviewed(process(world), "a") == first
    world.versions[first] += 1
    await world.append(first, contribution.Hidden("a", "5.sensitive-data", 1, False, "human", LONG_AFTER, b"", PENDING))
    assert await reviewed(process(world), "b") == second
    await world.show("treatment")
    assert await reviewed(process(world), "c") == first
    assert (await conformity(world)).departures == ()


async def test_what_is_being_read_since_the_queue_was_read_is_not_given_to_a_second_reader(world: World) -> None:
    streams = await opened(world, 2)
    for stream in streams:
        await world.keep(stream)
    await world.show("treatment")
    assert {await read(process(world), "a"), await read(process(world), "b")} == set(streams)
    assert await read(process(world), "c") is None
    await world.show("treatment")
    assert await read(process(world), "c") in streams
    assert (await conformity(world)).departures == ()


async def test_what_has_moved_otherwise_since_the_queue_was_read_is_handed_out(world: World) -> None:
    first, *_ = await opened(world)
    await world.append(first, contribution.QuestionAsked(uuid4(), "d", b"", PENDING))
    assert await reviewed(process(world), "a") == first
    assert (await conformity(world)).departures == ()
