"""The queues and the measures of treatment: who is handed what, in which order, and where everything stands."""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from uuid import UUID, uuid4

from adapters.memory_keyring import MemoryKeyring
from adapters.sealing import KeyringSealer
from domain import consultation, contribution
from domain.record import consultation_stream
from domain.treatment.queues import rank
from projections.treatment import views
from tests.projections.histories import LATER, NOON, SEED, SLUG, World


async def reviews(world: World, reviewer: str, limit: int = 50) -> Sequence[UUID]:
    head = await world.show("treatment")
    line = await views.reviews_for(world.pool, SLUG, reviewer, limit)
    return agreed(line, await views.reviews(world.pool, SLUG, 50), reviewer, head, limit)


async def readings(world: World, reader: str, limit: int = 50) -> Sequence[UUID]:
    head = await world.show("treatment")
    line = await views.readings_for(world.pool, SLUG, reader, limit)
    return agreed(line, await views.readings(world.pool, SLUG, 50), reader, head, limit)


def agreed(line: views.Line, everybody: views.Line, person: str, head: int, limit: int) -> Sequence[UUID]:
    """One person's line, which is everybody's without what is closed to them."""
    streams = list(line.places)
    assert line.seen == everybody.seen == head
    assert line.whole == (len(streams) < limit)
    assert streams == [stream for stream, closed_to in everybody.places.items() if person not in closed_to][:limit]
    return streams


def drawn(round_: int, streams: Sequence[UUID]) -> list[UUID]:
    """The order of a round as anyone can compute it once the seed is public."""
    return sorted(streams, key=lambda each: hmac.new(SEED, round_.to_bytes(4, "big") + each.bytes, sha256).digest())


def test_the_order_of_a_round_is_the_hmac_that_is_announced() -> None:
    stream = UUID("6f0b7c52-5d0c-4b0e-9d5e-3f6f2a1c8e41")
    assert rank(SEED, 2, stream) == hmac.digest(SEED, b"\x00\x00\x00\x02" + stream.bytes, "sha256")


async def test_moderation_goes_by_order_of_arrival(world: World) -> None:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(5)]
    assert await reviews(world, "a") == streams
    assert await reviews(world, "a", limit=2) == streams[:2]
    await world.keep(streams[1], "a")
    assert await reviews(world, "b") == [streams[0], *streams[2:]]


async def test_an_item_that_somebody_holds_is_not_handed_out_until_it_comes_back(world: World) -> None:
    await world.consultation()
    first, second = [await world.deposit(f"Texte {number}") for number in range(2)]
    assignment = await world.review(first, "a", expires=NOON)
    assert await reviews(world, "b") == [second]
    assert await views.held_reviews(world.pool, SLUG, ["b", "a"]) == [("a", views.Held(assignment, first))]
    assert await views.held_reviews(world.pool, SLUG, ["b"]) == []
    await world.append(first, contribution.LeaseExpired(assignment))
    assert await reviews(world, "b") == [first, second]
    assert await views.held_reviews(world.pool, SLUG, ["a"]) == []


async def test_the_next_look_belongs_to_somebody_who_took_no_part(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.hide(stream, "a")
    assert await reviews(world, "a") == []
    assert await reviews(world, "b") == [stream]
    await world.confirm(stream, "b")
    assert await reviews(world, "c") == []
    await world.appeal(stream)
    assert await reviews(world, "a") == await reviews(world, "b") == []
    assert await reviews(world, "c") == [stream]


async def test_readings_follow_the_sealed_seed_round_by_round(world: World) -> None:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(6)]
    for each in streams:
        await world.keep(each)
    order = drawn(1, streams)
    assert await readings(world, "a") == order
    await world.read(order[0], "a", "costs")
    await world.read(order[1], "b")
    again = drawn(2, order[:2])
    assert await readings(world, "a") == [*order[2:], *(each for each in again if each != order[0])]
    assert await readings(world, "b") == [*order[2:], *(each for each in again if each != order[1])]
    assert await readings(world, "c") == [*order[2:], *again]
    assert await readings(world, "c", limit=1) == [order[2]]


async def test_only_what_is_settled_and_analysed_is_read(world: World) -> None:
    await world.consultation()
    unreviewed, contested, counted, left_out, gone = [await world.deposit(f"Texte {number}") for number in range(5)]
    await world.hide(contested)
    for each, analysed in ((counted, True), (left_out, False)):
        await world.hide(each, analysed=analysed)
        await world.confirm(each)
    await world.keep(gone)
    await world.erase(gone)
    assert await readings(world, "a") == [counted]
    await world.keep(unreviewed)
    assert set(await readings(world, "a")) == {unreviewed, counted}


async def test_readers_who_share_no_code_call_for_one_more(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.keep(stream)
    await world.read(stream, "a", "access")
    await world.read(stream, "b", "costs")
    assert await readings(world, "c") == [stream]
    assert await readings(world, "a") == []
    assert (await views.outstanding_readings(world.pool, SLUG))[0] == 1
    await world.read(stream, "c", "costs")
    assert await readings(world, "d") == []
    assert (await views.outstanding_readings(world.pool, SLUG))[0] == 0


async def test_a_reading_under_way_is_found_by_its_assignment_and_its_reader(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.keep(stream)
    assignment = await world.read(stream, "a")
    await world.show("treatment")
    assert await views.held_readings(world.pool, SLUG, ["a", "b"]) == [("a", views.Held(assignment, stream))]
    assert await views.contribution_of_reading(world.pool, assignment) == stream
    await world.append(stream, contribution.Coded(assignment, "a", 1, ("other",)))
    await world.show("treatment")
    assert await views.held_readings(world.pool, SLUG, ["a"]) == []
    assert await views.contribution_of_reading(world.pool, assignment) is None


async def test_the_latest_of_several_leases_comes_first(world: World) -> None:
    await world.consultation()
    streams = [await world.deposit(f"Texte {number}") for number in range(3)]
    for each in streams:
        await world.keep(each)
    expiries = [LATER, LATER + timedelta(hours=2), LATER + timedelta(hours=1)]
    taken = [await world.read(each, "a", expires=expires) for each, expires in zip(streams, expiries, strict=True)]
    await world.show("treatment")
    held = [views.Held(taken[number], streams[number]) for number in (1, 2, 0)]
    assert await views.held_readings(world.pool, SLUG, ["a"]) == [("a", each) for each in held]


async def test_what_is_due_are_leases_and_removals_whose_moment_has_come(world: World) -> None:
    await world.consultation()
    held, hidden, read, later = [await world.deposit(f"Texte {number}") for number in range(4)]
    review = await world.review(held, "a", expires=NOON)
    await world.hide(hidden)
    await world.keep(read)
    reading = await world.read(read, "b", expires=NOON + timedelta(seconds=1))
    await world.review(later, "c", expires=LATER + timedelta(days=1))
    await world.show("treatment")
    assert await views.due(world.pool, NOON - timedelta(seconds=1)) == views.Due([], [])
    assert await views.due(world.pool, NOON) == views.Due([views.Held(review, held)], [])
    due = await views.due(world.pool, LATER)
    assert set(due.leases) == {views.Held(review, held), views.Held(reading, read)}
    assert due.unconfirmed == [hidden]
    await world.append(held, contribution.LeaseExpired(review))
    await world.append(hidden, contribution.Reinstated("system", "unconfirmed"))
    await world.append(read, contribution.LeaseExpired(reading))
    await world.show("treatment")
    assert await views.due(world.pool, LATER) == views.Due([], [])


async def test_every_contribution_is_counted_in_exactly_one_place(world: World) -> None:
    await world.life()
    head = await world.show()
    view = await views.counts(world.pool, SLUG)
    totals = view.totals
    assert (view.consultation, view.position) == (SLUG, head)
    assert totals == views.Counts(
        received=12, visible=3, withheld=2, withdrawn=2, pending=5,
        read_once=2, read_enough=1, coded=2, linked=2, arbitrated=2,
    )  # fmt: skip
    assert totals.received == totals.visible + totals.withheld + totals.withdrawn + totals.pending
    assert [(each.theme, each.received) for each in view.themes] == [("arts", 6), ("data", 6)]


async def test_coverage_counts_a_theme_and_says_at_which_position(world: World) -> None:
    await world.life()
    head = await world.show("treatment")
    read, analysed, seen = await views.coverage(world.pool, SLUG, "arts")
    assert (read, seen) == (1, head)
    assert (await views.coverage(world.pool, SLUG, "nothing")) == (0, 0, head)
    states = await world.pool.fetch("SELECT analysed FROM treatment.item WHERE theme = 'arts'")
    assert analysed == sum(row["analysed"] for row in states)


async def test_screening_is_a_step_that_no_delay_is_measured_from(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    promise, sealed = await world.seal(stream, 2, contribution.Flagged, findings="[]")
    await world.append(stream, contribution.Flagged("screening.1", promise, sealed))
    await world.review(stream, "moderator-1")
    await world.show("treatment")
    timeline = await views.timeline(world.pool, stream)
    assert timeline is not None
    submitted, flagged, assigned = timeline.steps
    assert flagged.topic == "contribution.flagged.v1"
    assert flagged.delay_s == (flagged.at - submitted.at).total_seconds()
    assert assigned.delay_s == (assigned.at - submitted.at).total_seconds()


async def test_a_timeline_tells_every_step_and_its_delay(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.show("treatment")
    await world.hide(stream, "moderator-1")
    await world.append(stream, contribution.Reinstated("system", "unconfirmed"))
    await world.show("treatment")
    timeline = await views.timeline(world.pool, stream)
    assert timeline is not None
    entries = await world.store.stream(stream)
    assert [(step.version, step.position, step.topic, step.at) for step in timeline.steps] == [
        (entry.originator_version, entry.id, entry.topic, entry.recorded_at) for entry in entries
    ]
    assert [step.by for step in timeline.steps] == [None, "moderator-1", "moderator-1", "system"]
    moments = [entry.recorded_at for entry in entries]
    assert [step.delay_s for step in timeline.steps] == [
        None,
        *((after - before).total_seconds() for before, after in pairwise(moments)),
    ]
    assert await views.timeline(world.pool, uuid4()) is None


async def test_consultations_do_not_share_their_queues(world: World) -> None:
    await world.consultation()
    await world.consultation("autre")
    mine, other = await world.deposit("Un texte"), await world.deposit("Un texte", slug="autre")
    assert await reviews(world, "a") == [mine]
    assert list((await views.reviews(world.pool, "autre", 9)).places) == [other]
    await world.show()
    assert (await views.counts(world.pool, "autre")).totals.received == 1


async def test_a_seed_whose_key_is_lost_keeps_its_own_readings_back_and_no_other_queue(world: World) -> None:
    await world.consultation()
    world.sealer = KeyringSealer(MemoryKeyring())
    await world.consultation("autre")
    mine, other = await world.deposit("Un texte"), await world.deposit("Un texte", slug="autre")
    assert await reviews(world, "a") == [mine]
    await world.keep(mine)
    await world.append(other, contribution.Kept("moderator-1"), slug="autre")
    assert await readings(world, "a") == []
    assert list((await views.readings(world.pool, "autre", 9)).places) == [other]


async def test_a_consultation_without_contributions_counts_nothing(world: World) -> None:
    await world.append(consultation_stream(SLUG), consultation.Prepared(SLUG, "Une consultation", "fr", by="staff-administrator"))
    head = await world.show()
    assert await views.counts(world.pool, SLUG) == views.TreatmentView(SLUG, head, views.Counts(), [])
    assert await views.reviews(world.pool, SLUG, 5) == views.Line(head, {}, whole=True)
