"""What can have happened to a contribution.

Nothing here refers back to itself, so `gc=False` is safe: the collector would only walk in vain over what reading a long log leaves behind.
"""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from domain.sealed import Sealed

Channel = Literal["web", "paper", "email"]
Actor = Literal["", "public", "private", "associative", "professional", "amateur"]
Origin = Literal["human", "automated"]
"""`automated`: a tool proposed it, as the screening does. What Article 17(3)(c) of Regulation (EU) 2022/2065 asks a statement of reasons to say."""
Look = Literal["first", "second", "third", "appeal"]
Cause = Literal["withdrawal", "request", "legal-order", "unstated"]
"""Of an erasure. `unstated`: the first shape of the event did not say; nothing is recorded with it any more."""
CONTRIBUTOR: Final = "contributor"
"""Who erases by the code of a receipt."""


class Submitted(Struct, frozen=True, gc=False, tag="contribution.submitted.v1"):
    consultation: str
    theme: str
    charter: int
    """Version of the charter that the contributor consented to."""
    channel: Channel
    actor: Actor
    """Kind of actor as declared; empty when not declared."""
    language: str
    length: int
    """In characters (code points)."""
    contact_left: bool
    held: bool
    """Kept from public view until its first look: the policy moderates before publication."""
    code_digest: bytes
    commitment: bytes
    sealed: Sealed


class Flagged(Struct, frozen=True, gc=False, tag="contribution.flagged.v1"):
    rules: str
    """Version of the screening rules."""
    commitment: bytes
    sealed: Sealed


class ReviewAssigned(Struct, frozen=True, gc=False, tag="contribution.review_assigned.v1"):
    assignment: UUID
    reviewer: str
    look: Look
    expires: datetime
    seen: int
    """Position of the log at which the queue was read."""


class LeaseExpired(Struct, frozen=True, gc=False, tag="contribution.lease_expired.v1"):
    assignment: UUID


class Kept(Struct, frozen=True, gc=False, tag="contribution.kept.v1"):
    reviewer: str


class Hidden(Struct, frozen=True, gc=False, tag="contribution.hidden.v1"):
    reviewer: str
    clause: str
    charter: int
    analysed: bool
    """Whether the text still counts in the analysis: a decision apart from its visibility."""
    origin: Origin
    """Who found what the removal is about. Either way the person who holds the lease decides: no removal is taken by a machine."""
    confirm_by: datetime
    commitment: bytes
    statement: Sealed


class HidingConfirmed(Struct, frozen=True, gc=False, tag="contribution.hiding_confirmed.v1"):
    reviewer: str
    appeal_by: datetime


class HidingDisputed(Struct, frozen=True, gc=False, tag="contribution.hiding_disputed.v1"):
    """The second reviewer disagrees with the first: a third decides."""

    reviewer: str


class Reinstated(Struct, frozen=True, gc=False, tag="contribution.reinstated.v1"):
    by: str
    cause: Literal["third-look", "unconfirmed"]


class Appealed(Struct, frozen=True, gc=False, tag="contribution.appealed.v1"):
    commitment: bytes
    sealed: Sealed


class AppealSettled(Struct, frozen=True, gc=False, tag="contribution.appeal_settled.v1"):
    reviewer: str
    granted: bool
    commitment: bytes
    statement: Sealed


class ReadingAssigned(Struct, frozen=True, gc=False, tag="contribution.reading_assigned.v1"):
    assignment: UUID
    reader: str
    round: int
    expires: datetime
    seen: int


class Coded(Struct, frozen=True, gc=False, tag="contribution.coded.v1"):
    assignment: UUID
    reader: str
    codebook: int
    codes: tuple[str, ...]


class Recoded(Struct, frozen=True, gc=False, tag="contribution.recoded.v1"):
    """A reader has coded their own reading anew, under a later codebook; what they found before stays in its own event."""

    assignment: UUID
    """Of the reading."""
    reader: str
    codebook: int
    codes: tuple[str, ...]


class QuestionAsked(Struct, frozen=True, gc=False, tag="contribution.question_asked.v1"):
    question: UUID
    asker: str
    commitment: bytes
    sealed: Sealed


class QuestionAnswered(Struct, frozen=True, gc=False, tag="contribution.question_answered.v1"):
    question: UUID
    commitment: bytes
    sealed: Sealed


class ErasedUnsealed(Struct, frozen=True, gc=False, tag="contribution.erased.v1"):
    """The first shape: its reason rests in clear in the log."""

    by: str
    reason: str


class Erased(Struct, frozen=True, gc=False, tag="contribution.erased.v2"):
    by: str
    """`contributor`, or the pseudonym of the publisher who carried out a request or an order."""
    cause: Cause
    commitment: bytes = b""
    """Of the publisher's reason; empty where there is none."""
    reason: Sealed | None = None
    """Sealed under `domain.record.erasure_stream`: a reason may name a person, and must outlive the keys that the erasure destroys."""


def upcast(erased: ErasedUnsealed) -> Erased:
    """Whether it was a request or an order was not said then, and what was said in clear is not repeated."""
    return Erased(erased.by, "withdrawal" if erased.by == CONTRIBUTOR else "unstated")


Event = (
    Submitted | Flagged | ReviewAssigned | LeaseExpired | Kept | Hidden | HidingConfirmed | HidingDisputed | Reinstated
    | Appealed | AppealSettled | ReadingAssigned | Coded | Recoded | QuestionAsked | QuestionAnswered | Erased
)  # fmt: skip
