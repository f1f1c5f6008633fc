"""PostgreSQL is killed again and again while many write: nothing acknowledged is lost, nothing is doubled, nothing is skipped."""

import random
import secrets
import statistics
import time
from pathlib import Path
from typing import Final

import psutil
import pytest

from adapters.embedded import DataFolder, Servers
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from tests.adapters.proving import head_passes, load, proven

KILLS: Final = 25
AGAIN_S: Final = 10.0


def kill_all(pid: int) -> None:
    """SIGKILL to a server and to every process of it, at once; returns when none is left."""
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.kill()
    assert not psutil.wait_procs(processes[1:], timeout=10)[1]


async def killed_and_started(servers: Servers, store: PostgresStore) -> tuple[float, float]:
    """Seconds from the kill until queries are answered, and from then until something new is recorded."""
    head, began = await store.head(), time.monotonic()
    pid = servers.postgres.pid
    assert pid is not None
    kill_all(pid)
    await servers.postgres.start()
    back = time.monotonic()
    await head_passes(store, max(head, await _head(store)))
    return back - began, time.monotonic() - back


async def _head(store: PostgresStore) -> int:
    """The head once the server can be asked: more than the last one seen may have been recorded before the kill."""
    await head_passes(store, -1)
    return await store.head()


@pytest.mark.torture
async def test_no_acknowledged_event_is_lost_however_often_the_server_is_killed(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance, times = random.Random(seed), list[tuple[float, float]]()
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        try:
            await migrate(servers.migration_url, service_role="registre")
            async with load(servers.database_url) as (store, under_way):
                under_way.follow_here(0)
                await under_way.follow(0)
                for number in range(2):
                    await under_way.write(f"process{number}", 12, seed)
                await under_way.follow(200)
                for _ in range(KILLS):
                    await head_passes(store, await _head(store) + chance.randrange(400))
                    times.append(await killed_and_started(servers, store))
                attempts, seen = await under_way.ended()
                proof = await proven(store, attempts, seen)
        finally:
            await servers.stop()
    starts, recoveries = zip(*times, strict=True)
    print(proof)
    print(f"{KILLS} kills; server back after {statistics.median(starts):.2f} s (most {max(starts):.2f}), ", end="")
    print(f"recording again {statistics.median(recoveries):.2f} s later (most {max(recoveries):.2f})")
    assert max(recoveries) < AGAIN_S
    assert proof.outcomes["acknowledged"] > 10 * KILLS
    assert proof.outcomes["uncertain"] > KILLS
