"""Readings coded anew: who is handed which, and what is found in a contribution then."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from projections.outcomes import views as outcomes
from projections.treatment import views
from projections.treatment.views import Held
from service.handler import Handle
from service.recodings import Recodings
from tests.projections.histories import SLUG, World


async def owed(world: World, reader: str, codebook: int = 2) -> Sequence[Held]:
    await world.show("treatment")
    return await views.next_recodings(world.pool, SLUG, reader, codebook, 50)


async def read_by(world: World, reader: str, *streams: UUID) -> list[Held]:
    return [Held(await world.read(stream, reader, "access"), stream) for stream in streams]


async def kept(world: World, count: int) -> list[UUID]:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(count)]
    for each in streams:
        await world.keep(each)
    return streams


async def test_readers_are_handed_their_own_readings_in_the_order_in_which_they_made_them(world: World) -> None:
    first, second, third = await kept(world, 3)
    mine = await read_by(world, "a", third, first, second)
    (other,) = await read_by(world, "b", second)
    assert await owed(world, "a", codebook=1) == []
    assert await owed(world, "a") == mine
    assert await owed(world, "b") == [other]
    await world.recode(first, mine[1].assignment, "a", "time")
    assert await owed(world, "a") == [mine[0], mine[2]]
    assert await owed(world, "b") == [other]
    assert await owed(world, "a", codebook=3) == mine


async def test_what_was_erased_is_not_handed_back(world: World) -> None:
    gone, counted = await kept(world, 2)
    _, left = await read_by(world, "a", gone, counted)
    await world.erase(gone)
    assert await owed(world, "a") == [left]


async def test_a_reading_under_way_is_not_coded_anew(world: World) -> None:
    (stream,) = await kept(world, 1)
    await world.read(stream, "a")
    assert await owed(world, "a") == []


async def test_a_contribution_is_found_by_a_reading_that_was_made(world: World) -> None:
    (stream,) = await kept(world, 1)
    (made,) = await read_by(world, "a", stream)
    under_way = await world.read(stream, "b")
    await world.show("treatment")
    assert await views.contribution_of_coding(world.pool, made.assignment) == stream
    assert await views.contribution_of_coding(world.pool, under_way) is None
    assert await views.contribution_of_coding(world.pool, uuid4()) is None


async def test_a_contribution_shows_the_latest_codes_of_each_reading(world: World) -> None:
    (stream,) = await kept(world, 1)
    first = await world.read(stream, "a", "access", "costs")
    second = await world.read(stream, "b", "access")
    await world.recodebook()
    await world.recode(stream, first, "a", "time")
    await world.show()
    view = await outcomes.outcome(world.pool, stream)
    assert view is not None
    assert view.codes == ["access", "time"]
    await world.recode(stream, second, "b", "time")
    await world.show()
    view = await outcomes.outcome(world.pool, stream)
    assert view is not None
    assert view.codes == ["time"]


async def test_a_timeline_tells_both_codings(world: World) -> None:
    (stream,) = await kept(world, 1)
    assignment = await world.read(stream, "a", "access")
    await world.recode(stream, assignment, "a", "time")
    await world.show("treatment")
    timeline = await views.timeline(world.pool, stream)
    assert timeline is not None
    assert [(step.topic, step.by) for step in timeline.steps[-2:]] == [
        ("contribution.coded.v1", "a"),
        ("contribution.recoded.v1", "a"),
    ]


async def test_a_recoding_calls_for_no_other_reader(world: World) -> None:
    (stream,) = await kept(world, 1)
    first = await world.read(stream, "a", "access")
    await world.read(stream, "b", "access")
    await world.recode(stream, first, "a", "time")
    await world.show("treatment")
    assert (await views.readings_for(world.pool, SLUG, "c", 9)).places == {}
    assert (await views.outstanding_readings(world.pool, SLUG))[0] == 0


async def test_a_read_model_that_is_late_hands_nothing_back_twice(world: World) -> None:
    streams = await kept(world, 20)
    mine = await read_by(world, "a", *streams)
    await world.recodebook()
    await world.show("treatment")
    recodings = Recodings(Handle(world.store), world.pool)
    handed = []
    for _ in range(16):
        taken = await recodings.next_recoding(SLUG, "a")
        assert taken is not None
        handed.append(taken)
        await world.recode(taken.contribution, taken.assignment, "a", "time")
    assert handed == mine[:16]
    await world.show("treatment")
    assert await recodings.next_recoding(SLUG, "a") == mine[16]
    assert await recodings.next_recoding(SLUG, "b") is None
    assert await recodings.contribution_of(mine[0].assignment) == streams[0]
