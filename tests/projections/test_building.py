"""Copies of read models: rebuilt beside the one in service, replayed to a position, equal to the last byte."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from domain import contribution
from domain.record import Recorded
from projections import building
from projections.building import NAMES
from projections.runner import TRACKING, Stopped
from projections.themes import views
from projections.themes.projection import Connection, Themes
from tests.projections.histories import SLUG, World

LAYOUT = "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1::text[]) OR nspname ~ '_next$|^scratch_' ORDER BY nspname"


async def schemas(world: World) -> list[str]:
    return [row["nspname"] for row in await world.pool.fetch(LAYOUT, list(NAMES))]


@pytest.mark.parametrize("page", [1, 3, 7])
async def test_a_rebuilt_read_model_equals_the_one_that_lived(world: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    await world.life()
    with monkeypatch.context() as patched:  # it lived by batches of another size
        patched.setattr(building, "PAGE", page)
        await world.show()
    live = await world.digests()
    assert len(set(live.values())) == len(NAMES)
    for projection in building.projections(world.sealer).values():
        assert await building.rebuild(world.store, world.pool, projection) == await world.store.head()
    assert await world.digests() == live
    assert await schemas(world) == sorted(NAMES)


async def test_a_replay_shows_what_was_shown_at_that_position(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    steps: list[Awaitable[object]] = [
        world.hide(stream),
        world.confirm(stream),
        world.appeal(stream),
        world.settle(stream, granted=True),
        world.read(stream, "reader-1", "access"),
        world.proposal(stream),
    ]
    shown: dict[int, dict[str, str]] = {}
    for step in steps:
        position = await world.show()
        shown[position] = await world.digests()
        await step
    assert len(shown) == len(steps)
    for position, digests in shown.items():
        for name, projection in building.projections(world.sealer).items():
            async with building.replayed(world.store, world.pool, projection, position) as schema:
                assert await building.digest(world.pool, schema) == digests[name], (position, name)
    assert await schemas(world) == sorted(NAMES)


async def test_the_digest_sees_a_single_changed_character(world: World) -> None:
    await world.life()
    await world.show("themes")
    before = await building.digest(world.pool, "themes")
    await world.pool.execute("UPDATE themes.contribution SET text = text || '.' WHERE text = 'Texte numéro 0'")
    assert await building.digest(world.pool, "themes") != before


async def test_a_dump_names_every_table_and_row(world: World) -> None:
    await world.life()
    await world.show("outcomes")
    dump = await building.dump(world.pool, "outcomes")
    assert {name: len(rows) for name, rows in dump.items()} == {
        "analysed_contribution": 12,
        "commitment": 2,
        "link": 2,
        "meeting": 1,
        "read_consultation": 1,
        "progress": 1,
        "proposal": 2,
    }


class Newer(Themes):
    version = 3  # type: ignore[misc]  # the next release


async def test_another_version_is_built_beside_the_one_in_service(world: World) -> None:
    await world.life()
    head = await world.show("themes")
    await building.ensure(world.store, world.pool, Newer(world.sealer))
    assert tuple(await world.pool.fetchrow(TRACKING["tracked"], "themes") or ()) == (head, 3)
    assert len(await views.themes(world.pool, SLUG)) == 2


async def test_a_rebuild_that_fails_leaves_the_one_in_service_alone(world: World) -> None:
    await world.life()
    await world.show("themes")
    live = await building.digest(world.pool, "themes")
    await world.append(uuid4(), contribution.Kept("moderator-1"))  # cannot follow nothing
    with pytest.raises(Stopped):
        await building.rebuild(world.store, world.pool, Themes(world.sealer))
    assert await building.digest(world.pool, "themes") == live
    assert (await schemas(world)) == ["themes", "themes_next"]
    assert await building.clean(world.pool) == ["themes_next"]
    assert await schemas(world) == ["themes"]


async def test_cleaning_spares_a_copy_that_is_in_use(world: World) -> None:
    await world.life()
    async with building.replayed(world.store, world.pool, Themes(world.sealer), 5) as schema:
        assert await building.clean(world.pool) == []
        assert await building.digest(world.pool, schema)
    await building.create(world.pool, Themes(world.sealer), "scratch_00112233445566ff")
    assert await building.clean(world.pool) == ["scratch_00112233445566ff"]


async def test_readers_never_see_a_copy_that_is_half_built(world: World) -> None:
    await world.life()
    await world.show("themes")
    expected = await views.themes(world.pool, SLUG)
    seen: list[Any] = []
    ended = asyncio.Event()

    async def look() -> None:
        while not ended.is_set():
            seen.append(await views.themes(world.pool, SLUG))

    looking = asyncio.create_task(look())
    for _ in range(5):
        await building.rebuild(world.store, world.pool, Themes(world.sealer))
    ended.set()
    await looking
    assert len(seen) > 5
    assert all(each == expected for each in seen)


class Delayed(Themes):
    """Something happens between its first page and the end."""

    def __init__(self, world: World, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(world.sealer)
        self._meanwhile: list[Callable[[], Awaitable[object]]] = [meanwhile]

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        await super().apply(connection, batch)
        while self._meanwhile:
            await self._meanwhile.pop()()


async def test_a_rebuilt_read_model_is_no_older_than_the_one_it_replaces(world: World) -> None:
    await world.life()
    await world.show("themes")

    async def meanwhile() -> None:
        await world.deposit("Entre-temps")
        await world.show("themes")

    built = await building.rebuild(world.store, world.pool, Delayed(world, meanwhile))
    assert built == await world.store.head()
    tracked = await world.pool.fetchrow(TRACKING["tracked"], "themes")
    assert tracked is not None
    assert tracked["position"] == built
    assert sum(theme.received for theme in await views.themes(world.pool, SLUG)) == 13
