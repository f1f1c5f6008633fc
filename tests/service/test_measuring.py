"""Measures are computed in turns: nothing that is asked for, and no consultation that cannot be computed, keeps the others waiting."""

import asyncio
from uuid import uuid4

import pytest

from domain.contribution import Kept
from projections.treatment.measures import views
from service import measuring
from service.computing import every_wanted
from service.measuring import Measuring
from service.upkeep import Opened
from tests.projections.conftest import world as world  # noqa: PLC0414 - a fixture is found by its name in this module
from tests.projections.histories import SLUG, World


async def test_rounds_go_on_while_what_is_asked_for_cannot_be_computed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "AGAIN_S", 0.0)
    monkeypatch.setattr(measuring, "LOOK_S", 0.0)
    await world.consultation()
    await world.show("treatment")
    assert await views.want(world.pool, SLUG, 1, 1) == "awaited"
    computed: list[str] = []
    turns = asyncio.Event()

    async def compute(what: str, *_: str) -> bool:
        computed.append(what)
        if computed.count("wanted") > 1 and computed.count(SLUG) > 1:
            turns.set()
        await asyncio.sleep(0)
        return what != "wanted"

    running = asyncio.create_task(Measuring(world.pool, 0.001, compute).run())
    await asyncio.wait_for(turns.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_history_that_cannot_be_computed_stands_aside_for_the_others(world: World) -> None:
    await world.consultation()
    await world.consultation("autre")
    await world.append(uuid4(), Kept("mona"), slug="autre")
    for slug in ("autre", SLUG):
        assert await views.want(world.pool, slug, await views.last_before(world.pool, slug, 2**62), 2) == "awaited"
    await every_wanted(Opened(world.store, world.pool, world.sealer))
    assert await views.next_wanted(world.pool) is None
    assert await views.latest(world.pool, SLUG, "public") is not None
    assert await views.latest(world.pool, "autre", "public") is None
    assert await views.want(world.pool, "autre", await world.store.head(), 1) == "aside"
