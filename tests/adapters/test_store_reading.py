"""Reading the log: the same pages from every store, fetched ahead, found by an index however large the log is."""

import asyncio
import gc
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.embedded import Servers
from adapters.memory import MemoryStore
from adapters.postgres.appender import SQL
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import session
from adapters.postgres.store import PostgresStore
from adapters.store import EVERYTHING, Chosen, Draft, Entry, EventStore, Unavailable
from tests.servers import Database, fresh_database

TOPICS: Final = ("noun.made.v1", "noun.moved.v1", "noun.ended.v1")
SLUGS: Final = ("culture", "water", "")
STREAMS: Final = tuple(UUID(int=number) for number in range(1, 4))
WAIT_S: Final = 10.0


async def migrated(servers: Servers) -> Database:
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    return database


@pytest.fixture
async def postgresql(servers: Servers) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.connect((await migrated(servers)).service_url)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "postgresql"])
async def store(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    connected = await PostgresStore.connect((await migrated(servers)).service_url)
    yield connected
    await connected.close()


async def fill(store: EventStore, kinds: Sequence[tuple[int, int]]) -> None:
    """One event for each pair of topic and consultation, in one stream."""
    drafts = [Draft(STREAMS[0], n, TOPICS[t], b"%d" % n, SLUGS[c]) for n, (t, c) in enumerate(kinds, start=1)]
    await store.append(drafts)


def ids(entries: Sequence[Entry]) -> list[int]:
    return [entry.id for entry in entries]


# What both stores give


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (EVERYTHING, [1, 2, 3, 4, 5, 6]),
        (Chosen("culture"), [1, 2, 5]),
        (Chosen(""), [6]),
        (Chosen(topics=(TOPICS[0], TOPICS[2])), [1, 3, 5, 6]),
        (Chosen(topics=(TOPICS[0], TOPICS[0])), [1, 3]),
        (Chosen("culture", (TOPICS[0], TOPICS[2])), [1, 5]),
        (Chosen("", (TOPICS[2], TOPICS[2])), [6]),
        (Chosen("nowhere"), []),
        (Chosen("culture", ("nothing.known.v1",)), []),
    ],
)
async def test_what_is_chosen_satisfies_every_part_once_and_in_order(
    store: EventStore, chosen: Chosen, expected: list[int]
) -> None:
    await fill(store, [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 2)])
    assert ids(await store.page(chosen=chosen)) == expected
    assert ids(await store.page(2, limit=2, up_to=5, chosen=chosen)) == [each for each in expected if 2 < each <= 5][:2]
    assert [position async for page in store.pages(limit=2, chosen=chosen) for position in ids(page)] == expected


async def test_a_stream_is_read_from_either_end_and_as_far_as_asked(store: EventStore) -> None:
    await store.append([Draft(stream, version, TOPICS[0], b"{}") for version in range(7) for stream in STREAMS])

    async def versions(**asked: Any) -> list[int]:
        return [entry.originator_version for entry in await store.stream(STREAMS[1], **asked)]

    assert await versions() == [0, 1, 2, 3, 4, 5, 6]
    assert await versions(limit=2) == [0, 1]
    assert await versions(latest=True, limit=1) == [6]
    assert await versions(latest=True) == [6, 5, 4, 3, 2, 1, 0]
    assert await versions(after=1, up_to=4, limit=2) == [2, 3]
    assert await versions(after=1, up_to=4, limit=2, latest=True) == [4, 3]
    assert await versions(after=6) == await versions(limit=0) == []
    assert await store.stream(uuid4(), latest=True, limit=1) == []


LOGS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=25)
CHOSEN = st.builds(
    Chosen, st.sampled_from([None, *SLUGS, "nowhere"]), st.lists(st.sampled_from([*TOPICS, "no.such.v1"]), max_size=4).map(tuple)
)
POSITIONS = st.integers(-1, 0) | st.integers(0, 30)
ASKED = st.tuples(POSITIONS, st.integers(1, 7), st.none() | POSITIONS, CHOSEN)


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(log=LOGS, questions=st.lists(ASKED, min_size=1, max_size=8))
def test_both_stores_give_the_same_pages_of_every_log(
    servers: Servers, log: list[tuple[int, int]], questions: list[tuple[int, int, int | None, Chosen]]
) -> None:
    memory, postgresql = asyncio.run(_paged(servers, log, questions))
    assert postgresql == memory


async def _paged(
    servers: Servers, log: list[tuple[int, int]], questions: list[tuple[int, int, int | None, Chosen]]
) -> tuple[list[Any], list[Any]]:
    connected = await PostgresStore.connect((await migrated(servers)).service_url, connections=2)
    stores: tuple[EventStore, EventStore] = (MemoryStore(), connected)
    try:
        for store in stores:
            await fill(store, log)
        memory, postgresql = [[await _pages(store, *question) for question in questions] for store in stores]
    finally:
        await connected.close()
    return memory, postgresql


async def _pages(store: EventStore, after: int, limit: int, up_to: int | None, chosen: Chosen) -> list[Any]:
    return [
        [(entry.id, entry.originator_version, entry.topic, entry.state, entry.consultation) for entry in page]
        async for page in store.pages(after, limit=limit, up_to=up_to, chosen=chosen)
    ]


# Fetching ahead


class Watched(PostgresStore):
    """Says which pages it has been asked for, and fails or waits where told to."""

    asked: list[int]
    fail_after: int | None = None
    gate: asyncio.Event | None = None

    async def page(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> list[Entry]:
        self.asked.append(after)
        if self.gate is not None and after:
            await self.gate.wait()
        if self.fail_after is not None and after >= self.fail_after:
            raise Unavailable("PostgreSQL is away: told to be")
        return await super().page(after, limit=limit, up_to=up_to, chosen=chosen)


@pytest.fixture
async def watched(servers: Servers) -> AsyncIterator[Watched]:
    store = await Watched.connect((await migrated(servers)).service_url)
    assert isinstance(store, Watched)
    store.asked = []
    await fill(store, [(0, 0)] * 10)
    yield store
    await store.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0)


async def test_the_next_page_is_fetched_while_the_caller_works_on_the_one_before(watched: Watched) -> None:
    async with aclosing(watched.pages(limit=4)) as pages:
        assert ids(await anext(pages)) == [1, 2, 3, 4]
        await until(lambda: watched.asked == [0, 4])  # though nobody has asked for it yet
        assert ids(await anext(pages)) == [5, 6, 7, 8]
        await until(lambda: watched.asked == [0, 4, 8])
        assert ids(await anext(pages)) == [9, 10]
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
    assert watched.asked == [0, 4, 8]  # a page that is not full is the last


async def test_at_most_one_page_is_fetched_ahead(watched: Watched) -> None:
    async with aclosing(watched.pages(limit=2)) as pages:
        await anext(pages)
        await watched.head()
        await watched.head()
        assert watched.asked == [0, 2]


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "abandoned"])
async def test_leaving_early_leaves_no_task_and_no_connection_in_use(watched: Watched, closed: bool) -> None:
    watched.gate = asyncio.Event()
    before = asyncio.all_tasks()
    pages = watched.pages(limit=2)
    assert ids(await anext(pages)) == [1, 2]
    assert len(asyncio.all_tasks() - before) == 1
    if closed:
        await pages.aclose()
        assert asyncio.all_tasks() == before
    del pages
    gc.collect()
    await until(lambda: asyncio.all_tasks() <= before)
    watched.gate = None
    assert await asyncio.gather(*(watched.head() for _ in range(8))) == [10] * 8


async def test_pages_that_nobody_begins_fetch_nothing(watched: Watched) -> None:
    before = asyncio.all_tasks()
    pages = watched.pages()
    await asyncio.sleep(0)
    await pages.aclose()
    assert (asyncio.all_tasks(), watched.asked) == (before, [])


async def test_an_error_while_fetching_ahead_reaches_the_caller_after_the_pages_before_it(watched: Watched) -> None:
    watched.fail_after = 4
    async with aclosing(watched.pages(limit=2)) as pages:
        assert ids(await anext(pages)) == [1, 2]
        assert ids(await anext(pages)) == [3, 4]
        await until(lambda: watched.asked == [0, 2, 4])  # it has failed by now
        with pytest.raises(Unavailable, match="told to be"):
            await anext(pages)


async def test_an_error_while_fetching_ahead_is_no_warning_for_a_caller_who_has_left(watched: Watched) -> None:
    watched.fail_after = 1
    async with aclosing(watched.pages(limit=2)) as pages:
        await anext(pages)
        await until(lambda: watched.asked == [0, 2])
        await asyncio.sleep(0)
    gc.collect()


async def test_a_cancelled_caller_leaves_no_task(watched: Watched) -> None:
    watched.gate = asyncio.Event()
    before = asyncio.all_tasks()

    async def read() -> None:
        async with aclosing(watched.pages(limit=2)) as pages:
            async for _ in pages:
                pass

    reading = asyncio.create_task(read())
    await until(lambda: watched.asked == [0, 2])
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert asyncio.all_tasks() == before


async def test_positions_beyond_the_end_give_nothing_until_they_are_written(postgresql: PostgresStore) -> None:
    assert await postgresql.page(5) == []
    await fill(postgresql, [(0, 0)] * 7)
    assert ids(await postgresql.page(5)) == [6, 7]


# A large log

FILL: Final = """
INSERT INTO registre.events (position, stream, version, topic, state, consultation, recorded_at)
SELECT n, md5((n / 10)::text)::uuid, n % 10,
    CASE WHEN n % 10000 = 7 THEN 'noun.rare.v1' WHEN n % 3 = 0 THEN 'noun.often.v1' ELSE 'noun.usual.v1' END, '\\x7b7d',
    CASE WHEN n % 20000 = 9 THEN 'rare' WHEN n % 2 = 0 THEN 'half' ELSE 'usual' END, '2026-01-01Z'::timestamptz + n * interval '1 second'
FROM generate_series(1, 200000) AS n
"""
LAST: Final = 2**62
STREAM: Final = "md5('12345')::uuid"
PLANS: Final = {
    "stream": [(f"{STREAM}, -1, 2147483647, NULL", 10), (f"{STREAM}, 3, 5, 1", 1)],
    "streams": [(f"ARRAY[{STREAM}]", 10), (f"ARRAY[{STREAM}, md5('99')::uuid, md5('none')::uuid]", 20)],
    "latest_of_stream": [(f"{STREAM}, -1, 2147483647, 1", 1), (f"{STREAM}, -1, 2147483647, NULL", 10)],
    "page": [(f"150000, {LAST}, 1000", 1_000), (f"0, {LAST}, 1000", 1_000), ("150000, 150010, 1000", 10)],
    "page_of_consultation": [
        (f"0, {LAST}, 1000, 'rare'", 10),
        (f"0, {LAST}, 1000, 'usual'", 1_000),
        (f"150000, {LAST}, 1000, 'half'", 1_000),
        (f"0, {LAST}, 1000, 'none'", 0),
    ],
    "page_of_topics": [
        (f"0, {LAST}, 1000, '{{noun.rare.v1}}'", 20),
        (f"150000, {LAST}, 1000, '{{noun.rare.v1,noun.often.v1}}'", 1_000),
        (f"0, {LAST}, 1000, '{{noun.none.v1}}'", 0),
    ],
    "page_of_topics_in_consultation": [
        (f"0, {LAST}, 1000, '{{noun.usual.v1,noun.often.v1}}', 'rare'", 10),
        (f"0, {LAST}, 1000, '{{noun.rare.v1}}', 'usual'", 20),
        (f"0, {LAST}, 1000, '{{noun.usual.v1}}', 'half'", 1_000),
        (f"150000, {LAST}, 1000, '{{noun.often.v1,noun.rare.v1}}', 'usual'", 1_000),
        (f"0, {LAST}, 1000, '{{noun.rare.v1}}', 'none'", 0),
    ],
}
"""For each query its arguments, and the rows that it gives."""
SLACK: Final = 6
"""A query may look at so many rows for each that it gives back or, of a small answer, of one page."""


@pytest.fixture(scope="module")
async def logs(servers: Servers) -> AsyncIterator[dict[str, "asyncpg.Connection[Any]"]]:
    """Sessions of the service on logs of 200,000 events, in which a consultation has 10 of them and a topic 20.

    One log has statistics, the other is as it was before anybody took any.
    """
    async with AsyncExitStack() as stack:
        yield {name: await _large(stack, servers, statistics) for name, statistics in STATISTICS.items()}


STATISTICS: Final = {"analysed": "ANALYZE registre.events", "fresh": "SELECT"}


async def _large(stack: AsyncExitStack, servers: Servers, statistics: str) -> "asyncpg.Connection[Any]":
    database = await migrated(servers)
    owner = await asyncpg.connect(database.owner_url)
    stack.push_async_callback(owner.close)
    for statement in ("ALTER TABLE registre.events SET (autovacuum_enabled = false)", FILL, statistics):
        await owner.execute(statement)
    connection = await asyncpg.connect(database.service_url, statement_cache_size=0, server_settings=session("registre-tests"))
    stack.push_async_callback(connection.close)
    return connection


def test_every_query_that_reads_events_is_explained() -> None:
    assert set(PLANS) == {name for name, query in SQL.items() if re.search(r"\bregistre\.events\b", query)}


@pytest.mark.parametrize("moment", ["2026-01-02Z", "1999-01-01Z", "2999-01-01Z"])
async def test_a_moment_is_found_by_a_few_look_ups(logs: "dict[str, asyncpg.Connection[Any]]", moment: str) -> None:
    plan = await explained(logs["analysed"], "position_at", f"'{moment}'", "auto")
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20 * 12


async def explained(connection: "asyncpg.Connection[Any]", name: str, arguments: str, mode: str) -> dict[str, Any]:
    """The plan of a prepared statement, as the driver prepares each of ours, carried out."""
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE asked AS {SQL[name]}")
    try:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE asked({arguments})")
    finally:
        await connection.execute("DEALLOCATE asked")
    plan: dict[str, Any] = json.loads(told)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def looked_at(plan: dict[str, Any]) -> float:
    """Rows of the log that were looked at, given back or not."""
    return float(
        sum(
            node["Actual Loops"]
            * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
            for node in nodes(plan)
            if node.get("Relation Name") == "events"
        )
    )


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan", "auto"])
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize(("name", "arguments", "rows"), [(name, *each) for name, asked in PLANS.items() for each in asked])
async def test_no_query_reads_more_of_a_large_log_than_its_answer(
    logs: dict[str, "asyncpg.Connection[Any]"], statistics: str, mode: str, name: str, arguments: str, rows: int
) -> None:
    plan = await explained(logs[statistics], name, arguments, mode)
    scans = {node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == "events"}
    assert plan["Actual Rows"] == rows
    assert "Seq Scan" not in scans
    assert not any(node["Node Type"] in {"Bitmap Heap Scan", "BitmapAnd"} and node["Actual Rows"] > 5_000 for node in nodes(plan))
    budget = SLACK * max(rows, 1_000) if name == "page_of_topics_in_consultation" else SLACK * max(rows, 10)
    assert looked_at(plan) <= budget, json.dumps(plan, indent=1)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 6 * budget


@pytest.mark.parametrize("after", [0, 100_000, 199_000])
async def test_a_page_costs_the_same_wherever_it_stands(logs: dict[str, "asyncpg.Connection[Any]"], after: int) -> None:
    plan = await explained(logs["analysed"], "page", f"{after}, {LAST}, 1000", "force_generic_plan")
    assert looked_at(plan) == 1_000
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 40
