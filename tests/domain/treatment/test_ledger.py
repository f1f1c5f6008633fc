"""The ledger: what the measures count, as a life of events tells it."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from domain import consultation, contribution, proposal, publication
from domain.errors import CorruptHistory
from domain.record import Event, Recorded, consultation_stream, topic
from domain.sealed import PENDING
from domain.treatment.course import Course
from domain.treatment.ledger import Ledger

SLUG = "essai"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
ONE, TWO, IDEA, BUNDLE = (UUID(int=number, version=4) for number in range(1, 5))
BY = "staff-administrator"
BEGUN: list[tuple[UUID, Event]] = [
    (consultation_stream(SLUG), consultation.Prepared(SLUG, "Essai", "fr", by=BY)),
    (consultation_stream(SLUG), consultation.PoliciesAdopted("after", 3_600, 7_200, 2, 600, 2, 20_000, 365, by=BY)),
    (consultation_stream(SLUG), consultation.Opened(sha256(bytes(32)).digest(), PENDING, bytes(32), by=BY)),
]


def submitted(theme: str = "data") -> contribution.Submitted:
    return contribution.Submitted(SLUG, theme, 1, "web", "", "fr", 40, True, False, bytes(32), bytes(32), PENDING)


def hidden(*, analysed: bool = False) -> contribution.Hidden:
    return contribution.Hidden("moderator-1", "5.sensitive-data", 1, analysed, "human", LATER, bytes(32), PENDING)


def ledger(*happened: tuple[UUID, Event]) -> Ledger:
    """An hour lies between two events, the first of which happened at noon."""
    told, versions = Ledger(SLUG), dict.fromkeys([stream for stream, _ in happened], 0)
    for position, (stream, event) in enumerate([*BEGUN, *happened], 1):
        versions[stream] = versions.get(stream, 0) + 1
        at = NOON + (position - len(BEGUN) - 1) * timedelta(hours=1)
        told.follow(Recorded(position, stream, versions[stream], SLUG, at, event, topic(event)))
    return told


def course(*events: contribution.Event) -> Course:
    return ledger(*((ONE, event) for event in events)).courses[ONE]


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NOON) / timedelta(hours=1)


def reading(number: int, reader: str, *codes: str) -> list[contribution.Event]:
    assignment = UUID(int=100 + number, version=4)
    return [
        contribution.ReadingAssigned(assignment, reader, number, LATER, 1),
        contribution.Coded(assignment, reader, 1, codes),
    ]


def test_a_contribution_that_was_kept_is_decided_settled_and_included_at_once() -> None:
    kept = course(submitted(), contribution.Kept("moderator-1"))
    assert (hours(kept.received), hours(kept.decided), hours(kept.settled)) == (0, 1, 1)
    assert (kept.hidden, kept.included, kept.excluded) == (False, True, False)


def test_a_removal_is_excluded_once_it_is_confirmed_and_says_that_it_is_not_analysed() -> None:
    contested = course(submitted(), hidden())
    assert (contested.hidden, contested.excluded, hours(contested.settled)) == (True, False, None)
    confirmed = course(submitted(), hidden(), contribution.HidingConfirmed("moderator-2", LATER))
    assert (confirmed.excluded, hours(confirmed.settled)) == (True, 2)
    assert confirmed.removal is not None
    assert (confirmed.removal.second, hours(confirmed.removal.concluded), confirmed.removal.overturned) == ("agrees", 2, False)
    analysed = course(submitted(), hidden(analysed=True), contribution.HidingConfirmed("moderator-2", LATER))
    assert (analysed.hidden, analysed.excluded, analysed.included) == (True, False, True)


@pytest.mark.parametrize(
    ("events", "third", "lifted", "overturned"),
    [
        ([contribution.HidingDisputed("m2"), contribution.Reinstated("m3", "third-look")], "disagrees", False, True),
        ([contribution.HidingDisputed("m2"), contribution.HidingConfirmed("m3", LATER)], "agrees", False, False),
        ([contribution.Reinstated("system", "unconfirmed")], None, True, False),
        (
            [
                contribution.HidingConfirmed("m2", LATER),
                contribution.Appealed(bytes(32), PENDING),
                contribution.AppealSettled("m3", True, bytes(32), PENDING),
            ],
            None,
            False,
            True,
        ),
    ],
)
def test_what_became_of_a_removal_is_told_from_the_looks_that_followed(
    events: list[contribution.Event], third: str | None, lifted: bool, overturned: bool
) -> None:
    removal = course(submitted(), hidden(), *events).removal
    assert removal is not None
    assert (removal.third, removal.lifted, removal.overturned) == (third, lifted, overturned)


def test_readings_are_enough_when_two_share_a_code_and_a_third_is_waited_for_when_they_do_not() -> None:
    begun: list[contribution.Event] = [submitted(), contribution.Kept("moderator-1")]
    agreed = course(*begun, *reading(1, "r1", "access"), *reading(2, "r2", "access", "costs"))
    assert (hours(agreed.read), hours(agreed.read_enough)) == (3, 5)
    differing = [*begun, *reading(1, "r1", "access"), *reading(2, "r2", "costs")]
    assert course(*differing).read_enough is None
    assert hours(course(*differing, *reading(3, "r3", "other")).read_enough) == 7
    assert course(*differing).codings == [("access",), ("costs",)]


def test_what_is_withdrawn_keeps_its_past_and_is_neither_included_nor_excluded() -> None:
    gone = course(submitted(), contribution.Kept("moderator-1"), contribution.Erased("contributor", "withdrawal"))
    assert (gone.withdrawn, gone.included, gone.excluded, hours(gone.decided)) == (True, False, False, 1)


def test_a_contribution_rests_on_the_proposals_that_are_linked_to_it_and_on_their_decisions() -> None:
    drafted = proposal.Drafted(SLUG, "data", "Ouvrir", "Tout.", "analyst-1")
    decided: list[Event] = [
        proposal.Submitted("spring", "secretary-1"),
        proposal.OpinionGiven("spring", favourable=True, opinion="Oui.", secretary="secretary-1"),
        proposal.Arbitrated("retained", "Utile.", proposal.Coverage(0, 1, 1), "Le calendrier.", "secretary-1"),
    ]
    told = ledger(
        (ONE, submitted()),
        (TWO, submitted()),
        (IDEA, drafted),
        (IDEA, proposal.ContributionLinked(ONE, "analyst-1")),
        (IDEA, proposal.ContributionLinked(TWO, "analyst-1")),
        (IDEA, proposal.ContributionUnlinked(TWO, "Hors sujet.", "analyst-1")),
        *((IDEA, event) for event in decided),
    )
    assert [(stream, drawn.decided) for stream, drawn in told.resting()] == [(ONE, True)]
    assert (hours(told.courses[ONE].linked), hours(told.courses[ONE].arbitrated)) == (3, 8)
    assert (hours(told.courses[TWO].linked), told.courses[TWO].arbitrated) == (4, None)


def test_what_is_published_is_told_by_the_bundle_that_stands() -> None:
    prepared = (BUNDLE, publication.Prepared(SLUG, "results", 7, bytes(32), BY, 7))
    published = (BUNDLE, publication.Published("https://exemple.fr/", BY))
    superseded = (BUNDLE, publication.Superseded(IDEA, "Erreur.", BY))
    assert ledger(prepared).published == 0
    assert ledger(prepared, published).published == 7
    assert ledger(prepared, published, superseded).published == 0


@pytest.mark.parametrize(("revealed", "seed"), [(bytes(32), bytes(32)), (bytes(31), None)])
def test_the_seed_is_known_once_it_is_revealed_and_fits_its_digest(revealed: bytes, seed: bytes | None) -> None:
    stream = consultation_stream(SLUG)
    told = ledger((stream, consultation.Closed(by=BY)), (stream, consultation.ReadingsFinished(revealed, 1, by=BY)))
    assert told.seed == seed


def test_an_event_that_cannot_follow_stops_the_ledger() -> None:
    with pytest.raises(CorruptHistory):
        course(submitted(), contribution.HidingConfirmed("moderator-2", LATER))


def test_a_contribution_that_never_arrived_stops_the_ledger() -> None:
    with pytest.raises(CorruptHistory):
        ledger((ONE, contribution.Kept("moderator-1")))


def test_the_ledger_says_how_far_it_has_come() -> None:
    told = ledger(
        (ONE, submitted()), (consultation_stream(SLUG), consultation.CommitteeConvened("spring", date(2026, 5, 1), by=BY))
    )
    assert (told.position, hours(told.last_at), told.readers) == (len(BEGUN) + 2, 1, 2)
    assert told.opened is not None
    assert told.opened.position == len(BEGUN)
