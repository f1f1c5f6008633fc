"""Followers beside writers of two processes: what did a follower miss? `python -m tests.bench.following URL WRITERS SECONDS` is the other process."""

import asyncio
import json
import sys
import time
from contextlib import aclosing
from typing import Final, NamedTuple, cast
from uuid import uuid4

import asyncpg
import uvloop

from adapters.postgres.store import PostgresStore
from tests.bench.serving import SQL
from tests.bench.turns import fresh
from tests.servers import Database

FOLLOWERS: Final = 3
PATIENCE_S: Final = 10.0
"""How long a follower may stand still before whatever it has not seen counts as skipped: being late is told apart, as `catch_up_s`."""
BOUND_S: Final = 120.0


class Followed(NamedTuple):
    skipped: int
    """Acknowledged positions that a follower who began before them never saw, or saw out of order."""
    gaps: int
    """Positions that the log does not hold."""
    acknowledged: int
    catch_up_s: float
    """From the last acknowledged append until every follower had seen the head."""


async def followed(database: Database, writers: int, seconds: float) -> Followed:
    """Write from this process and from another, half of the writers each, while followers tail from where the log stood."""
    store = await PostgresStore.connect(database.service_url)
    try:
        begins = await store.head()
        seen: list[list[int]] = [[] for _ in range(FOLLOWERS)]
        following = [asyncio.create_task(_follow(store, begins, positions)) for positions in seen]
        elsewhere, here = await asyncio.gather(
            _written_elsewhere(database.service_url, writers // 2, seconds), _write(store, writers - writers // 2, seconds)
        )
        head = await store.head()
        catch_up_s = await _until_seen(seen, head)
        for task in following:
            task.cancel()
        acknowledged = sorted([*here, *elsewhere])
        skipped = sum(len(set(acknowledged) - set(positions)) + (positions != sorted(set(positions))) for positions in seen)
        return Followed(skipped, await _gaps(database), len(acknowledged), catch_up_s)
    finally:
        await store.close()


async def _follow(store: PostgresStore, after: int, positions: list[int]) -> None:
    async with aclosing(store.follow(after)) as batches:  # type: ignore[type-var]  # the port promises less than the generator that it is
        async for entries in batches:
            positions.extend(entry.id for entry in entries)


async def _until_seen(seen: list[list[int]], head: int) -> float:
    """Seconds until all had seen the head. Whoever skipped the last event of all is waited for in vain, and counted."""
    began = moved = time.monotonic()
    reached: list[int] = []
    while not all(positions and positions[-1] >= head for positions in seen):
        now = time.monotonic()
        if reached != (reached := [len(positions) for positions in seen]):
            moved = now
        if now - moved > PATIENCE_S or now - began > BOUND_S:
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def _write(store: PostgresStore, writers: int, seconds: float) -> list[int]:
    """The positions that were acknowledged."""
    acknowledged: list[int] = []
    deadline = asyncio.get_running_loop().time() + seconds

    async def write() -> None:
        while asyncio.get_running_loop().time() < deadline:
            acknowledged.extend(await store.append([fresh(uuid4())]))

    await asyncio.gather(*(write() for _ in range(writers)))
    return acknowledged


async def _written_elsewhere(url: str, writers: int, seconds: float) -> list[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.following", url, str(writers), str(seconds), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the other process ended with {process.returncode}")
    return cast("list[int]", json.loads(told))


async def _gaps(database: Database) -> int:
    connection = await asyncpg.connect(database.owner_url)
    try:
        return int(await connection.fetchval(SQL["gaps"]))
    finally:
        await connection.close()


async def _elsewhere(url: str, writers: int, seconds: float) -> list[int]:
    store = await PostgresStore.connect(url)
    try:
        return await _write(store, writers, seconds)
    finally:
        await store.close()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_elsewhere(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
