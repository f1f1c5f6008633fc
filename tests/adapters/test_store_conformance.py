"""What every event store promises, asked of the one on PostgreSQL and of the one in memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import DataError, IntegrityError, StoredEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.embedded import Servers
from adapters.memory import MemoryStore
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from adapters.store import Conflict, Draft, EventStore
from tests.servers import fresh_database


@pytest.fixture(params=["memory", "postgresql"])
async def store(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    connected = await PostgresStore.connect(database.service_url)
    yield connected
    await connected.close()


def event(stream: UUID, version: int = 1, state: bytes = b"{}", topic: str = "noun.happened.v1") -> Draft:
    return Draft(stream, version, topic, state, "culture")


async def test_positions_are_contiguous_and_entries_are_what_was_appended(store: EventStore) -> None:
    one, other = uuid4(), uuid4()
    assert await store.append([event(one), event(one, 2), event(other, state=b"\x00\xff")]) == [1, 2, 3]
    assert await store.append([event(other, 2)]) == [4]
    page = await store.page()
    assert [(entry.id, entry.originator_id, entry.originator_version) for entry in page] == [
        (1, one, 1),
        (2, one, 2),
        (3, other, 1),
        (4, other, 2),
    ]
    assert page[2].state == b"\x00\xff"
    assert {entry.consultation for entry in page} == {"culture"}
    assert await store.head() == 4


async def test_an_event_of_the_library_is_taken_as_it_is(store: EventStore) -> None:
    stream = uuid4()
    assert await store.append([StoredEvent(stream, 0, "a:Topic", b"state")]) == [1]
    assert [entry.originator_version for entry in await store.stream(stream)] == [0]


async def test_several_streams_are_read_at_once_each_in_order(store: EventStore) -> None:
    one, other, unread = uuid4(), uuid4(), uuid4()
    await store.append([event(one), event(unread), event(other), event(one, 2)])
    found = await store.streams([other, uuid4(), one])
    assert found == {one: await store.stream(one), other: await store.stream(other)}
    assert [entry.originator_version for entry in found[one]] == [1, 2]
    assert await store.streams([]) == {}


async def test_a_version_that_exists_is_a_conflict_and_writes_nothing(store: EventStore) -> None:
    one, other = uuid4(), uuid4()
    await store.append([event(one)])
    with pytest.raises(Conflict) as conflict:
        await store.append([event(other), event(one)])
    assert conflict.value.stream == one
    assert isinstance(conflict.value, IntegrityError)
    assert await store.stream(other) == []
    assert await store.append([event(other)]) == [2]


async def test_one_request_cannot_write_a_version_twice(store: EventStore) -> None:
    stream = uuid4()
    with pytest.raises(Conflict):
        await store.append([event(stream), event(stream)])
    assert await store.head() == 0


@pytest.mark.parametrize("version", [0, 2])
async def test_a_given_stream_at_another_version_is_a_conflict(store: EventStore, version: int) -> None:
    watched, written = uuid4(), uuid4()
    await store.append([event(watched)])
    with pytest.raises(Conflict) as conflict:
        await store.append([event(written)], {watched: version})
    assert conflict.value.stream == watched
    assert await store.append([event(written)], {watched: 1, uuid4(): 0}) == [2]


async def test_a_stream_moved_by_an_earlier_request_of_the_same_batch_is_a_conflict(store: EventStore) -> None:
    watched = uuid4()
    await store.append([event(watched)])
    outcomes = await asyncio.gather(
        store.append([event(uuid4())], {watched: 1}),
        store.append([event(watched, 2)]),
        store.append([event(uuid4())], {watched: 1}),
        store.append([event(watched, 2)]),
        store.append([event(uuid4())], {watched: 2}),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [list, list, Conflict, Conflict, list]
    assert await store.head() == 4


async def test_a_claim_belongs_to_one_event(store: EventStore) -> None:
    first, second, third = (Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture", claim) for claim in (b"x", b"x", b"y"))
    outcomes = await asyncio.gather(store.append([first]), store.append([second]), store.append([third]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [list, Conflict, list]
    with pytest.raises(Conflict) as conflict:
        await store.append([second])
    assert conflict.value.stream == second.originator_id


async def test_a_poisoned_request_fails_alone(store: EventStore) -> None:
    good = [event(uuid4()) for _ in range(20)]
    poisoned = event(uuid4(), topic="no\x00text")
    outcomes = await asyncio.gather(
        *(store.append([each]) for each in good[:10]),
        store.append([poisoned]),
        *(store.append([each]) for each in good[10:]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[10], DataError)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 20
    assert await store.head() == 20


async def test_one_request_cannot_make_a_claim_twice(store: EventStore) -> None:
    with pytest.raises(DataError):
        await store.append([Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture", b"x") for _ in range(2)])
    assert await store.append([event(uuid4())]) == [1]


@pytest.mark.parametrize("given", [{UUID(int=1): None}, {None: 0}], ids=["no-version", "no-stream"])
async def test_a_precondition_that_names_nothing_is_refused_aloud(store: EventStore, given: Any) -> None:
    with pytest.raises(DataError):
        await store.append([event(uuid4())], given)
    assert await store.append([event(uuid4())]) == [1]


async def test_each_caller_gets_an_error_of_its_own(store: EventStore) -> None:
    stream = uuid4()
    await store.append([event(stream)])
    outcomes = await asyncio.gather(*(store.append([event(stream)]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(outcome, Conflict) for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == 3


async def test_the_events_of_a_cancelled_caller_are_written_all_the_same(store: EventStore) -> None:
    stream = uuid4()
    task = asyncio.create_task(store.append([event(stream)]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.append([event(uuid4())])
    assert len(await store.stream(stream)) == 1
    assert [entry.id for entry in await store.page()] == list(range(1, await store.head() + 1))


async def test_stamps_never_decrease_and_tell_the_position_of_a_moment(store: EventStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    for _ in range(5):
        await store.append([event(uuid4()), event(uuid4())])
    stamps = [entry.recorded_at for entry in await store.page()]
    assert stamps == sorted(stamps)
    assert await store.position_at(before) == 0
    assert await store.position_at(stamps[3]) == max(number for number, stamp in enumerate(stamps, start=1) if stamp <= stamps[3])
    assert await store.position_at(datetime.now(UTC) + timedelta(seconds=5)) == 10


async def test_pages_and_streams_are_cut_where_asked(store: EventStore) -> None:
    stream = uuid4()
    await store.append([event(stream, version) for version in range(1, 11)])
    assert [entry.id for entry in await store.page(3, limit=4)] == [4, 5, 6, 7]
    assert [entry.id for entry in await store.page(3, up_to=5)] == [4, 5]
    assert [entry.originator_version for entry in await store.stream(stream, after=2, up_to=4)] == [3, 4]
    assert await store.stream(uuid4()) == []


async def test_a_follower_sees_each_event_once_and_in_order_while_many_write(store: EventStore) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for entries in store.follow(5):
            seen.extend(entry.id for entry in entries)
            if seen[-1] == 105:
                return

    await store.append([event(uuid4()) for _ in range(5)])
    following = asyncio.create_task(follow())

    async def write() -> None:
        for _ in range(10):
            await store.append([event(uuid4())])

    await asyncio.gather(*(write() for _ in range(10)))
    await asyncio.wait_for(following, 10)
    assert seen == list(range(6, 106))


STREAMS = [UUID(int=number) for number in range(4)]
REQUESTS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(1, 3)), min_size=1, max_size=3),
        st.dictionaries(st.sampled_from(STREAMS), st.integers(0, 2), max_size=2),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(REQUESTS, min_size=1, max_size=3))
def test_both_stores_judge_every_batch_alike(
    servers: Servers, batches: list[list[tuple[list[tuple[UUID, int]], dict[UUID, int]]]]
) -> None:
    loop = asyncio.new_event_loop()
    try:
        memory, postgresql = loop.run_until_complete(_judged(servers, batches))
    finally:
        loop.close()
    assert memory == postgresql


async def _judged(
    servers: Servers, batches: list[list[tuple[list[tuple[UUID, int]], dict[UUID, int]]]]
) -> tuple[list[object], list[object]]:
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    connected = await PostgresStore.connect(database.service_url, connections=1)
    try:
        return await _outcomes(MemoryStore(), batches), await _outcomes(connected, batches)
    finally:
        await connected.close()


async def _outcomes(store: EventStore, batches: list[list[tuple[list[tuple[UUID, int]], dict[UUID, int]]]]) -> list[object]:
    """What became of each request, and the log in the end."""
    outcomes: list[object] = []
    for batch in batches:
        answers = await asyncio.gather(
            *(store.append([event(*each) for each in events], watched) for events, watched in batch), return_exceptions=True
        )
        outcomes += [answer if isinstance(answer, list) else type(answer) for answer in answers]
    return [*outcomes, [(entry.id, entry.originator_id, entry.originator_version) for entry in await store.page()]]
