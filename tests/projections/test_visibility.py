"""Only text that the public may see rests in read models: every row of every table is searched for words that must not be there."""

from uuid import uuid4

import pytest

from domain.contribution import QuestionAnswered, QuestionAsked, Reinstated
from projections import building
from projections.building import NAMES
from projections.themes import views
from tests.projections.histories import SEED, SLUG, World

CANARY = "serin-d4c1"


async def everything(world: World) -> str:
    """Every row of every table of every read model, rendered, with what is decodable in binary columns beside it."""
    found: list[str] = []
    for name in NAMES:
        for row in (row for rows in (await building.dump(world.pool, name)).values() for row in rows):
            assert isinstance(row, dict)
            binary = [value[2:] for value in row.values() if isinstance(value, str) and value.startswith("\\x")]
            found += [str(row), *(bytes.fromhex(value).decode("latin-1") for value in binary)]
    return "\n".join(found)


async def shown(world: World) -> bool:
    await world.show()
    return CANARY in await everything(world)


async def test_a_text_is_there_while_it_is_visible_and_only_then(world: World) -> None:
    await world.consultation()
    stream = await world.deposit(CANARY)
    assert await shown(world)
    await world.hide(stream)
    assert not await shown(world)
    await world.confirm(stream)
    await world.appeal(stream)
    assert not await shown(world)
    await world.settle(stream, granted=True)
    assert await shown(world)
    view = await views.contribution(world.pool, stream)
    assert view is not None
    assert (view.status, view.text, view.hidden_under) == ("visible", CANARY, None)
    await world.erase(stream)
    assert not await shown(world)


async def test_a_deposit_held_before_moderation_shows_nothing(world: World) -> None:
    await world.consultation()
    stream = await world.deposit(CANARY, held=True)
    assert not await shown(world)
    view = await views.contribution(world.pool, stream)
    assert view is not None
    assert (view.status, view.text) == ("awaiting-review", None)
    await world.keep(stream)
    assert await shown(world)


async def test_a_reinstated_text_is_shown_again(world: World) -> None:
    await world.consultation()
    stream = await world.deposit(CANARY)
    await world.hide(stream)
    assert not await shown(world)
    await world.append(stream, Reinstated("system", "unconfirmed"))
    assert await shown(world)


async def test_statements_appeals_and_questions_rest_nowhere(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.hide(stream, statement=CANARY)
    await world.confirm(stream)
    await world.appeal(stream, CANARY)
    assert not await shown(world)
    question = uuid4()
    promise, sealed = await world.seal(stream, world.versions[stream] + 1, QuestionAsked, text=CANARY)
    await world.append(stream, QuestionAsked(question, "analyst-1", promise, sealed))
    assert not await shown(world)
    promise, sealed = await world.seal(stream, world.versions[stream] + 1, QuestionAnswered, text=CANARY)
    await world.append(stream, QuestionAnswered(question, promise, sealed))
    assert not await shown(world)


async def test_the_seed_of_the_queue_rests_sealed(world: World) -> None:
    await world.consultation()
    await world.deposit("Un texte")
    await world.show()
    found = await everything(world)
    assert SEED.hex() not in found
    assert SEED.decode("latin-1") not in found


async def test_a_text_hidden_in_the_batch_that_brought_it_is_never_unsealed(world: World) -> None:
    await world.consultation()
    stream = await world.deposit(CANARY)
    await world.hide(stream)
    asked: list[int] = []
    unseal = world.sealer.unseal

    async def counting(items: object) -> object:
        asked.append(len(items))  # type: ignore[arg-type]
        return await unseal(items)  # type: ignore[arg-type]

    world.sealer.unseal = counting  # type: ignore[method-assign, assignment]
    await world.show("themes")
    assert asked == []


async def test_a_key_destroyed_before_its_event_shows_no_text(world: World) -> None:
    await world.consultation()
    stream = await world.deposit(CANARY)
    await world.sealer.destroy(stream)
    assert not await shown(world)


@pytest.mark.parametrize("name", ["themes", "outcomes", "publications"])
async def test_public_read_models_name_no_member_of_staff(world: World, name: str) -> None:
    """Their folded states do, in columns that no view reads; every column that one does is searched."""
    await world.life()
    await world.show()
    said = [
        str({column: value for column, value in row.items() if column != "state"})
        for rows in (await building.dump(world.pool, name)).values()
        for row in rows
        if isinstance(row, dict)
    ]
    for word in ("moderator-", "reader-", "analyst-", "secretary-"):
        assert not any(word in row for row in said)


async def test_a_page_of_what_is_visible_follows_day_and_id(world: World) -> None:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(7)]
    await world.hide(streams[3])
    await world.show("themes")
    texts = dict(zip(streams, range(7), strict=True))
    cursor, pages = None, []
    while True:
        items, cursor = await views.contributions(world.pool, SLUG, "data", 2, cursor)
        pages.append(items)
        if cursor is None:
            break
    listed = [item for page in pages for item in page]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [item.id for item in listed] == sorted(set(streams) - {streams[3]})
    assert [item.text for item in listed] == [f"Texte {texts[item.id]}" for item in listed]
    assert (await views.contributions(world.pool, SLUG, "arts", 2, None)) == ([], None)
