"""What somebody may want of a contribution, with every fact that the rule needs."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.contribution.events import Actor, Cause, Channel, Origin
from domain.sealed import Sealed


class Terms(Struct, frozen=True):
    """What the consultation allows at the version that the deposit names in `given`."""

    themes: frozenset[str]
    open_themes: frozenset[str]
    charter: int
    length_min: int
    length_max: int
    moderated_before: bool


class Submit(Struct, frozen=True):
    consultation: str
    theme: str
    charter: int
    channel: Channel
    actor: Actor
    language: str
    length: int
    stripped_length: int
    contact_left: bool
    code_digest: bytes
    commitment: bytes
    sealed: Sealed
    terms: Terms


class Flag(Struct, frozen=True):
    rules: str
    commitment: bytes
    sealed: Sealed


class AssignReview(Struct, frozen=True):
    assignment: UUID
    reviewer: str
    now: datetime
    lease_s: int
    seen: int


class ExpireLease(Struct, frozen=True):
    assignment: UUID
    now: datetime


class Keep(Struct, frozen=True):
    reviewer: str
    now: datetime


class Hide(Struct, frozen=True):
    reviewer: str
    now: datetime
    clause: str
    removable: frozenset[str]
    """Clauses that allow a removal, in the charter version that the contributor consented to."""
    analysed: bool
    second_look_s: int
    commitment: bytes
    statement: Sealed
    origin: Origin = "human"


class Review(Struct, frozen=True):
    """The second or third look at a removal."""

    reviewer: str
    now: datetime
    agrees: bool
    appeal_s: int


class LiftUnconfirmed(Struct, frozen=True):
    now: datetime


class Appeal(Struct, frozen=True):
    code_digest: bytes
    now: datetime
    commitment: bytes
    sealed: Sealed


class SettleAppeal(Struct, frozen=True):
    reviewer: str
    now: datetime
    granted: bool
    commitment: bytes
    statement: Sealed


class AssignReading(Struct, frozen=True):
    assignment: UUID
    reader: str
    now: datetime
    lease_s: int
    readers: int
    seen: int


class CodeReading(Struct, frozen=True):
    assignment: UUID
    reader: str
    now: datetime
    codebook: int
    codes: tuple[str, ...]
    codebook_in_force: int
    known: frozenset[str]


class Recode(Struct, frozen=True):
    """By the reader who made the reading, once a later codebook is in force."""

    assignment: UUID
    reader: str
    codebook: int
    codes: tuple[str, ...]
    codebook_in_force: int
    known: frozenset[str]


class AskQuestion(Struct, frozen=True):
    question: UUID
    asker: str
    commitment: bytes
    sealed: Sealed


class AnswerQuestion(Struct, frozen=True):
    code_digest: bytes
    question: UUID
    commitment: bytes
    sealed: Sealed


class Withdraw(Struct, frozen=True):
    """By the contributor, who says nothing of why: it would rest in the log for ever."""

    code_digest: bytes


class Erase(Struct, frozen=True):
    """By the publisher, on request or legal order."""

    publisher: str
    cause: Cause
    commitment: bytes
    reason: Sealed | None
    """None in events of the first shape alone."""


Command = (
    Submit | Flag | AssignReview | ExpireLease | Keep | Hide | Review | LiftUnconfirmed | Appeal | SettleAppeal
    | AssignReading | CodeReading | Recode | AskQuestion | AnswerQuestion | Withdraw | Erase
)  # fmt: skip
