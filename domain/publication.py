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


class Published(Struct, frozen=True, tag="publication.published.v1"):
    location: str
    publisher: str


class Superseded(Struct, frozen=True, tag="publication.superseded.v1"):
    by: UUID
    reason: str


Event = Prepared | Published | Superseded


class Prepare(Struct, frozen=True):
    consultation: str
    kind: Kind
    position: int
    digest: bytes
    publisher: str
    consultation_closed: bool
    outstanding: int
    """Contributions that are neither published nor withheld with a reason, at `position`."""


class Publish(Struct, frozen=True):
    location: str
    publisher: str


class Supersede(Struct, frozen=True):
    by: UUID
    reason: str
    successor_published: bool


Command = Prepare | Publish | Supersede


class Ready(Struct, frozen=True):
    consultation: str


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
        case None, Prepare(consultation, kind, position, digest, publisher):
            return (Prepared(consultation, kind, position, digest, publisher),)
        case Ready(), Publish(location, publisher):
            return (Published(location, publisher),)
        case Public(), Supersede(reason=reason) if not reason.strip():
            raise Refused("reason-missing", field="reason")
        case Public(), Supersede(successor_published=False):
            raise Refused("not-now", field="by", state="the successor is not published")
        case Public(), Supersede(by, reason):
            return (Superseded(by, reason),)
    raise Refused("not-now", state=type(state).__name__ if state else "nothing", command=type(command).__name__)


def evolve(state: State, event: Event) -> State:
    match state, event:
        case None, Prepared(consultation):
            return Ready(consultation)
        case Ready(consultation), Published():
            return Public(consultation)
        case Public(consultation), Superseded():
            return Replaced(consultation)
    raise CorruptHistory(state, event)
