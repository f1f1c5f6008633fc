"""The runner: every event once, across crashes, restarts and a second runner; aloud where it cannot go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar
from uuid import uuid4

import pytest

from adapters.postgres.pool import server_may_be_away
from adapters.processors import Pace
from adapters.store import Draft, Unavailable
from domain import contribution
from domain.contribution import Submitted
from domain.record import Recorded
from projections import building
from projections.building import NAMES
from projections.runner import TRACKING, Overtaken, Projection, Runner, Stopped, apply, wait_for
from projections.themes import views
from projections.themes.projection import Connection, Themes
from tests.projections.histories import SLUG, World

T = TypeVar("T")

WAIT_S = 20.0
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@asynccontextmanager
async def running(world: World, *projections: Projection) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(Runner(world.store, world.pool, each).run()) for each in projections]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


async def ready(world: World) -> list[Projection]:
    every = list(building.projections(world.sealer).values())
    for projection in every:
        await building.ensure(world.store, world.pool, projection)
    return every


async def received(world: World) -> int:
    return sum(theme.received for theme in await views.themes(world.pool, SLUG))


async def test_what_runs_equals_what_is_rebuilt(world: World) -> None:
    async with running(world, *await ready(world)):
        await world.life()
        head = await world.store.head()
        assert all([await wait_for(world.pool, name, head, WAIT_S) for name in NAMES])
        lived = await world.digests()
    for name, projection in building.projections(world.sealer).items():
        async with building.replayed(world.store, world.pool, projection, head) as schema:
            assert await building.digest(world.pool, schema) == lived[name]


async def test_a_follower_that_lets_writers_go_first_goes_on_when_somebody_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "pause_s", lambda *_: 10 * WAIT_S)
    await world.consultation()
    projection, *_ = await ready(world)
    async with running(world, projection):
        behind = await world.store.head()
        stream = await world.deposit("Un texte")
        assert await wait_for(world.pool, projection.name, behind + 1, WAIT_S)
        await world.keep(stream)
        head = await world.store.head()
        assert await wait_for(world.pool, projection.name, head, WAIT_S)


class CrashError(Exception):
    """The process died here."""


class Crashing(Themes):
    """Dies once its tables have moved, before the transaction ends."""

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        await super().apply(connection, batch)
        raise CrashError


async def test_a_crash_inside_a_batch_leaves_no_trace_and_loses_nothing(world: World) -> None:
    await world.consultation()
    before = await world.show("themes")
    for _ in range(3):
        await world.deposit("Un texte")
    with pytest.raises(CrashError):
        await Runner(world.store, world.pool, Crashing(world.sealer)).run()
    assert await world.pool.fetchval(TRACKING["tracked"], "themes") == before
    assert await received(world) == 0
    async with running(world, Themes(world.sealer)):
        assert await wait_for(world.pool, "themes", await world.store.head(), WAIT_S)
    assert await received(world) == 3


async def test_a_page_is_never_applied_twice(world: World) -> None:
    await world.consultation()
    before = await world.show("themes")
    await world.deposit("Un texte")
    page, themes = await world.store.page(before), Themes(world.sealer)
    assert await apply(world.pool, themes, "themes", before, page) == before + 1
    with pytest.raises(Overtaken):
        await apply(world.pool, themes, "themes", before, page)
    assert await received(world) == 1


async def test_two_runners_of_one_read_model_count_each_deposit_once(world: World) -> None:
    await world.consultation()
    await world.show("themes")
    async with running(world, Themes(world.sealer), Themes(world.sealer)):
        for _ in range(20):
            await world.deposit("Un texte")
        assert await wait_for(world.pool, "themes", await world.store.head(), WAIT_S)
    assert await received(world) == 20


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """Until it answers: the pool may still hold connections that the server has ended."""
    while True:
        with suppress(Unavailable):
            async with server_may_be_away():
                return await call()


async def test_lost_connections_interrupt_nothing_for_good(world: World) -> None:
    await world.consultation()
    async with running(world, *await ready(world)) as tasks:
        for _ in range(3):
            with suppress(Unavailable):
                await world.deposit("Un texte")
            await again(lambda: world.pool.execute(ENDED))
        head = await again(world.store.head)
        for name in NAMES:
            assert await again(partial(wait_for, world.pool, name, head, WAIT_S))
        assert not any(task.done() for task in tasks)
        assert await again(lambda: received(world)) == head - 12


async def test_a_rebuild_under_a_running_runner_goes_unnoticed(world: World) -> None:
    await world.consultation()
    await world.show("themes")
    async with running(world, Themes(world.sealer)) as (task,):
        for number in range(10):
            await world.deposit("Un texte")
            if number % 3 == 0:
                await building.rebuild(world.store, world.pool, Themes(world.sealer))
        assert await wait_for(world.pool, "themes", await world.store.head(), WAIT_S)
        assert not task.done()
    assert await received(world) == 10


async def test_an_unknown_topic_stops_the_runner_and_names_its_position(world: World) -> None:
    await world.consultation()
    await world.show("themes")
    await world.deposit("Avant")
    (position,) = await world.store.append([Draft(uuid4(), 1, "contribution.sung.v9", b"{}", SLUG)])
    with pytest.raises(Stopped, match=rf"themes stopped before position {position}: unknown topic 'contribution\.sung\.v9'"):
        await Runner(world.store, world.pool, Themes(world.sealer)).run()


async def test_bytes_that_are_not_of_their_topic_stop_the_runner(world: World) -> None:
    await world.consultation()
    await world.show("outcomes")
    (position,) = await world.store.append([Draft(uuid4(), 1, "contribution.kept.v1", b'{"reviewer":1}', SLUG)])
    with pytest.raises(Stopped, match=f"before position {position}") as stopped:
        await Runner(world.store, world.pool, building.projections(world.sealer)["outcomes"]).run()
    assert stopped.value.position == position


@pytest.mark.parametrize("name", ["themes", "treatment", "outcomes"])
async def test_an_event_that_cannot_follow_stops_the_runner_at_its_own_position(world: World, name: str) -> None:
    await world.consultation()
    await world.show(name)
    stream = await world.deposit("Un texte")
    await world.keep(stream)
    position = await world.append(stream, contribution.Kept("moderator-2"))
    await world.deposit("Après")
    with pytest.raises(Stopped, match="Kept cannot follow Cleared") as stopped:
        await Runner(world.store, world.pool, building.projections(world.sealer)[name]).run()
    assert stopped.value.position == position


async def test_a_second_deposit_in_one_stream_cannot_follow(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    promise, sealed = await world.seal(stream, 2, Submitted, text="Un autre")
    event = Submitted(SLUG, "data", 1, "web", "", "fr", 8, False, False, b"", promise[::-1], sealed)
    position = await world.append(stream, event)
    with pytest.raises(Stopped) as stopped:
        await world.show("themes")
    assert stopped.value.position == position


async def test_waiting_ends_when_the_position_is_reached_or_the_time_is_up(world: World) -> None:
    await world.consultation()
    head = await world.show("themes")
    assert await wait_for(world.pool, "themes", head, 0.0)
    assert not await wait_for(world.pool, "themes", head + 1, 0.0)
    assert not await wait_for(world.pool, "nothing", 1, 0.0)
    waiting = asyncio.create_task(wait_for(world.pool, "themes", head + 1, WAIT_S))
    await world.deposit("Un texte")
    await world.show("themes")
    assert await waiting
