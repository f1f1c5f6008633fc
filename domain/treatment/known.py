"""What the log says up to a position: the state of every stream, and how contributions stood at any position before."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args
from uuid import UUID

from msgspec import Struct

from domain import consultation, contribution, proposal, publication
from domain.contribution import analysed
from domain.record import Event, Recorded, consultation_stream
from domain.treatment.standings import Standings


class Concept(Struct, frozen=True):
    name: str
    decide: Callable[[Any, Any], tuple[Event, ...]]
    evolve: Callable[[Any, Any], Any]


def _concepts() -> Mapping[type, Concept]:
    modules: dict[str, Any] = {
        "consultation": consultation,
        "contribution": contribution,
        "proposal": proposal,
        "publication": publication,
    }
    found: dict[type, Concept] = {}
    for name, module in modules.items():
        found |= dict.fromkeys(get_args(module.Event), Concept(name, module.decide, module.evolve))
    return MappingProxyType(found)


CONCEPTS: Final = _concepts()
"""By type of event."""


class Followed(Struct, gc=False):
    """A stream, as far as it has been read."""

    concept: Concept
    version: int = 0
    state: Any = None


class Known:
    def __init__(self) -> None:
        self.streams: dict[UUID, Followed] = {}
        self.standings: defaultdict[str, Standings] = defaultdict(Standings)
        self.closed_at: dict[str, int] = {}
        """By consultation: position of its closing."""
        self.commitments: set[bytes] = set()
        """Of every deposit."""

    def followed(self, recorded: Recorded) -> Followed:
        """The stream of an event, new if it is its first."""
        stream = self.streams.get(recorded.stream)
        if stream is None:
            stream = self.streams[recorded.stream] = Followed(CONCEPTS[type(recorded.event)])
        return stream

    def state(self, name: str, stream: UUID) -> Any:
        """Of a stream of a concept; None where there is no such one."""
        followed = self.streams.get(stream)
        return followed.state if followed is not None and followed.concept.name == name else None

    def terms(self, slug: str) -> consultation.Present | None:
        state: consultation.State = self.state("consultation", consultation_stream(slug))
        return state

    def analysed(self, slug: str, stream: UUID) -> bool:
        """Whether a contribution of this consultation is under analysis."""
        state: contribution.State = self.state("contribution", stream)
        return state is not None and state.dossier.consultation == slug and analysed(state)

    def closed(self, slug: str, position: int) -> bool:
        """Whether the consultation had closed at a position."""
        return slug in self.closed_at and self.closed_at[slug] <= position

    def successor(self, stream: UUID) -> str | None:
        """Consultation of a publication; None unless it is public."""
        state: publication.State = self.state("publication", stream)
        return state.consultation if isinstance(state, publication.Public) else None
