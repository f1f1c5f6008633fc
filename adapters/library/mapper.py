"""Our events in the package's terms: a mapper for msgspec structs, decoded by a closed table of topics, upcast where they are old."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.persistence import Mapper, MapperDeserialisationError, Notification, ProgrammingError, StoredEvent

from adapters.store import Draft
from domain.record import CODEC, Codec, topic


@dataclass(frozen=True)
class Fact:
    """One of our events with its place: what the package calls a domain event."""

    originator_id: UUID
    originator_version: int
    event: Any
    """Of the closed union domain.record.Event, in today's shape."""
    consultation: str = ""


class StructMapper(Mapper[UUID]):
    """Maps Fact to stored events and back: `MAPPER_TOPIC=adapters.library:StructMapper`.

    Takes no compressor and no cipher: what is stored is what every other reader of the log reads, and what must be hidden is sealed inside.
    """

    codec: ClassVar[Codec] = CODEC

    def __init__(self, transcoder: Any = None, compressor: Any = None, cipher: Any = None) -> None:
        if compressor is not None or cipher is not None:
            raise ProgrammingError("the log is stored as it is: StructMapper takes neither COMPRESSOR_TOPIC nor CIPHER_TOPIC")
        super().__init__(transcoder)

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        fact: Fact = domain_event
        return Draft(
            fact.originator_id, fact.originator_version, topic(fact.event), self.codec.encode(fact.event), fact.consultation
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        """Raises MapperDeserialisationError, which names the place, for a topic or bytes that this release cannot read."""
        place = _place(stored_event)
        if not isinstance(stored_event.originator_id, UUID):
            raise MapperDeserialisationError(f"{place}: our streams are UUIDs")
        try:
            event = self.codec.decode(stored_event.topic, stored_event.state)
        except ValueError as error:
            raise MapperDeserialisationError(f"{place}: {error}") from error
        consultation = getattr(stored_event, "consultation", "")
        return Fact(stored_event.originator_id, stored_event.originator_version, event, consultation)


def _place(stored_event: StoredEvent) -> str:
    place = f"stream {stored_event.originator_id}, version {stored_event.originator_version}"
    return f"position {stored_event.id}, {place}" if isinstance(stored_event, Notification) else place
