"""Re-users learn what to drop: the notice of withdrawals by the day, and in each bundle what earlier published ones showed."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from domain.publication import Prepared, Published
from projections.pages import BadCursor
from projections.publications.withdrawn import exposed, exposing
from projections.runner import decoded
from projections.themes.withdrawals import Withdrawal, withdrawals
from tests.projections.histories import SLUG, World
from tests.projections.test_bundle import bundle, rows


async def prepare(world: World, *, published: bool = True, seen: int | None = None, position: int | None = None) -> UUID:
    stream, head = uuid4(), await world.store.head()
    await world.append(stream, Prepared(SLUG, "snapshot", position or head, b"", "publisher-1", head if seen is None else seen))
    if published:
        await world.append(stream, Published("https://exemple.fr", "publisher-1"))
    return stream


async def test_a_bundle_names_what_an_earlier_published_one_showed_and_nobody_may_show_any_more(
    world: World, tmp_path: Path
) -> None:
    await world.consultation()
    before, shown, hidden, drafted, kept, late = [await world.deposit(f"Texte {number}") for number in range(6)]
    await world.erase(before)
    await world.hide(hidden)
    await prepare(world)
    world_drafted = await world.deposit("Vu d'un brouillon seulement.")
    await prepare(world, published=False)
    for each in (shown, hidden, world_drafted):
        await world.erase(each)
    made = await bundle(world, tmp_path / "out")

    assert rows(made.folder, "withdrawals") == [{"contribution": str(shown), "day": (await days(world))[shown]}]
    assert "Texte 1" not in (made.folder / "contributions.csv").read_text(encoding="utf-8")
    head = await world.store.head()
    await world.erase(late)
    assert (await bundle(world, tmp_path / "again", head)).digest != made.digest, "the keys of one more are destroyed"
    assert {UUID(row["contribution"]) for row in rows((await bundle(world, tmp_path / "new")).folder, "withdrawals")} == {
        shown,
        late,
    }
    assert drafted not in (await days(world))
    assert kept not in (await days(world))


async def test_a_bundle_shows_an_erased_text_only_where_it_was_visible_and_the_erasure_not_heeded(world: World) -> None:
    await world.consultation()
    early = await world.store.head()
    stream = await world.deposit("Un texte.")
    past = await prepare(world, position=early)
    shows, hides = await prepare(world), await prepare(world, published=False)
    position = await world.erase(stream)
    heeding = await prepare(world, seen=position)
    (erasure,) = decoded("test", await world.store.page(position - 1, limit=1))

    assert set(await exposing(world.store, erasure)) == {shows, hides}
    prepared = {each: decoded("test", (await world.store.stream(each))[:1])[0].event for each in (past, shows, heeding)}
    head = await world.store.head()
    told = {
        each: isinstance(event, Prepared) and await exposed(world.store, each, SLUG, event, head)
        for each, event in prepared.items()
    }
    assert told == {past: False, shows: True, heeding: False}


async def days(world: World) -> dict[UUID, str]:
    await world.show("themes")
    items, _ = await withdrawals(world.pool, SLUG, None, 100, None)
    return {each.contribution: str(each.day) for each in items}


async def test_the_notice_lists_every_withdrawal_once_by_day_and_id(world: World) -> None:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(7)]
    for each in streams[:5]:
        await world.erase(each)
    await world.show("themes")
    found: list[Withdrawal] = []
    cursor = None
    while True:
        items, cursor = await withdrawals(world.pool, SLUG, None, 2, cursor)
        found += items
        if cursor is None:
            break

    assert [each.contribution for each in found] == sorted(streams[:5])
    today = found[0].day
    assert (await withdrawals(world.pool, SLUG, today, 10, None))[0] == found
    assert (await withdrawals(world.pool, SLUG, today.replace(year=today.year + 1), 10, None))[0] == []
    assert (await withdrawals(world.pool, "another", None, 10, None))[0] == []
    with pytest.raises(BadCursor):
        await withdrawals(world.pool, SLUG, None, 10, "x")


async def test_a_rebuilt_read_model_gives_the_same_notice(world: World) -> None:
    await world.life()
    await world.show()
    before = await world.digests()
    assert len(await days(world)) == 2
    await world.pool.execute("UPDATE registre.tracking SET version = 0 WHERE follower = 'themes'")
    await world.show()

    assert await world.digests() == before
