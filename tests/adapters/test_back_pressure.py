"""What the appender does with more than it can take, with callers who leave, and with what no store could hold."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from eventsourcing.persistence import DataError, IntegrityError
from litestar import Litestar, post

from adapters.embedded import Servers
from adapters.postgres import appender
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from adapters.store import Draft, Unavailable
from service.problems import HANDLERS
from tests.servers import Database, fresh_database

AT_ONCE_S: Final = 0.5
TAKEN: Final = b"a claim that is taken"


@pytest.fixture(scope="module")
async def database(servers: Servers) -> Database:
    fresh = await fresh_database(servers)
    await migrate(fresh.owner_url, service_role="registre")
    return fresh


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresStore]:
    connected = await PostgresStore.connect(database.service_url)
    yield connected
    await connected.close()


def event(**parts: Any) -> Draft:
    said = {"originator_version": 1, "topic": "noun.happened.v1", "state": b"{}", "consultation": "culture", **parts}
    return Draft(said.pop("originator_id", uuid4()), **said)


@asynccontextmanager
async def nothing_commits(database: Database, store: PostgresStore) -> AsyncIterator["asyncio.Task[list[int]]"]:
    """Hold the counter row; yields a first append, which waits for it: what comes after queues up behind."""
    gate = await asyncpg.connect(database.owner_url)
    try:
        async with gate.transaction():
            await gate.execute("SELECT FROM registre.head FOR UPDATE")
            first = asyncio.create_task(store.append([event()]))
            while not store.appender._under_way:
                await asyncio.sleep(0)
            yield first
    finally:
        await gate.close()


async def queued(store: PostgresStore, *batch: list[Draft]) -> "list[asyncio.Task[list[int]]]":
    """Appends that wait their turn."""
    tasks = [asyncio.create_task(store.append(events)) for events in batch]
    await asyncio.sleep(0)
    return tasks


async def refused_at_once(store: PostgresStore, *events: Draft) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match="too much is waiting") as refused:
        await store.append(events)
    assert time.monotonic() - began < AT_ONCE_S
    assert not refused.value.uncertain


# --- the bounds -------------------------------------------------------------------------------------------------------


async def test_events_beyond_the_bound_are_refused_at_once(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender, "QUEUE_EVENTS", 10)
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, [event() for _ in range(6)], [event() for _ in range(3)])
        await refused_at_once(store, event(), event())
        waiting += await queued(store, [event()])
        await refused_at_once(store, event())
    assert [len(positions) for positions in await asyncio.gather(first, *waiting)] == [1, 6, 3, 1]
    assert len(await store.append([event()])) == 1


async def test_bytes_beyond_the_bound_are_refused_at_once(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender, "QUEUE_BYTES", 1_000)
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, [event(state=bytes(600))])
        await refused_at_once(store, event(state=bytes(401)))
        waiting += await queued(store, [event(state=bytes(200)), event(state=bytes(200))])
        await refused_at_once(store, event(state=b"x"))
    assert [len(positions) for positions in await asyncio.gather(first, *waiting)] == [1, 1, 2]
    assert len(await store.append([event(state=bytes(1_000))])) == 1


async def test_what_is_refused_leaves_its_place_to_others(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender, "QUEUE_EVENTS", 2)
    for _ in range(3):
        async with nothing_commits(database, store) as first:
            waiting = await queued(store, [event(), event()])
            await refused_at_once(store, event())
        await asyncio.gather(first, *waiting)
    assert (store.appender.pending, store.appender._queued_events, store.appender._queued_bytes) == (0, 0, 0)


async def test_more_events_than_the_bound_are_taken_when_nothing_else_waits(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender, "QUEUE_EVENTS", 10)
    many = [event() for _ in range(appender.BATCH_EVENTS + 1)]
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, [event()])
        await refused_at_once(store, *many)
    await asyncio.gather(first, *waiting)
    positions = await store.append(many)
    assert positions == list(range(positions[0], positions[0] + len(many)))


async def test_more_bytes_than_the_bound_are_refused_for_good(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """To say that it may be repeated later would be a lie: it would never have a place."""
    monkeypatch.setattr(appender, "QUEUE_BYTES", 1_000)
    before = await store.head()
    with pytest.raises(DataError):
        await store.append([event(state=bytes(500)), event(state=bytes(501))])
    assert await store.append([event()]) == [before + 1]


async def test_a_full_queue_is_a_503_that_says_when_to_repeat(
    database: Database, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    @post("/")
    async def deposit() -> list[int]:
        return await store.append([event()])

    monkeypatch.setattr(appender, "QUEUE_EVENTS", 1)
    app = Litestar([deposit], exception_handlers=dict(HANDLERS), openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # both name the same protocol; unlike Litestar's own it stays in this loop
    async with httpx.AsyncClient(transport=transport, base_url="http://registre") as client:
        async with nothing_commits(database, store) as first:
            waiting = await queued(store, [event()])
            began = time.monotonic()
            answer = await client.post("/")
            assert time.monotonic() - began < AT_ONCE_S
        await asyncio.gather(first, *waiting)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["detail"] == "nothing was recorded"
        assert (await client.post("/")).status_code == 201


# --- callers who leave ------------------------------------------------------------------------------------------------


async def test_a_cancelled_request_cancels_nobody_else(database: Database, store: PostgresStore) -> None:
    left = [event(), event()]
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, [left[0]], [event()], [left[1]], [event()])
        for task in (first, waiting[0], waiting[2]):
            task.cancel()
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        asyncio.CancelledError,
        asyncio.CancelledError,
        list,
        asyncio.CancelledError,
        list,
    ]
    assert [len(await store.stream(each.originator_id)) for each in left if isinstance(each.originator_id, UUID)] == [1, 1]


async def test_the_refusal_of_a_cancelled_request_is_no_defect(store: PostgresStore, caplog: pytest.LogCaptureFixture) -> None:
    taken = event()
    await store.append([taken])
    with caplog.at_level(logging.ERROR, "asyncio"):
        (task,) = await queued(store, [taken])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.append([event()])
        del task
    assert caplog.records == []


# --- closing ----------------------------------------------------------------------------------------------------------


async def test_closing_waits_for_the_batch_under_way_and_for_what_is_queued(database: Database) -> None:
    store = await PostgresStore.connect(database.service_url)
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, *([event()] for _ in range(20)))
        waiting[0].cancel()
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="closing"):
            await store.append([event()])
        assert not closing.done()
    await closing
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 20
    assert store.appender.pending == 0


async def test_a_closer_that_is_cancelled_leaves_nobody_waiting(database: Database) -> None:
    store = await PostgresStore.connect(database.service_url)
    async with nothing_commits(database, store) as first:
        waiting = await queued(store, *([event()] for _ in range(3)))
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        assert closing.cancelled()
        assert not first.done()
    assert [len(positions) for positions in await asyncio.gather(first, *waiting)] == [1, 1, 1, 1]
    await asyncio.gather(store.close(), store.close())
    assert store.appender._connection is not None
    assert store.appender._connection.is_closed()


# --- poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "given"),
    [
        ({"topic": "no\x00text"}, {}),
        ({"topic": "no \udc80 text"}, {}),
        ({"topic": os.urandom(5_000).hex()}, {}),
        ({"topic": None}, {}),
        ({"state": "no bytes"}, {}),
        ({"state": bytes(appender.QUEUE_BYTES + 1)}, {}),
        ({"claim": os.urandom(9_000)}, {}),
        ({"originator_version": 2**31}, {}),
        ({"originator_version": "1"}, {}),
        ({"originator_id": "no uuid"}, {}),
        ({}, {uuid4(): 2**31}),
        ({}, {5: 1}),
        ({}, {uuid4(): None}),
        ({}, {None: 0}),
        ({}, [uuid4()]),
        ({"claim": TAKEN}, {}),
    ],
    ids=["nul", "surrogate", "long-topic", "no-topic", "text-state", "large-state", "long-claim", "high-version", "text-version",
         "no-uuid", "high-given", "number-given", "no-version-given", "no-stream-given", "no-mapping-given", "claim-taken"],
)  # fmt: skip
async def test_a_poisoned_request_fails_alone_and_its_batch_succeeds(
    store: PostgresStore, parts: Mapping[str, Any], given: Any
) -> None:
    if parts.get("claim") == TAKEN:
        await store.append([event(claim=TAKEN)])
    before = await store.head()
    good, beside = [event() for _ in range(20)], event()
    outcomes = await asyncio.gather(
        *(store.append([each]) for each in good[:10]),
        store.append([beside, event(**parts)], given),
        *(store.append([each]) for each in good[10:]),
        return_exceptions=True,
    )
    poisoned = outcomes.pop(10)
    assert isinstance(poisoned, DataError | IntegrityError), repr(poisoned)
    assert outcomes == [[position] for position in range(before + 1, before + 21)]
    assert await store.stream(UUID(str(beside.originator_id))) == []


async def test_one_poisoned_request_among_many_costs_a_few_round_trips(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []

    async def counted(connection: Any, batch: Any) -> Any:
        trips.append(len(batch))
        return await written(connection, batch)

    written = appender._appended
    monkeypatch.setattr(appender, "_appended", counted)
    requests = [event() for _ in range(512)]
    requests[300] = event(topic="no\x00text")
    outcomes = await asyncio.gather(*(store.append([each]) for each in requests), return_exceptions=True)
    assert isinstance(outcomes.pop(300), DataError)
    assert all(isinstance(outcome, list) for outcome in outcomes)
    assert sum(trips) < 4 * 512
    assert len(trips) < 25


async def test_an_event_that_is_none_fails_alone(store: PostgresStore) -> None:
    outcomes = await asyncio.gather(
        store.append([event()]), store.append([SimpleNamespace(state=b"{}")]), store.append([event()]), return_exceptions=True  # type: ignore[list-item]  # what is tested
    )  # fmt: skip
    assert [type(outcome) for outcome in outcomes] == [list, DataError, list]


async def test_the_appender_outlives_an_error_that_nobody_foresaw(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise LookupError

    with monkeypatch.context() as patched:
        patched.setattr(appender, "_columns", broken)
        outcomes = await asyncio.gather(store.append([event()]), store.append([event()]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert outcomes[0] is not outcomes[1]
    assert len(await store.append([event()])) == 1
