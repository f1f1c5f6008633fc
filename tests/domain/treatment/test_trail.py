"""The whole trail from the raw events alone: a log that follows the rules departs nowhere, and each departure planted in a copy is found."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.ndjson import line_of, recorded
from domain.adopted import Code
from domain.consultation import AdoptCodebook, CommitmentMade, PoliciesAdopted, ReadingsFinished, ThemeExtended
from domain.contribution import Hidden, Kept, ReadingAssigned, Recoded
from domain.errors import TITLES
from domain.record import Event, Recorded
from domain.treatment.causes import cause
from domain.treatment.departures import OF_THE_LOG, Departure
from domain.treatment.known import Known
from domain.treatment.trail import Findings, Trail
from tests.bench.planting import PLANTS, Planted, planted
from tests.domain.treatment.moves import MOVES, Move, play
from tests.domain.treatment.town import ADMIN, CODES, SLUG, STREAM, Town
from tests.domain.treatment.whole import whole_life

LIFE: Final = cache(whole_life)


def replayed(log: Sequence[Recorded], *, whole: bool = True) -> Findings:
    trail = Trail(whole=whole)
    for each in log:
        trail.follow(each)
    return trail.findings()


def decoded(lines: Sequence[bytes]) -> list[Recorded]:
    return [recorded(line, number) for number, line in enumerate(lines, start=1)]


def only(log: Sequence[Recorded], shape: type) -> Recorded:
    """The first event of a kind."""
    return next(each for each in log if isinstance(each.event, shape))


def altered(log: Sequence[Recorded], at: Recorded, **fields: object) -> list[Recorded]:
    """The log with other fields in one event."""
    return [replace(each, event=replace(each.event, **fields)) if each is at else each for each in log]


def test_a_whole_life_that_follows_the_rules_departs_nowhere() -> None:
    findings = replayed(LIFE())
    assert findings.departures == ()
    assert (findings.events, findings.contributions) == (len(LIFE()), 9)
    assert (findings.assignments, findings.unverifiable) == (32, 0)


def test_everything_that_can_happen_happens_in_the_whole_life_and_the_rules_are_asked_about_each() -> None:
    assert {type(each.event) for each in LIFE()} == set(get_args(Event))
    known = Known()
    for each in LIFE():
        stream = known.followed(each)
        assert cause(known, each, stream.state) is not None, each.topic
        stream.state = stream.concept.evolve(stream.state, each.event)


def test_a_log_comes_home_as_it_was_recorded() -> None:
    assert decoded([line_of(each) for each in LIFE()]) == list(LIFE())


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_departure_planted_in_a_copy_is_found_with_its_position(plant: object) -> None:
    found = _planted(plant)
    departures = replayed(decoded(found.lines)).departures
    assert (found.rule, found.position) in {(each.rule, each.position) for each in departures}
    assert all(each.title for each in departures)


def _planted(plant: object) -> Planted:
    return planted([line_of(each) for each in LIFE()], plant)  # type: ignore[arg-type]  # one of PLANTS


def test_a_departure_says_where_it_stands_and_what_the_log_says_there() -> None:
    log = LIFE()
    hidden = only(log, Hidden)
    (departure,) = replayed(altered(log, hidden, charter=7)).departures
    said: dict[str, str | int] = {"field": "charter", "found": 7, "expected": 1}
    assert departure == Departure(hidden.position, "charter-not-consented", hidden.stream, SLUG, said)


def test_no_departure_goes_by_the_code_of_a_refusal_that_means_something_else() -> None:
    assert not set(OF_THE_LOG) & set(TITLES)


def test_readings_are_unverifiable_until_the_seed_is_revealed() -> None:
    readings = sum(isinstance(each.event, ReadingAssigned) for each in LIFE())
    findings = replayed([each for each in LIFE() if each.position < only(LIFE(), ReadingsFinished).position])
    assert readings == findings.unverifiable > 0
    assert findings.departures == ()


def test_a_removal_is_late_only_once_its_moment_has_passed() -> None:
    log = LIFE()[: only(LIFE(), Hidden).position]
    trail = Trail()
    for each in log:
        trail.follow(each)
    hidden = log[-1]
    assert isinstance(hidden.event, Hidden)
    assert trail.departures() == ()
    assert trail.departures(hidden.event.confirm_by) == ()
    (late,) = trail.departures(hidden.event.confirm_by + timedelta(hours=1))
    assert (late.position, late.rule) == (hidden.position, "removal-unconfirmed")


def test_one_consultation_among_others_has_gaps_and_departs_nowhere() -> None:
    spread = [replace(each, position=3 * each.position) for each in LIFE()]
    assert {each.rule for each in replayed(spread).departures} >= {"position-gap"}
    assert "position-gap" not in {each.rule for each in replayed(spread, whole=False).departures}


def test_what_repeats_a_position_is_told_and_left_out() -> None:
    log = [*LIFE()[:40], LIFE()[10], *LIFE()[40:]]
    assert [(each.position, each.rule) for each in replayed(log).departures] == [(11, "position-gap")]


def test_an_event_of_another_concept_cannot_follow() -> None:
    made, kept = only(LIFE(), CommitmentMade), only(LIFE(), Kept)
    log = [replace(each, event=made.event, topic=made.topic) if each is kept else each for each in LIFE()]
    assert (kept.position, "impossible-history") in {(each.position, each.rule) for each in replayed(log).departures}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "2026-09-12T12:00:00"])
def test_a_moment_that_cannot_be_compared_is_told_and_reading_goes_on(moment: str) -> None:
    plain = line_of(only(LIFE(), Hidden))
    event = only(LIFE(), Hidden).event
    assert isinstance(event, Hidden)
    text = event.confirm_by.isoformat().replace("+00:00", "Z").encode()
    assert text in plain
    at = only(LIFE(), Hidden).position
    log = decoded([line_of(each).replace(text, moment.encode()) if each.position == at else line_of(each) for each in LIFE()])
    assert (at, "moment-out-of-range") in {(each.position, each.rule) for each in replayed(log).departures}


def test_policies_that_nobody_could_have_adopted_stop_no_replay() -> None:
    adopted = only(LIFE(), PoliciesAdopted)
    log = altered(LIFE(), adopted, lease_s=2**62, second_look_s=2**62, appeal_s=2**62)
    assert "moment-out-of-range" in {each.rule for each in replayed(log).departures}


def recoded(*recodings: tuple[int, str, str]) -> set[str]:
    """The rules that these recodings depart from: by codebook, reader and code, of a text that ada read before the second codebook."""
    town = Town()
    town.opens()
    stream = town.deposits()
    assert town.takes("review", "mona")
    assert town.looks(stream, "mona", agrees=False)
    assert town.takes("reading", "ada")
    assignment = town.states[stream].dossier.leases[0].assignment
    assert town.codes(stream, "ada", "access")
    assert town.do(STREAM, AdoptCodebook((*CODES, Code("opening", "Ouverture", "Ouvrir.")), "Un code de plus.", by=ADMIN))
    for codebook, reader, code in recodings:
        town.record(stream, Recoded(assignment, reader, codebook, (code,)))
    return {each.rule for each in replayed(town.log).departures}


def test_a_reader_who_codes_their_own_reading_anew_departs_nowhere() -> None:
    assert recoded((2, "ada", "opening")) == set()


@pytest.mark.parametrize(
    ("recoding", "rule"),
    [
        ((2, "bob", "opening"), "not-the-reader"),
        ((2, "ada", "closing"), "unknown-code"),
        ((1, "ada", "access"), "codebook-superseded"),
        ((7, "ada", "access"), "codebook-superseded"),
    ],
)
def test_a_reading_is_coded_anew_by_nobody_else_and_under_the_codebook_in_force(
    recoding: tuple[int, str, str], rule: str
) -> None:
    assert recoded(recoding) == {rule}


def test_a_reading_is_coded_anew_once_under_a_codebook() -> None:
    assert recoded((2, "ada", "opening"), (2, "ada", "costs")) == {"already-coded"}


def test_a_theme_that_was_never_added_cannot_be_extended() -> None:
    opened = next(each for each in LIFE() if each.topic == "consultation.theme_opened.v1")
    extended = ThemeExtended("nowhere", opened.recorded_at + timedelta(days=90), "Oui.", by="irene")
    log = [replace(each, event=extended, topic="consultation.theme_extended.v1") if each is opened else each for each in LIFE()]
    assert (opened.position, "unknown-theme") in {(each.position, each.rule) for each in replayed(log).departures}


@given(st.integers(1, 5), MOVES, st.booleans())
def test_whatever_happens_by_the_rules_departs_nowhere(contributions: int, moves: list[Move], over: bool) -> None:
    town = Town()
    town.opens()
    for _ in range(contributions):
        town.deposits()
    for move in moves:
        play(town, move, fair=True)
    if over:
        town.passes(timedelta(days=90))
    assert replayed(town.log).departures == ()


@given(st.integers(1, 4), MOVES)
def test_whatever_queues_hand_out_nothing_but_their_order_departs(contributions: int, moves: list[Move]) -> None:
    town = Town()
    town.opens()
    for _ in range(contributions):
        town.deposits()
    for move in moves:
        play(town, move, fair=False)
    assert {each.rule for each in replayed(town.log).departures} <= {"assignment-out-of-order"}


@given(st.data())
def test_whatever_a_log_holds_reading_goes_on(data: st.DataObject) -> None:
    events = data.draw(st.lists(st.sampled_from(LIFE()), max_size=60))
    streams = [each.stream for each in LIFE()[:30]]
    log = [
        replace(each, position=position, stream=data.draw(st.sampled_from((each.stream, *streams))))
        for position, each in enumerate(events, start=1)
    ]
    findings = replayed(log)
    assert findings.events == len(log)
    assert [each.position for each in findings.departures] == sorted(each.position for each in findings.departures)
