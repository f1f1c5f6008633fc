"""Deals: nobody holds two, nothing is held by two, the order is the queue's, whatever fifty people and two processes ask at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import pytest

from adapters.records import event_of, stream_of
from domain import contribution
from domain.contribution import (
    AssignReading,
    AssignReview,
    Coded,
    CodeReading,
    Keep,
    Kept,
    ReadingAssigned,
    ReviewAssigned,
    Submitted,
)
from domain.errors import Refused
from domain.treatment.queues import rank
from projections import building
from projections.runner import Runner
from projections.treatment.views import Held
from service import dealing
from service.handler import CONTRIBUTION, Handle
from service.problems import Behind, Missing
from service.queues import Queues
from tests.projections.conftest import world as world  # noqa: PLC0414 - a fixture is found by its name in this module
from tests.projections.histories import NOON, SEED, SLUG, World
from tests.service.definitions import FixedClock

PEOPLE: Final = [f"person-{number}" for number in range(50)]
KNOWN: Final = frozenset({"access", "costs", "other"})


class Process(NamedTuple):
    """What one HTTP process has of its own."""

    handle: Handle
    queues: Queues


def process(world: World, clock: FixedClock | None = None) -> Process:
    handle = Handle(world.store)
    return Process(handle, Queues(handle, world.pool, clock or FixedClock(NOON)))


@asynccontextmanager
async def followed(world: World) -> AsyncIterator[None]:
    """The read model of the queues follows the log, as in a worker."""
    projection = building.projections(world.sealer)["treatment"]
    await building.ensure(world.store, world.pool, projection)
    running = asyncio.create_task(Runner(world.store, world.pool, projection).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def deposits(world: World, count: int) -> list[UUID]:
    await world.consultation()
    return [await world.deposit(f"Texte {number}") for number in range(count)]


async def log(world: World) -> list[Any]:
    """Every event of a contribution, with its position and stream."""
    return [
        (entry.id, stream_of(entry), event_of(entry))
        for entry in await world.store.page(limit=5_000)
        if "contribution." in entry.topic
    ]


class Assigned(NamedTuple):
    position: int
    stream: UUID
    who: str
    seen: int


def conforms(history: Sequence[Any], kind: type[Any], eligible: type[Any], times: int, order: Callable[[UUID, int], Any]) -> int:
    """How many assignments took the first that was eligible at `seen`, leaving out those assigned since; AssertionError for one that did not.

    A contribution is eligible from an event of the type `eligible` on, so many `times`, and never to somebody who had it before.
    """
    made = [
        Assigned(at, stream, getattr(event, "reviewer", None) or event.reader, event.seen)
        for at, stream, event in history
        if isinstance(event, kind)
    ]
    since = {stream: at for at, stream, event in history if isinstance(event, eligible)}
    for number, one in enumerate(made):
        rounds = Counter(each.stream for each in made[:number] if each.position <= one.seen)
        closed = {each.stream for each in made[:number] if each.position > one.seen or each.who == one.who}
        open_then = [each for each, at in since.items() if at <= one.seen and rounds[each] < times and each not in closed]
        places = {each: order(each, rounds[each] + 1) for each in open_then}
        assert one.stream == min(places, key=places.__getitem__), f"position {one.position} took another than the first"
    return len(made)


async def test_fifty_reviewers_at_two_processes_are_never_handed_the_same(world: World) -> None:
    streams = await deposits(world, 150)
    processes = [process(world), process(world)]
    handed: list[tuple[str, Held]] = []

    async def review(number: int, reviewer: str) -> None:
        while True:
            both = await asyncio.gather(*(each.queues.next_review(SLUG, reviewer) for each in processes))
            assert both[0] == both[1], "somebody gained by asking both"
            if both[0] is None:
                return
            handed.append((reviewer, both[0]))
            await processes[number % 2].handle.contribution(both[0].contribution, Keep(reviewer, NOON))

    async with followed(world), asyncio.timeout(100):
        await asyncio.gather(*(review(number, reviewer) for number, reviewer in enumerate(PEOPLE)))

    assert sorted(held.contribution for _, held in handed) == sorted(streams)
    history = await log(world)
    assigned = [event.assignment for _, _, event in history if isinstance(event, ReviewAssigned)]
    assert sorted(assigned) == sorted(held.assignment for _, held in handed)
    assert sum(isinstance(event, Kept) for _, _, event in history) == len(streams)
    arrival = {stream: number for number, stream in enumerate(streams)}
    assert conforms(history, ReviewAssigned, Submitted, 1, lambda stream, _: arrival[stream]) == len(streams)


async def test_fifty_readers_at_two_processes_read_in_the_order_of_the_seed_and_each_text_once(world: World) -> None:
    streams = await deposits(world, 60)
    for stream in streams:
        await world.keep(stream)
    processes = [process(world), process(world)]

    async def read(number: int, reader: str) -> None:
        each = processes[number % 2]
        while taken := await each.queues.next_reading(SLUG, reader):
            assert await processes[1 - number % 2].queues.contribution_of(taken.assignment) == taken.contribution
            await each.handle.contribution(
                taken.contribution, CodeReading(taken.assignment, reader, NOON, 1, ("access",), 1, KNOWN)
            )

    async with followed(world), asyncio.timeout(100):
        await asyncio.gather(*(read(number, reader) for number, reader in enumerate(PEOPLE[:25])))

    history = await log(world)
    made = [(stream, event.reader) for _, stream, event in history if isinstance(event, Coded)]
    assert len(made) == len(set(made)) == 2 * len(streams)
    assert conforms(history, ReadingAssigned, Kept, 2, lambda stream, round_: (round_, rank(SEED, round_, stream))) == len(made)


async def test_whoever_asks_many_times_at_once_holds_one_item_until_it_is_decided(world: World) -> None:
    streams = await deposits(world, 5)
    await world.show("treatment")
    one, other = process(world), process(world)
    asked = [each.queues.next_review(SLUG, "mona") for each in (one, other) for _ in range(10)]
    (taken,) = set(await asyncio.gather(*asked))
    assert taken is not None
    assert taken.contribution == streams[0]
    await other.handle.contribution(taken.contribution, Keep("mona", NOON))
    following = await one.queues.next_review(SLUG, "mona")
    assert following is not None
    assert following.contribution == streams[1]


async def test_a_contribution_that_moves_meanwhile_keeps_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever asks next would be handed it after one that stands behind it."""
    streams = await deposits(world, 3)
    await world.show("treatment")
    here = process(world)
    together = here.handle.together
    moved: list[int] = []

    async def others_first(slug: str, acts: Any) -> list[int]:
        if not moved:
            moved.append(
                await world.append(streams[0], contribution.QuestionAsked(uuid4(), "ada", *await seal(world, streams[0])))
            )
        return await together(slug, acts)

    monkeypatch.setattr(here.handle, "together", others_first)
    taken = await asyncio.gather(*(here.queues.next_review(SLUG, reviewer) for reviewer in ("mona", "nils", "olga")))
    assert moved
    assert {held.contribution for held in taken if held} == set(streams)
    arrival = {stream: number for number, stream in enumerate(streams)}
    assert conforms(await log(world), ReviewAssigned, Submitted, 1, lambda stream, _: arrival[stream]) == len(streams)


async def seal(world: World, stream: UUID) -> tuple[bytes, Any]:
    return await world.seal(stream, world.versions[stream] + 1, contribution.QuestionAsked, text="Pourquoi ?")


async def test_a_contribution_that_is_withdrawn_meanwhile_is_passed_over(world: World) -> None:
    first, second, third = await deposits(world, 3)
    await world.show("treatment")
    await world.erase(first)
    here = process(world)
    taken = [await here.queues.next_review(SLUG, reviewer) for reviewer in ("mona", "nils", "olga")]
    assert [held and held.contribution for held in taken] == [second, third, None]


async def test_what_somebody_was_handed_at_another_process_keeps_the_place_that_it_has_now(world: World) -> None:
    """A removal comes back for its second look; a process whose read model is late would hand it out as if it had stood there all along."""
    first, second = await deposits(world, 2)
    await world.show("treatment")
    one, other = process(world), process(world)
    taken = await one.queues.next_review(SLUG, "mona")
    assert taken is not None
    assert taken.contribution == first
    promise, sealed = await seal(world, first)
    hiding = contribution.Hide("mona", NOON, "5.sensitive-data", frozenset({"5.sensitive-data"}), True, 600, promise, sealed)
    await one.handle.contribution(first, hiding)
    held = await other.queues.next_review(SLUG, "nils")
    assert held is not None
    assert held.contribution == second
    await world.show("treatment")
    again = await other.queues.next_review(SLUG, "olga")
    assert again is not None
    assert again.contribution == first


async def readable(world: World) -> tuple[Process, UUID, UUID]:
    """Two texts of which each has a first reading under way, in the order in which the second readings are handed out."""
    streams = await deposits(world, 2)
    for stream in streams:
        await world.keep(stream)
    await world.show("treatment")
    here = process(world)
    assert {(await taken(here, reader)).contribution for reader in ("ada", "bob")} == set(streams)
    await world.show("treatment")
    first, second = sorted(streams, key=lambda stream: rank(SEED, 2, stream))
    return here, first, second


async def taken(at: Process, reader: str) -> Held:
    held = await at.queues.next_reading(SLUG, reader)
    assert held is not None
    return held


async def expire(world: World, stream: UUID) -> None:
    """The latest lease of a reading or a review passes, and the clock says so."""
    state, _ = await Handle(world.store).existing(CONTRIBUTION, stream)
    lease = state.dossier.review or state.dossier.leases[-1]
    await Handle(world.store).contribution(stream, contribution.ExpireLease(lease.assignment, lease.expires))


async def test_a_text_whose_other_reader_gives_it_back_meanwhile_keeps_its_place(world: World) -> None:
    """It owes another reading than when the queue was read, and nobody was handed it since."""
    here, first, _ = await readable(world)
    await expire(world, first)
    assert (await taken(here, "eve")).contribution == first


async def test_what_came_back_to_its_place_since_the_queue_was_read_is_not_handed_out_from_there(world: World) -> None:
    first, second = await deposits(world, 2)
    await world.show("treatment")
    one, other = process(world), process(world)
    held = await one.queues.next_review(SLUG, "mona")
    assert held is not None
    assert held.contribution == first
    await expire(world, first)
    held = await other.queues.next_review(SLUG, "nils")
    assert held is not None
    assert held.contribution == second


async def test_a_queue_that_is_read_anew_after_a_conflict_passes_nobody_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had been handed out when the queue was first read has another place by the time it is read again."""
    streams = await deposits(world, 2)
    first, second = sorted(streams, key=lambda stream: rank(SEED, 2, stream))
    for stream in streams:
        await world.keep(stream)
    await world.read(second, "bob")
    await world.show("treatment")
    one, other = process(world), process(world)
    assert (await taken(one, "ada")).contribution == first
    together = other.handle.together
    moved: list[int] = []

    async def others_first(slug: str, acts: Any) -> list[int]:
        if not moved:
            asked = contribution.QuestionAsked(uuid4(), "ada", *await seal(world, second))
            moved.append(await world.append(second, asked))
            await world.show("treatment")
        return await together(slug, acts)

    monkeypatch.setattr(other.handle, "together", others_first)
    assert (await taken(other, "eve")).contribution == first
    assert moved


async def test_somebody_who_took_part_in_all_that_stands_first_is_handed_what_stands_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dealing, "SPARE", 1)
    streams = await deposits(world, 30)
    for stream in streams[:29]:
        await world.hide(stream, "mona")
    await world.show("treatment")
    here = process(world)
    taken = await here.queues.next_review(SLUG, "mona")
    assert taken is not None
    assert taken.contribution == streams[29]
    assert await here.queues.next_review(SLUG, "mona") == taken


async def test_what_expires_returns_to_its_place(world: World) -> None:
    first, second, *_ = await deposits(world, 3)
    await world.show("treatment")
    clock = FixedClock(NOON)
    here = process(world, clock)
    taken = await here.queues.next_review(SLUG, "mona")
    assert taken is not None
    assert taken.contribution == first
    clock.moment = (await lease_of(world, first)).expires
    await here.handle.contribution(first, contribution.ExpireLease(taken.assignment, clock.moment))
    await world.show("treatment")
    again = [await here.queues.next_review(SLUG, reviewer) for reviewer in ("nils", "mona")]
    assert [held and held.contribution for held in again] == [first, second]


async def lease_of(world: World, stream: UUID) -> contribution.Lease:
    state, _ = await Handle(world.store).existing(CONTRIBUTION, stream)
    lease = state.dossier.review
    assert lease is not None
    return lease


async def test_what_goes_wrong_is_told_to_each_who_asked_by_an_error_of_their_own(world: World) -> None:
    await deposits(world, 1)
    here = process(world)
    failures = await asyncio.gather(*(here.queues.next_review(SLUG, reviewer) for reviewer in PEOPLE[:3]), return_exceptions=True)
    assert {type(failure) for failure in failures} == {Behind}
    assert len({id(failure) for failure in failures}) == len(failures)
    await world.show("treatment")
    assert await here.queues.next_review(SLUG, PEOPLE[0])


async def test_a_consultation_that_is_not_there_has_no_queue(world: World) -> None:
    here = process(world)
    with pytest.raises(Missing):
        await here.queues.next_review("nowhere", "mona")


async def test_the_rules_are_asked_whatever_the_read_model_shows(world: World) -> None:
    """The read model may be late; the assignment is refused by the log's own state."""
    (stream,) = await deposits(world, 1)
    await world.show("treatment")
    await world.review(stream, "nils")
    assert await process(world).queues.next_review(SLUG, "mona") is None
    for command in (
        AssignReview(uuid4(), "mona", NOON, 600, 1),
        AssignReading(uuid4(), "mona", NOON, 600, 2, 1),
    ):
        with pytest.raises(Refused):
            await Handle(world.store).contribution(stream, command)
