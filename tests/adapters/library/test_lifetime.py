"""Threads and connections of the recorders: made once, let go, made anew in a forked process."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import asyncpg
import pytest
from eventsourcing.persistence import (
    InterfaceError,
    MapperDeserialisationError,
    Notification,
    OperationalError,
    ProgrammingError,
    StoredEvent,
)

from adapters.embedded import DataFolder, Servers
from adapters.library import Factory, StructMapper
from adapters.library.recorders import LogApplicationRecorder
from tests.servers import fresh_database

WAIT_S = 10.0
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
FORKS = Path(__file__).with_name("forking.py")


@pytest.fixture
async def url(servers: Servers) -> str:
    return (await fresh_database(servers)).owner_url


def loops() -> set[Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("registre-library")}


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def connected(url: str) -> int:
    """Connections to the database, but for the one that asks."""

    async def asked() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(OTHERS))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asked()).result()


def write(recorder: LogApplicationRecorder) -> list[int]:
    return list(recorder.insert_events([StoredEvent(uuid4(), 1, "a:Topic", b"")]) or [])


def test_closing_leaves_no_thread_and_no_connection(url: str) -> None:
    before = loops()
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    recorder = factory.application_recorder()
    write(recorder)
    with recorder.subscribe() as subscription:
        assert next(subscription).id == 1
        assert connected(url) >= 2
    unfinished = recorder.subscribe()
    assert next(unfinished).id == 1
    factory.close()
    factory.close()
    assert loops() == before
    assert eventually(lambda: connected(url) == 0)
    with pytest.raises(InterfaceError):
        recorder.max_notification_id()
    with pytest.raises(StopIteration):
        next(unfinished)


def test_a_recorder_outlives_its_factory_and_nothing_outlives_both(url: str) -> None:
    before = loops()
    recorder = Factory({"REGISTRE_DATABASE_URL": url}).application_recorder()
    gc.collect()
    assert write(recorder) == [1]
    subscription = recorder.subscribe()
    del recorder
    gc.collect()
    assert next(subscription).id == 1
    del subscription
    gc.collect()
    assert eventually(lambda: loops() <= before)
    assert eventually(lambda: connected(url) == 0)


async def test_a_factory_is_collected_on_an_event_loop_without_stopping_it(url: str) -> None:
    before = loops()

    def use() -> None:
        write(Factory({"REGISTRE_DATABASE_URL": url}).application_recorder())

    kept: list[LogApplicationRecorder] = []
    await asyncio.to_thread(lambda: kept.append(Factory({"REGISTRE_DATABASE_URL": url}).application_recorder()))
    await asyncio.to_thread(use)
    await asyncio.to_thread(write, kept[0])
    kept.clear()
    gc.collect()
    assert await asyncio.to_thread(eventually, lambda: loops() <= before)
    assert await asyncio.to_thread(connected, url) == 0


async def test_a_call_from_an_event_loop_is_refused(url: str) -> None:
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    with pytest.raises(ProgrammingError, match="never called from an event loop"):
        factory.application_recorder().max_notification_id()
    factory.close()


def test_many_threads_share_one_loop_from_the_first_call(url: str) -> None:
    for _ in range(5):
        before = loops()
        factory = Factory({"REGISTRE_DATABASE_URL": url})
        recorder, together = factory.application_recorder(), Barrier(16)

        def first(recorder: LogApplicationRecorder = recorder, together: Barrier = together) -> list[int]:
            together.wait(WAIT_S)
            return write(recorder)

        with ThreadPoolExecutor(16) as threads:
            written = [each.result(WAIT_S) for each in [threads.submit(first) for _ in range(16)]]
        assert len(loops() - before) == 1
        factory.close()
        assert loops() == before
        assert len({position for positions in written for position in positions}) == 16
    assert eventually(lambda: connected(url) == 0)


def test_closing_under_the_hands_of_many_threads_answers_each_of_them(url: str) -> None:
    before = loops()
    for _ in range(10):
        factory = Factory({"REGISTRE_DATABASE_URL": url})
        recorder, together = factory.application_recorder(), Barrier(9)

        def busy(recorder: LogApplicationRecorder = recorder, together: Barrier = together) -> None:
            together.wait(WAIT_S)
            while True:
                write(recorder)

        with ThreadPoolExecutor(8) as threads:
            working = [threads.submit(busy) for _ in range(8)]
            together.wait(WAIT_S)
            factory.close()
            errors = [each.exception(WAIT_S) for each in working]
        assert all(isinstance(error, InterfaceError | OperationalError) for error in errors), errors
        assert loops() == before
    assert eventually(lambda: connected(url) == 0)


def test_a_subscriber_that_waits_ends_with_the_recorders(url: str) -> None:
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    seen: list[Notification] = []
    subscription = factory.application_recorder().subscribe()
    subscriber = Thread(target=lambda: seen.extend(subscription))
    subscriber.start()
    write(factory.application_recorder())
    assert eventually(lambda: len(seen) == 1)
    factory.close()
    subscriber.join(WAIT_S)
    assert not subscriber.is_alive()


def test_leaving_a_subscription_while_another_thread_waits_in_it_leaves_no_connection(url: str) -> None:
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    recorder = factory.application_recorder()
    write(recorder)
    standing = connected(url)
    for _ in range(20):
        reading: list[Notification] = []
        with recorder.subscribe() as subscription:
            subscriber = Thread(target=lambda subscription=subscription, reading=reading: reading.extend(subscription))
            subscriber.start()
            assert eventually(lambda reading=reading: bool(reading))  # type: ignore[misc]  # the type of a default is not inferred
        subscriber.join(WAIT_S)
        assert not subscriber.is_alive()
    assert eventually(lambda: connected(url) <= standing + 1)
    factory.close()


async def test_a_database_that_is_down_at_the_first_call_is_used_once_it_is_up(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        try:
            await servers.postgres.stop()
            factory = Factory({"REGISTRE_DATABASE_URL": servers.migration_url})
            recorder = factory.application_recorder()
            for _ in range(2):
                with pytest.raises(OperationalError):
                    await asyncio.to_thread(recorder.max_notification_id)
            await servers.postgres.start()
            assert await asyncio.to_thread(write, recorder) == [1]
            await servers.postgres.stop()
            with pytest.raises(OperationalError):
                await asyncio.to_thread(recorder.max_notification_id)
            await asyncio.to_thread(factory.close)
        finally:
            await servers.stop()


@pytest.mark.parametrize("ending", ["exit", "_exit"])
def test_a_forked_process_has_connections_of_its_own_and_leaves_those_of_its_parent(url: str, ending: str) -> None:
    forked = subprocess.run([sys.executable, FORKS, url, ending], capture_output=True, text=True, timeout=60, check=False)
    assert (forked.returncode, forked.stdout.split(), forked.stderr) == (0, ["[2]", "0", "[3]"], "")


def test_the_interpreter_ends_though_nobody_has_closed(url: str) -> None:
    script = (
        "from adapters.library import Factory\n"
        f"recorder = Factory({{'REGISTRE_DATABASE_URL': {url!r}}}).application_recorder()\n"
        "print(recorder.max_notification_id())\n"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "None", "")
    assert eventually(lambda: connected(url) == 0)


def test_the_mapper_keeps_the_consultation_of_what_it_reads(url: str) -> None:
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    recorder, mapper = factory.application_recorder(), StructMapper()
    stream = uuid4()
    kept = StoredEvent(stream, 1, "contribution.kept.v1", b'{"type":"contribution.kept.v1","reviewer":"moderator-1"}')
    fact = mapper.to_domain_event(kept)
    moved = type(fact)(fact.originator_id, fact.originator_version, fact.event, "culture")
    recorder.insert_events([mapper.to_stored_event(moved)])
    assert mapper.to_domain_event(recorder.select_events(stream)[0]) == moved
    assert mapper.to_domain_event(recorder.select_notifications(1, 1)[0]) == moved
    factory.close()


def test_an_event_that_the_mapper_cannot_read_is_named_with_its_position(url: str) -> None:
    factory = Factory({"REGISTRE_DATABASE_URL": url})
    recorder, stream = factory.application_recorder(), uuid4()
    recorder.insert_events([StoredEvent(stream, 1, "contribution.sung.v9", b"{}")])
    with pytest.raises(MapperDeserialisationError, match=f"^position 1, stream {stream}, version 1: unknown topic"):
        StructMapper().to_domain_event(recorder.select_notifications(1, 1)[0])
    factory.close()
