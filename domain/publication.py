"""A publication: prepared from the log at a position, published at a location, superseded by a later one with a reason."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from domain.errors import CorruptHistory, Refused

Kind = Literal["snapshot", "results"]
"""`snapshot`: the state of things, at any time. `results`: what the charter promises after the consultation."""


class Prepared(Struct, frozen=True, tag="publication.prepared.v1"):
    consultation: str
    kind: Kind
    position: int
    """Position of the log that the bundle shows."""
    digest: bytes
    """SHA-256 of the bundle's manifest, which holds that of every file."""
    publisher: str
    seen: int
    """Position of the log up to which erasures are heeded: what was erased until then is not in the bundle."""


class Published(Struct, frozen=True, tag="publication.published.v1"):
    location: str
    publisher: str


class Superseded(Struct, frozen=True, tag="publication.superseded.v1"):
    by: UUID
    reason: str
    publisher: str


Event = Prepared | Published | Superseded


class Prepare(Struct, frozen=True):
    consultation: str
    kind: Kind
    position: int
    digest: bytes
    publisher: str
    seen: int
    consultation_closed: bool
    """At `position`."""
    outstanding: int
    """Contributions that are neither published nor withheld with a reason, at `position`."""
    concealed: int
    """Contributions that the public saw at `position` and that have been hidden since."""


class Publish(Struct, frozen=True):
    location: str
    publisher: str
    concealed: int
    """Contributions that the bundle shows, and that have been hidden or erased since."""


class Supersede(Struct, frozen=True):
    publication: UUID
    """The one that is superseded."""
    by: UUID
    reason: str
    publisher: str
    successor: str | None
    """Consultation of the publication `by`; None unless it is published."""


Command = Prepare | Publish | Supersede


class Ready(Struct, frozen=True):
    """Prepared: the publisher sees it, the public does not."""

    consultation: str
    position: int
    seen: int


class Public(Struct, frozen=True):
    consultation: str


class Replaced(Struct, frozen=True):
    consultation: str


State = Ready | Public | Replaced | None
"""None: nothing has happened yet."""


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that `command` causes in `state`; raises Refused where the rules do not allow it."""
    match state, command:
        case None, Prepare(kind="results", consultation_closed=False):
            raise Refused("consultation-running", field="kind")
        case None, Prepare(kind="results", outstanding=outstanding) if outstanding:
            raise Refused("contributions-outstanding", outstanding=outstanding)
        case None, Prepare(concealed=concealed) if concealed:
            raise Refused("bundle-outdated", field="position", concealed=concealed)
        case None, Prepare(consultation, kind, position, digest, publisher, seen):
            return (Prepared(consultation, kind, position, digest, publisher, seen),)
        case Ready(), Publish(concealed=concealed) if concealed:
            raise Refused("bundle-outdated", concealed=concealed)
        case Ready(), Publish(location, publisher):
            return (Published(location, publisher),)
        case Public(), Supersede(reason=reason) if not reason.strip():
            raise Refused("reason-missing", field="reason")
        case Public(consultation), Supersede(publication, by, successor=successor) if (
            by == publication or successor != consultation
        ):
            raise Refused("not-a-successor", field="by", by=by)
        case Public(), Supersede(_, by, reason, publisher):
            return (Superseded(by, reason, publisher),)
    raise Refused("not-now", state=type(state).__name__ if state else "nothing", command=type(command).__name__)


def evolve(state: State, event: Event) -> State:
    match state, event:
        case None, Prepared(consultation, position=position, seen=seen):
            return Ready(consultation, position, seen)
        case Ready(consultation), Published():
            return Public(consultation)
        case Public(consultation), Superseded():
            return Replaced(consultation)
    raise CorruptHistory(state, event)


def exposes(prepared: Prepared, erased_at: int, *, visible: bool) -> bool:
    """Whether a bundle shows a text that was erased at a position; `visible` says how the contribution stood where the bundle looks.

    Such a bundle is served no more, published or not: to hand it out is to publish the text again.
    """
    return visible and prepared.seen < erased_at
