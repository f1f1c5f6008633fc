"""Reading a log of millions: replay from the first event, and what a page costs. `python -m tests.bench.reading URL EVENTS` replays alone."""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import aclosing
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import asyncpg
import uvloop

from adapters.postgres.store import PostgresStore
from adapters.records import recorded
from adapters.store import EVERYTHING, Chosen
from domain import contribution
from domain.record import CODEC, topic
from service.collecting import collect_rarely
from tests.bench.lives import EVENTS_A_LIFE, LIVES, life
from tests.bench.serving import SQL
from tests.servers import Database

SMALL: Final = 1_000
PAGE: Final = 1_000
REPLAY_PAGE: Final = 2_000
"""As a projection that is built anew reads."""
READS: Final = 40
CHOSEN: Final = {
    "page": EVERYTHING,
    "of a consultation": Chosen(consultation="culture"),
    "of two topics": Chosen(topics=("contribution.kept.v1", "contribution.coded.v1")),
    "of both": Chosen(consultation="rare", topics=("contribution.submitted.v1",)),
}


async def fill(owner_url: str, events: int) -> None:
    """Fill an empty log on the server, as its owner: the rows that appending these lives would have left."""
    lives = [
        (number, version, topic(event), CODEC.encode(event))
        for number in range(LIVES)
        for version, event in enumerate(life(number), 1)
    ]
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(SQL["lives"])
        await connection.copy_records_to_table("lives", records=lives)
        await connection.execute(SQL["without_streams"])
        await connection.execute(SQL["fill"], events, LIVES, EVENTS_A_LIFE)
        await connection.execute(SQL["with_streams"])
        await connection.execute(SQL["move_head"], events)
        await connection.execute(SQL["settle"])
    finally:
        await connection.close()


async def checkpoint(superuser_url: str) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(SQL["checkpoint"])
    finally:
        await connection.close()


async def replay(url: str, events: int) -> dict[str, Any]:
    """Read, decode to the closed union, fold through `evolve`, and keep the state of every contribution."""
    store = await PostgresStore.connect(url, connections=2)
    states: dict[UUID, contribution.State] = {}
    evolve = contribution.evolve
    began, count = time.perf_counter(), 0
    try:
        async with aclosing(store.pages(limit=REPLAY_PAGE, up_to=events)) as pages:
            async for entries in pages:
                count += len(entries)
                for entry in entries:
                    event = recorded(entry)
                    states[event.stream] = evolve(states.get(event.stream), event.event)  # type: ignore[arg-type]  # the log holds lives alone
    finally:
        await store.close()
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"events": count, "contributions": len(states), "per_s": count / seconds, "peak_mb": peak_mb}


def replayed(url: str, events: int) -> dict[str, Any]:
    """The same in a process of its own, so that its memory is its own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.reading", url, str(events)], check=True, stdout=subprocess.PIPE, timeout=300
    )
    return cast("dict[str, Any]", json.loads(told.stdout))


class Paged(NamedTuple):
    events: int
    """As many as the small log holds of those that are chosen: a page of the large one asks for no more."""
    small_ms: float
    large_ms: float


async def pages(small: Database, large: Database, events: int) -> dict[str, Paged]:
    """The medians of a page from the small and from the large log, read in turns, by what is chosen."""
    few, many = [await PostgresStore.connect(database.service_url, connections=1) for database in (small, large)]
    try:
        return {name: await _alternating(few, many, events, chosen) for name, chosen in CHOSEN.items()}
    finally:
        await few.close()
        await many.close()


async def _alternating(small: PostgresStore, large: PostgresStore, events: int, chosen: Chosen) -> Paged:
    found = len(await small.page(limit=PAGE, chosen=chosen))
    times: dict[PostgresStore, list[float]] = {small: [], large: []}
    for number in range(READS):
        for store, taken in times.items():
            # In the large log from ever other places, as readers who come back ask for.
            after = 0 if store is small else (number * 7_919 * PAGE) % (events * 9 // 10)
            began = time.perf_counter()
            page = await store.page(after, limit=found, chosen=chosen)
            taken.append(time.perf_counter() - began)
            if len(page) != found:
                raise RuntimeError(f"asked for {found} events after {after}, found {len(page)}")
    return Paged(found, statistics.median(times[small]) * 1_000, statistics.median(times[large]) * 1_000)


if __name__ == "__main__":
    collect_rarely()  # as the worker and `registre rebuild` do
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(replay(sys.argv[1], int(sys.argv[2])))))
