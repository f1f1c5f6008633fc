"""Facts of a contribution that its tests begin from."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.contribution import (
    Appealed,
    AppealSettled,
    Coded,
    Erased,
    Event,
    Flagged,
    Hidden,
    HidingConfirmed,
    HidingDisputed,
    Kept,
    Look,
    QuestionAnswered,
    QuestionAsked,
    ReadingAssigned,
    Recoded,
    Reinstated,
    ReviewAssigned,
    State,
    Submit,
    Submitted,
    Terms,
    evolve,
)
from tests.domain.grammar import SEALED

NOON: Final = datetime(2026, 9, 10, 12, tzinfo=UTC)
LEASE_S: Final = 1_800
SECOND_LOOK_S: Final = 3 * 86_400
APPEAL_S: Final = 14 * 86_400
LEASE_ENDS: Final = NOON + timedelta(seconds=LEASE_S)
CONFIRM_BY: Final = NOON + timedelta(seconds=SECOND_LOOK_S)
APPEAL_BY: Final = NOON + timedelta(seconds=APPEAL_S)
INSTANT: Final = timedelta(microseconds=1)

CODE: Final = b"\x0c" * 32
WRONG: Final = b"\x0d" * 32
COMMITMENT: Final = b"\x05" * 32
CLAUSES: Final = frozenset({"3.cordial", "5.sensitive-data"})
ASSIGNED: Final = UUID(int=100)
OTHER: Final = UUID(int=101)
QUESTION: Final = UUID(int=200)

TERMS: Final = Terms(frozenset({"archives", "data"}), frozenset({"archives"}), 2, 10, 100, moderated_before=False)


def submit(**changed: Any) -> Submit:
    """A deposit that the terms allow, but for what is changed."""
    facts: dict[str, Any] = {
        "consultation": "culture", "theme": "archives", "charter": 2, "channel": "web", "actor": "amateur", "language": "fr",
        "length": 60, "stripped_length": 58, "contact_left": False, "code_digest": CODE, "commitment": COMMITMENT,
        "sealed": SEALED, "terms": TERMS,
    }  # fmt: skip
    return Submit(**facts | changed)


def given(*events: Event) -> State:
    state: State = None
    for event in events:
        state = evolve(state, event)
    return state


submitted: Final = Submitted("culture", "archives", 2, "web", "amateur", "fr", 60, False, False, CODE, COMMITMENT, SEALED)
hidden: Final = Hidden("mona", "3.cordial", 2, False, "human", CONFIRM_BY, COMMITMENT, SEALED)
kept: Final = Kept("mona")
confirmed: Final = HidingConfirmed("nils", APPEAL_BY)
disputed: Final = HidingDisputed("nils")
appealed: Final = Appealed(COMMITMENT, SEALED)
granted: Final = AppealSettled("olga", True, COMMITMENT, SEALED)
rejected: Final = AppealSettled("olga", False, COMMITMENT, SEALED)
lifted: Final = Reinstated("system", "unconfirmed")
flagged: Final = Flagged("rules-1", COMMITMENT, SEALED)
erased: Final = Erased("contributor", "withdrawal")
asked: Final = QuestionAsked(QUESTION, "ada", COMMITMENT, SEALED)
answered: Final = QuestionAnswered(QUESTION, COMMITMENT, SEALED)


def lent(reviewer: str, look: Look = "first", assignment: UUID = ASSIGNED) -> ReviewAssigned:
    return ReviewAssigned(assignment, reviewer, look, LEASE_ENDS, 40)


def reading(reader: str, assignment: UUID = ASSIGNED, number: int = 1) -> ReadingAssigned:
    return ReadingAssigned(assignment, reader, number, LEASE_ENDS, 40)


def coded(reader: str, *codes: str, assignment: UUID = ASSIGNED) -> Coded:
    return Coded(assignment, reader, 1, codes)


def recoded(reader: str, *codes: str, assignment: UUID = ASSIGNED, codebook: int = 2) -> Recoded:
    return Recoded(assignment, reader, codebook, codes)


NEW: Final[tuple[Event, ...]] = (submitted,)
CLEARED: Final[tuple[Event, ...]] = (submitted, lent("mona"), kept)
CONTESTED: Final[tuple[Event, ...]] = (submitted, lent("mona"), hidden)
DISPUTED: Final[tuple[Event, ...]] = (*CONTESTED, lent("nils", "second"), disputed)
WITHHELD: Final[tuple[Event, ...]] = (*CONTESTED, lent("nils", "second"), confirmed)
APPEALED: Final[tuple[Event, ...]] = (*WITHHELD, appealed)
EXCLUDED: Final[tuple[Event, ...]] = (*APPEALED, lent("olga", "appeal"), rejected)
GRANTED: Final[tuple[Event, ...]] = (*APPEALED, lent("olga", "appeal"), granted)
GONE: Final[tuple[Event, ...]] = (*CLEARED, erased)

STANDINGS: Final[dict[str, tuple[Event, ...]]] = {
    "new": NEW, "cleared": CLEARED, "contested": CONTESTED, "disputed": DISPUTED, "withheld": WITHHELD,
    "under appeal": APPEALED, "excluded": EXCLUDED, "granted": GRANTED,
}  # fmt: skip
