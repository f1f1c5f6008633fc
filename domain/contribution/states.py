"""What a contribution is at a moment, and how its events move it."""

from datetime import datetime
from functools import lru_cache
from itertools import combinations
from sys import intern
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.contribution.events import (
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
    LeaseExpired,
    Look,
    QuestionAnswered,
    QuestionAsked,
    ReadingAssigned,
    Recoded,
    Reinstated,
    ReviewAssigned,
    Submitted,
)  # fmt: skip
from domain.errors import CorruptHistory


class Lease(Struct, frozen=True, gc=False):
    assignment: UUID
    holder: str
    expires: datetime


class Reading(Struct, frozen=True, gc=False):
    """A reading that has been made, as it stands now."""

    assignment: UUID
    reader: str
    codebook: int
    """Version that `codes` come from."""
    codes: tuple[str, ...]
    """The latest."""
    first: tuple[str, ...]
    """Those that the reader gave when they first read the text."""


class Dossier(Struct, frozen=True, gc=False):
    """What accumulates whatever moderation decides."""

    consultation: str
    theme: str
    charter: int
    code_digest: bytes
    held: bool
    language: str = "fr"
    review: Lease | None = None
    took_part: frozenset[str] = frozenset()
    """Pseudonyms of those who decided here."""
    appealed: bool = False
    leases: tuple[Lease, ...] = ()
    """Readings under way."""
    readings: tuple[Reading, ...] = ()
    """Readings made, in order."""
    asked: tuple[UUID, ...] = ()
    answered: tuple[UUID, ...] = ()
    """Questions, in order."""
    screened: tuple[str, ...] = ()
    """Versions of the screening rules under which the text has been screened, in order."""


class Unreviewed(Struct, frozen=True, tag=True, gc=False):
    dossier: Dossier


class Cleared(Struct, frozen=True, tag=True, gc=False):
    """Kept, or reinstated: visible and analysed for good."""

    dossier: Dossier


class Contested(Struct, frozen=True, tag=True, gc=False):
    """Hidden, and waiting for a second look."""

    dossier: Dossier
    analysed: bool
    confirm_by: datetime


class Disputed(Struct, frozen=True, tag=True, gc=False):
    """Hidden, two reviewers disagree, and a third decides."""

    dossier: Dossier
    analysed: bool
    confirm_by: datetime


class Withheld(Struct, frozen=True, tag=True, gc=False):
    dossier: Dossier
    analysed: bool
    appeal_by: datetime


class UnderAppeal(Struct, frozen=True, tag=True, gc=False):
    dossier: Dossier
    analysed: bool


class Excluded(Struct, frozen=True, tag=True, gc=False):
    """The appeal was settled against it: withheld for good."""

    dossier: Dossier
    analysed: bool


class Gone(Struct, frozen=True, tag=True, gc=False):
    """Erased: nothing can be done with it, and nothing is known of it but that it was."""

    dossier: Dossier


Present = Unreviewed | Cleared | Contested | Disputed | Withheld | UnderAppeal | Excluded
State = Present | Gone | None
"""None: nothing has happened yet."""


def visible(state: State) -> bool:
    """Whether the public may see the text."""
    match state:
        case Cleared():
            return True
        case Unreviewed(dossier):
            return not dossier.held
    return False


Standing = Literal["visible", "awaiting-review", "withheld", "withdrawn"]


def standing(state: Present | Gone) -> Standing:
    """What has become of it, in one public word."""
    match state:
        case Gone():
            return "withdrawn"
        case _ if visible(state):
            return "visible"
        case Unreviewed():
            return "awaiting-review"
    return "withheld"


def analysed(state: State) -> bool:
    """Whether the text counts in the analysis: a contribution stays in it until a removal says otherwise."""
    match state:
        case Unreviewed() | Cleared():
            return True
        case (
            Contested(_, analysed)
            | Disputed(_, analysed)
            | Withheld(_, analysed)
            | UnderAppeal(_, analysed)
            | Excluded(_, analysed)
        ):
            return analysed
    return False


def settled(state: State) -> bool:
    """Whether moderation has nothing left to do unless the contributor appeals."""
    return isinstance(state, Cleared | Withheld | Excluded)


def look(state: State) -> Look | None:
    """Which look moderation owes this contribution now."""
    match state:
        case Unreviewed():
            return "first"
        case Contested():
            return "second"
        case Disputed():
            return "third"
        case UnderAppeal():
            return "appeal"
    return None


def screening_owed(state: State, rules: str) -> bool:
    """Whether the text waits to be screened under these rules: every text once, and anew under later ones while its first look is owed."""
    if state is None or isinstance(state, Gone) or rules in state.dossier.screened:
        return False
    return not state.dossier.screened or isinstance(state, Unreviewed)


def readings_wanted(dossier: Dossier, readers: int) -> int:
    """How many readings in all: the policy's number, and one more when that many readings share no code two by two.

    What counts are the codes first given: to recode neither calls for a reading after the readings were finished, nor makes one needless that
    somebody was asked for.
    """
    done = [set(reading.first) for reading in dossier.readings[:readers]]
    if len(done) < max(readers, 2) or any(one & other for one, other in combinations(done, 2)):
        return readers
    return readers + 1


def read_enough(state: State, readers: int) -> bool:
    """Whether every reading has been made: until then no reader may learn what another found."""
    return state is not None and len(state.dossier.readings) >= readings_wanted(state.dossier, readers)


def reading_owed(state: State, readers: int) -> int | None:
    """Which reading the contribution waits for, counted from 1; None when it waits for none."""
    if not settled(state) or not analysed(state) or state is None:
        return None
    under_way = len(state.dossier.readings) + len(state.dossier.leases)
    return under_way + 1 if under_way < readings_wanted(state.dossier, readers) else None


def has_read(dossier: Dossier) -> frozenset[str]:
    """Those who have read it, or hold it: a reader sees a contribution once."""
    return frozenset([*(reading.reader for reading in dossier.readings), *(lease.holder for lease in dossier.leases)])


def reading_of(dossier: Dossier, assignment: UUID) -> Reading | None:
    """The reading made under this assignment."""
    return next((reading for reading in dossier.readings if reading.assignment == assignment), None)


def recodable(state: State, assignment: UUID, codebook: int) -> bool:
    """Whether a reading was coded under an earlier codebook than `codebook`, and its text still counts."""
    if state is None or not analysed(state):
        return False
    reading = reading_of(state.dossier, assignment)
    return reading is not None and reading.codebook < codebook


def found(state: State) -> frozenset[str]:
    """Every code that a reader finds in the contribution, each by their latest word; none once it is erased."""
    if state is None or isinstance(state, Gone):
        return frozenset()
    return frozenset([code for reading in state.dossier.readings for code in reading.codes])


_DECISIVE: Final = (Kept, Hidden, HidingConfirmed, HidingDisputed, Reinstated, Appealed, AppealSettled, Erased)
"""Events that lead to another state; the others add to the dossier."""


def evolve(state: State, event: Event) -> State:
    if state is None or isinstance(state, Gone):
        return _received(state, event)
    if isinstance(event, _DECISIVE):
        return _decided(state, event)
    return replace(state, dossier=_accumulated(state, event))


def _received(state: Gone | None, event: Event) -> Unreviewed:
    if state is None and isinstance(event, Submitted):
        consultation, theme, language = intern(event.consultation), intern(event.theme), intern(event.language)
        return Unreviewed(Dossier(consultation, theme, event.charter, event.code_digest, event.held, language))
    raise CorruptHistory(state, event)


def _decided(state: Present, event: Event) -> Present | Gone:
    match state, event:
        case _, (
            Kept(reviewer) | HidingDisputed(reviewer) | HidingConfirmed(reviewer) | Hidden(reviewer) | AppealSettled(reviewer)
        ):
            dossier = replace(state.dossier, review=None, took_part=_joined(state.dossier.took_part, reviewer))
            return _moderated(state, dossier, event)
        case _, Erased():
            return Gone(replace(state.dossier, review=None, leases=()))
        case ((Contested(dossier) | Disputed(dossier)), Reinstated(by)):
            return Cleared(replace(dossier, review=None, took_part=_joined(dossier.took_part, by)))
        case Withheld(dossier, analysed), Appealed():
            return UnderAppeal(replace(dossier, appealed=True), analysed)
    raise CorruptHistory(state, event)


def _moderated(state: Present, dossier: Dossier, event: Event) -> Present:
    """The state after a reviewer's decision; `dossier` already counts them among those who took part."""
    match state, event:
        case Unreviewed(), Kept():
            return Cleared(dossier)
        case Unreviewed(), Hidden(analysed=analysed, confirm_by=confirm_by):
            return Contested(dossier, analysed, confirm_by)
        case Contested(_, analysed, confirm_by), HidingDisputed():
            return Disputed(dossier, analysed, confirm_by)
        case ((Contested(_, analysed) | Disputed(_, analysed)), HidingConfirmed(appeal_by=appeal_by)):
            return Withheld(dossier, analysed, appeal_by)
        case UnderAppeal(), AppealSettled(granted=True):
            return Cleared(dossier)
        case UnderAppeal(_, analysed), AppealSettled(granted=False):
            return Excluded(dossier, analysed)
    raise CorruptHistory(state, event)


def _accumulated(state: Present, event: Event) -> Dossier:
    """The dossier after what changes no decision: leases, readings, questions. What happens most often stands first."""
    dossier = state.dossier
    match event:
        case ReadingAssigned(assignment, reader, _, expires):
            return replace(dossier, leases=(*dossier.leases, Lease(assignment, reader, expires)))
        case Coded(assignment, reader, codebook, codes) if len(left := _without(dossier.leases, assignment)) < len(
            dossier.leases
        ):
            codes = _shared(codes)
            return replace(
                dossier, leases=left, readings=(*dossier.readings, Reading(assignment, reader, codebook, codes, codes))
            )
        case ReviewAssigned(assignment, reviewer, _, expires) if dossier.review is None:
            return replace(dossier, review=Lease(assignment, reviewer, expires))
        case Flagged(rules) if rules not in dossier.screened:
            return replace(dossier, screened=_shared((*dossier.screened, rules)))
        case LeaseExpired(assignment) if dossier.review is not None and dossier.review.assignment == assignment:
            return replace(dossier, review=None)
        case LeaseExpired(assignment) if lease_of(dossier, assignment):
            return replace(dossier, leases=_without(dossier.leases, assignment))
        case Recoded(assignment) if reading_of(dossier, assignment):
            return replace(dossier, readings=tuple([_anew(reading, event) for reading in dossier.readings]))
        case QuestionAsked(question):
            return replace(dossier, asked=(*dossier.asked, question))
        case QuestionAnswered(question):
            return replace(dossier, answered=(*dossier.answered, question))
    raise CorruptHistory(state, event)


def _anew(reading: Reading, event: Recoded) -> Reading:
    if reading.assignment != event.assignment:
        return reading
    return replace(reading, codebook=event.codebook, codes=_shared(event.codes))


@lru_cache(maxsize=4_096)
def _joined(names: frozenset[str], name: str) -> frozenset[str]:
    """The same few people handle thousands of contributions: equal sets are one object."""
    return names | {name}


@lru_cache(maxsize=4_096)
def _shared(words: tuple[str, ...]) -> tuple[str, ...]:
    """Equal lists of codes, or of rules, are one object."""
    return words


def lease_of(dossier: Dossier, assignment: UUID) -> Lease | None:
    """The reading under way that carries this assignment."""
    return next((lease for lease in dossier.leases if lease.assignment == assignment), None)


def _without(leases: tuple[Lease, ...], assignment: UUID) -> tuple[Lease, ...]:
    return tuple([lease for lease in leases if lease.assignment != assignment])  # a list is faster than a generator here
