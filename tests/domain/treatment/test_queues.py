"""Every assignment re-derived from the log: which were not of the lowest item eligible at `seen`."""

import hmac
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain import consultation
from domain.contribution import ReadingAssigned, ReviewAssigned
from domain.treatment.queues import Conformity, Kind, Queues, rank
from tests.domain.treatment.moves import MOVES, Move, play
from tests.domain.treatment.town import POLICIES, SEED, SLUG, STREAM, Town


def told(town: Town) -> Queues:
    """The queues after every event of a town."""
    queues = Queues()
    for recorded in town.log:
        if isinstance(recorded.event, consultation.PoliciesAdopted):
            queues.policy(recorded.consultation, recorded.event.readers, recorded.event.lease_s)
        if recorded.stream in town.seen[recorded.position]:
            before = town.seen[recorded.position - 1].get(recorded.stream)
            queues.moved(recorded, before, town.seen[recorded.position][recorded.stream])
    return queues


def conformity(town: Town) -> Conformity:
    return told(town).conformity({SLUG: SEED})


def expected(town: Town) -> list[tuple[int, str]]:
    """Position and reason of every assignment that departs, by the rule word by word."""
    found = []
    for recorded in town.log:
        position, event = recorded.position, recorded.event
        match event:
            case ReviewAssigned(_, holder, _, _, seen):
                kind: Kind = "review"
            case ReadingAssigned(_, holder, _, _, seen):
                kind = "reading"
            case _:
                continue
        if seen >= position:
            found.append((position, "seen-ahead"))
            continue
        waits, first = town.queue(kind, holder, seen), town.first(kind, holder, seen, position)
        if recorded.stream not in waits:
            found.append((position, "not-waiting"))
        elif recorded.stream in town.assigned(kind, seen, position):
            found.append((position, "taken-since"))
        elif first and waits[first] < waits[recorded.stream]:
            found.append((position, "passed-over"))
    return found


def opened(contributions: int = 3) -> tuple[Town, list[UUID]]:
    town = Town()
    town.opens()
    return town, [town.deposits() for _ in range(contributions)]


def cleared(contributions: int = 3) -> tuple[Town, list[UUID]]:
    """Kept by one moderator, in order of arrival; the streams in the order in which they are read."""
    town, streams = opened(contributions)
    for stream in streams:
        assert town.takes("review", "mona") == stream
        assert town.looks(stream, "mona", agrees=False)
    return town, sorted(streams, key=lambda stream: rank(SEED, 1, stream))


def found(town: Town) -> list[tuple[int, str]]:
    departures = conformity(town).departures
    assert {departure.rule for departure in departures} <= {"assignment-out-of-order"}
    return [(departure.position, str(departure.said["why"])) for departure in departures]


def test_the_order_of_a_round_is_the_hmac_that_is_announced() -> None:
    assert rank(SEED, 2, STREAM) == hmac.digest(SEED, b"\x00\x00\x00\x02" + STREAM.bytes, "sha256")


def test_queues_that_hand_out_the_lowest_conform() -> None:
    town, streams = cleared()
    for round_, reader in enumerate(("ada", "bob"), start=1):
        for stream in sorted(streams, key=lambda stream: rank(SEED, round_, stream)):
            assert town.takes("reading", reader) == stream
            assert town.codes(stream, reader, "access")
    checked = conformity(town)
    assert checked.departures == ()
    assert [(each.kind, each.checked, each.unverifiable) for each in checked.queues] == [("review", 3, 0), ("reading", 6, 0)]


def test_a_review_passes_nobody_over_who_arrived_before() -> None:
    town, streams = opened()
    assert town.given(streams[1], "review", "mona", town.head)
    (departure,) = conformity(town).departures
    assert (departure.position, departure.stream, departure.consultation) == (town.head, streams[1], SLUG)
    assert departure.said == {
        "queue": "review", "holder": "mona", "seen": town.head - 1, "why": "passed-over", "waited": str(streams[0]),
    }  # fmt: skip


def test_a_review_passes_over_a_removal_whose_delay_has_passed_before_the_clock_lifts_it() -> None:
    town, streams = opened()
    assert town.takes("review", "mona") == streams[0]
    assert town.looks(streams[0], "mona", agrees=True)
    due = town.states[streams[0]].confirm_by
    town.now = due - timedelta(microseconds=1)
    assert town.given(streams[1], "review", "nils", town.head)
    assert found(town) == [(town.head, "passed-over")]
    town.now = due
    assert town.given(streams[2], "review", "olga", town.head)
    assert found(town) == [(town.head - 1, "passed-over")]


def test_a_reading_follows_the_order_that_the_seed_gives() -> None:
    town, streams = cleared()
    assert town.given(streams[2], "reading", "ada", town.head)
    (departure,) = conformity(town).departures
    assert (departure.position, departure.said["waited"]) == (town.head, str(streams[0]))


def test_readings_wait_for_the_seed_before_their_order_is_checked() -> None:
    town, streams = cleared()
    assert town.given(streams[2], "reading", "ada", town.head)
    checked = told(town).conformity({})
    assert checked.departures == ()
    assert (checked.checked, checked.unverifiable) == (3, 1)


def test_a_first_reading_goes_before_every_second_one() -> None:
    town, streams = cleared()
    assert town.takes("reading", "ada") == streams[0]
    assert town.given(streams[0], "reading", "bob", town.head)
    assert found(town) == [(town.head, "passed-over")]


def test_what_was_handed_out_since_the_queue_was_read_is_left_out() -> None:
    town, streams = opened()
    seen = town.head
    assert town.takes("review", "mona") == streams[0]
    assert town.given(streams[1], "review", "nils", seen)
    assert found(town) == []


def test_what_was_handed_out_since_the_queue_was_read_is_not_handed_out_again() -> None:
    town, streams = cleared()
    seen = town.head
    assert town.takes("reading", "ada") == streams[0]
    assert town.given(streams[0], "reading", "bob", seen)
    assert found(town) == [(town.head, "taken-since")]


def test_what_arrived_after_the_queue_was_read_cannot_have_been_chosen_from_it() -> None:
    town, _ = opened()
    seen = town.head
    late = town.deposits()
    assert town.given(late, "review", "mona", seen)
    assert found(town) == [(town.head, "not-waiting")]


def test_a_queue_is_read_before_something_is_handed_out_from_it() -> None:
    town, streams = opened()
    assert town.given(streams[0], "review", "mona", town.head + 1)
    assert found(town) == [(town.head, "seen-ahead")]


def test_what_has_been_erased_meanwhile_is_passed_over_by_everybody() -> None:
    town, streams = opened()
    seen = town.head
    assert town.withdraws(streams[0])
    assert town.given(streams[1], "review", "mona", seen)
    assert found(town) == []


def test_nobody_is_expected_to_look_again_at_what_they_decided_on() -> None:
    town, streams = opened(2)
    assert town.takes("review", "mona") == streams[0]
    assert town.looks(streams[0], "mona", agrees=True)
    assert town.takes("review", "mona") == streams[1]
    assert town.looks(streams[1], "mona", agrees=False)
    assert town.takes("review", "nils") == streams[0]
    assert found(town) == []


def test_what_came_back_waits_at_its_old_place() -> None:
    town, streams = opened()
    assert town.takes("review", "mona") == streams[0]
    town.passes(timedelta(seconds=POLICIES.lease_s))
    assert town.given(streams[1], "review", "nils", town.head)
    assert found(town) == [(town.head, "passed-over")]


def test_a_third_reading_is_owed_where_two_share_no_code() -> None:
    town, (stream,) = cleared(1)
    for reader, code in (("ada", "access"), ("bob", "costs")):
        assert town.takes("reading", reader) == stream
        assert town.codes(stream, reader, code)
    assert town.takes("reading", "eve") == stream
    assert conformity(town).checked == 4
    assert found(town) == []


def test_consultations_do_not_share_their_queues() -> None:
    town, streams = opened()
    assert town.given(streams[0], "review", "mona", town.head)
    queues = told(town)
    queues.policy("autre", 2, POLICIES.lease_s)
    assert [each.consultation for each in queues.conformity({}).queues] == [SLUG, SLUG, "autre", "autre"]


@given(st.integers(1, 5), MOVES)
def test_whatever_happens_queues_that_follow_the_rule_conform(contributions: int, moves: list[Move]) -> None:
    town, _ = opened(contributions)
    for move in moves:
        play(town, move, fair=True)
    assert found(town) == expected(town) == []


@given(st.integers(1, 5), MOVES)
def test_whatever_is_handed_out_each_departure_is_found_and_no_other(contributions: int, moves: list[Move]) -> None:
    town, _ = opened(contributions)
    for move in moves:
        play(town, move, fair=False)
    assert found(town) == expected(town)
