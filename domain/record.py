"""The envelope, the closed union of events, and how stored bytes become events again."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache, reduce
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from domain import consultation, contribution, proposal, publication
from domain.sealed import Sealed

Event = consultation.Event | contribution.Event | proposal.Event | publication.Event
"""Everything that can have happened. A consumer that matches on it knows when it has forgotten a case."""

S = TypeVar("S")
E = TypeVar("E")


class Recorded(Struct, frozen=True, gc=False):
    """An event with its envelope."""

    position: int
    stream: UUID
    version: int
    consultation: str
    recorded_at: datetime
    """Restricted: the public sees the day at most."""
    event: Event
    """In today's shape."""
    topic: str
    """Under which it is stored, whatever shape it is read in: what is sealed inside is bound to it."""


class UnknownTopic(ValueError):  # noqa: N818 - names what was met
    """The log holds a topic that this release does not know: reading on would silently skip an event."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"unknown topic {topic!r}: this release is older than the log, or an upcaster is missing")
        self.topic = topic


class Upcaster(Struct, frozen=True):
    """How an event of an older shape becomes one of the next. The stored bytes stay as they are."""

    shape: type[Struct]
    to_next: Callable[[Any], Any]


def topic(event: Struct | type[Struct]) -> str:
    """The tag `noun.verb_past.vN` under which an event is stored."""
    return str(event.__struct_config__.tag)


def _unversioned(stored_topic: str) -> str:
    return stored_topic.rpartition(".")[0]


class Codec:
    """Encodes events to the bytes that are stored, and decodes every topic ever stored to today's shapes.

    `shapes` are today's event types, `upcasters` those of older versions, each leading to the next.
    """

    def __init__(self, shapes: Iterable[type[Struct]], upcasters: Iterable[Upcaster] = ()) -> None:
        self._encoder = msgspec.json.Encoder()
        self._decoders = {topic(shape): msgspec.json.Decoder(shape) for shape in shapes}
        self._to_next: dict[str, Callable[[Any], Any]] = {}
        for upcaster in upcasters:
            self._decoders[topic(upcaster.shape)] = msgspec.json.Decoder(upcaster.shape)
            self._to_next[topic(upcaster.shape)] = upcaster.to_next

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(self._decoders)

    def topics_of(self, *shapes: type[Struct]) -> tuple[str, ...]:
        """Every topic under which events of these shapes have ever been stored: all versions of a noun and verb are one event."""
        wanted = {_unversioned(topic(shape)) for shape in shapes}
        return tuple(sorted(known for known in self._decoders if _unversioned(known) in wanted))

    def encode(self, event: Struct) -> bytes:
        return self._encoder.encode(event)

    def decode(self, stored_topic: str, state: bytes) -> Any:
        """The event in today's shape. Raises UnknownTopic, or msgspec.ValidationError for bytes that are not of the topic."""
        decoder = self._decoders.get(stored_topic)
        if decoder is None:
            raise UnknownTopic(stored_topic)
        event: Struct = decoder.decode(state)
        to_next = self._to_next.get(stored_topic)
        while to_next is not None:
            event = to_next(event)
            to_next = self._to_next.get(topic(event))
        return event


SHAPES: Final[Mapping[str, type[Struct]]] = MappingProxyType({topic(shape): shape for shape in get_args(Event)})
UPCASTERS: Final[tuple[Upcaster, ...]] = (Upcaster(contribution.ErasedUnsealed, contribution.upcast),)
CODEC: Final = Codec(SHAPES.values(), UPCASTERS)
_APART: Final = 8
_CONSULTATIONS: Final = UUID("6f0b7c52-5d0c-4b0e-9d5e-3f6f2a1c8e41")


def sealed_in(event: Event) -> Sealed | None:
    """What an event holds sealed, if anything."""
    match event:
        case contribution.Hidden() | contribution.AppealSettled():
            return event.statement
        case contribution.Erased():
            return event.reason
        case (
            contribution.Submitted()
            | contribution.Flagged()
            | contribution.Appealed()
            | contribution.QuestionAsked()
            | contribution.QuestionAnswered()
        ):
            return event.sealed
        case consultation.Opened():
            return event.queue_seed
    return None


def erasure_stream(stream: UUID) -> UUID:
    """Under which the reason of an erasure is sealed: the contribution's id with version 8 (RFC 9562, section 5.8) in place of its 4.

    The keys of the contribution itself are destroyed by then, and its reason can be destroyed apart.
    """
    return UUID(int=stream.int & ~(0xF << 76) | _APART << 76)


def erased_stream(apart: UUID) -> UUID | None:
    """The contribution whose `erasure_stream` this is; None for any other stream."""
    return UUID(int=apart.int, version=4) if apart.version == _APART else None


def sealed_under(event: Event, stream: UUID) -> UUID:
    """The stream whose keys seal what an event of `stream` holds."""
    return erasure_stream(stream) if isinstance(event, contribution.Erased) else stream


@lru_cache(maxsize=1_024)
def consultation_stream(slug: str) -> UUID:
    """A consultation's stream follows from its slug, so that preparing the same one twice is a conflict."""
    return uuid5(_CONSULTATIONS, slug)


def fold(evolve: Callable[[S | None, E], S | None], events: Iterable[E], state: S | None = None) -> S | None:
    """The state that a history leads to."""
    return reduce(evolve, events, state)
