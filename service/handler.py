"""Load, decide, append: the one way by which anything is written."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from adapters.records import event_of
from adapters.store import Conflict, Draft, Entry, EventStore
from domain import consultation, contribution, proposal, publication
from domain.record import CODEC, Event, consultation_stream, fold, topic
from service.problems import Contended, VersionMismatch, missing

S = TypeVar("S")
C = TypeVar("C")

ATTEMPTS: Final = 8
"""How often a command is decided anew when others move the same streams meanwhile."""


class Act(Struct, Generic[C], frozen=True):
    """A command with the streams whose versions its facts were taken at."""

    command: C
    given: Mapping[UUID, int] = {}


Build = Callable[[S, int], Awaitable[Act[C]]]
"""Makes the command from the loaded state and the version that its event will have."""


class Concept(Struct, Generic[S, C], frozen=True):
    name: str
    decide: Callable[[S | None, C], Sequence[Event]]
    evolve: Callable[[S | None, Any], S | None]
    consultation: Callable[[S], str]


class Done(Struct, frozen=True):
    stream: UUID
    version: int
    position: int


CONSULTATION: Final = Concept[consultation.Present, consultation.Command](
    "consultation", consultation.decide, consultation.evolve, lambda state: state.adopted.slug
)
CONTRIBUTION: Final = Concept[contribution.Present | contribution.Gone, contribution.Command](
    "contribution", contribution.decide, contribution.evolve, lambda state: state.dossier.consultation
)
PROPOSAL: Final = Concept[proposal.Draft | proposal.BeforeCommittee | proposal.Advised | proposal.Decided, proposal.Command](
    "proposal", proposal.decide, proposal.evolve, lambda state: state.consultation
)
PUBLICATION: Final = Concept[publication.Ready | publication.Public | publication.Replaced, publication.Command](
    "publication", publication.decide, publication.evolve, lambda state: state.consultation
)


class Loaded(Struct, Generic[S], frozen=True):
    state: S | None
    version: int


def loaded(concept: Concept[S, C], entries: Sequence[Entry]) -> Loaded[S]:
    """What the events of one stream lead to."""
    return Loaded(fold(concept.evolve, map(event_of, entries)), entries[-1].originator_version if entries else 0)


class _Known(Struct, frozen=True):
    """A consultation in memory."""

    state: consultation.Present
    last: Entry
    """The event that led to it: a log in which it does not stand is another one."""


class Handle:
    """Executes commands against the store; keeps the (short) consultations in memory, checked by `given` at each append."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._consultations: dict[str, _Known] = {}

    async def load(self, concept: Concept[S, C], stream: UUID) -> Loaded[S]:
        return loaded(concept, await self.entries(concept.name, stream))

    async def entries(self, concept: str, stream: UUID) -> list[Entry]:
        """The events of a stream; none for one of another concept: to whoever asks for a proposal, a contribution is no such thing."""
        entries = await self.store.stream(stream)
        return entries if entries and entries[0].topic.startswith(f"{concept}.") else []

    async def entries_of(self, concept: Concept[S, C], streams: Collection[UUID]) -> dict[UUID, list[Entry]]:
        """The events of several streams at once; nothing for one that is not there or is of another concept."""
        found = await self.store.streams(streams)
        return {stream: entries for stream, entries in found.items() if entries[0].topic.startswith(f"{concept.name}.")}

    async def load_all(self, concept: Concept[S, C], streams: Collection[UUID]) -> dict[UUID, Loaded[S]]:
        """Their states, in the same way."""
        return {stream: loaded(concept, entries) for stream, entries in (await self.entries_of(concept, streams)).items()}

    async def existing(self, concept: Concept[S, C], stream: UUID) -> tuple[S, int]:
        """State and version of a stream that must be there. Raises Missing."""
        loaded = await self.load(concept, stream)
        if loaded.state is None:
            missing(concept.name, stream)
        return loaded.state, loaded.version

    async def terms_of(self, slug: str, *, fresh: bool = False) -> tuple[consultation.Present, int]:
        """State and version of a consultation, from memory unless `fresh`. Raises Missing."""
        known = self._consultations.get(slug)
        if fresh or known is None:
            known = await self._caught_up(slug)
        return known.state, known.last.originator_version

    async def _caught_up(self, slug: str) -> _Known:
        """A consultation as it is now: what is in memory, moved by what has been recorded since. Raises Missing."""
        known = self._consultations.get(slug)
        after = known.last.originator_version - 1 if known else -1
        entries = await self.store.stream(consultation_stream(slug), after=after)
        if known and entries[:1] != [known.last]:  # the log was restored from a backup: memory is ahead of it, or beside it
            self._consultations.pop(slug, None)
            return await self._caught_up(slug)
        state = known.state if known else None
        for entry in entries[1:] if known else entries:
            state = consultation.evolve(state, event_of(entry))
        if state is None:
            missing("consultation", slug)
        now, latest = _Known(state, entries[-1]), self._consultations.get(slug)
        if latest is None or now.last.originator_version > latest.last.originator_version:
            self._consultations[slug] = latest = now
        return latest

    async def execute(self, concept: Concept[S, C], stream: UUID, build: Build[S, C], *, expected: int | None = None) -> Done:
        """Carry out a command on a stream that exists.

        `expected` is the version that If-Match named: any other raises VersionMismatch. Without it a command that meets a conflict is
        decided anew on the state that is there now. Raises Refused, Missing, Unavailable, Contended.
        """
        for attempt in range(ATTEMPTS):
            state, version = await self.existing(concept, stream)
            if expected is not None and version != expected:
                raise VersionMismatch(version=version)
            act = await build(state, version + 1)
            events = concept.decide(state, act.command)
            try:
                return await self._append(stream, version, concept.consultation(state), events, act.given)
            except Conflict:
                await asyncio.sleep(0.002 * attempt)
        raise Contended

    async def begin(
        self, stream: UUID, slug: str, events: Sequence[Event], given: Mapping[UUID, int], claim: bytes | None = None
    ) -> Done:
        """The first events of a stream.

        Raises Conflict, which names `stream` when it exists already or another event has made the same `claim`, else the given stream that
        has moved.
        """
        return await self._append(stream, 0, slug, events, given, claim)

    async def together(self, slug: str, acts: Sequence[tuple[UUID, int, Sequence[Event]]]) -> list[int]:
        """What has been decided on several streams, each at the version named: all or none of it. Returns the positions. Raises Conflict."""
        drafts = [draft for stream, version, events in acts for draft in _drafts(stream, version, slug, events)]
        return await self.store.append(drafts)

    async def consultation(self, slug: str, command: consultation.Command, *, expected: int | None = None) -> Done:
        async def build(_: consultation.Present, __: int) -> Act[consultation.Command]:
            return Act(command)

        done = await self.execute(CONSULTATION, consultation_stream(slug), build, expected=expected)
        await self.terms_of(slug, fresh=True)
        return done

    async def contribution(self, stream: UUID, command: contribution.Command, *, expected: int | None = None) -> Done:
        async def build(_: object, __: int) -> Act[contribution.Command]:
            return Act(command)

        return await self.execute(CONTRIBUTION, stream, build, expected=expected)

    async def _append(
        self,
        stream: UUID,
        version: int,
        slug: str,
        events: Sequence[Event],
        given: Mapping[UUID, int],
        claim: bytes | None = None,
    ) -> Done:
        drafts = _drafts(stream, version, slug, events, claim)
        positions = await self.store.append(drafts, given)
        return Done(stream, version + len(drafts), positions[-1])


def _drafts(stream: UUID, version: int, slug: str, events: Sequence[Event], claim: bytes | None = None) -> list[Draft]:
    """Events as they follow a stream at `version`."""
    return [
        Draft(stream, version + number, topic(event), CODEC.encode(event), slug, claim if number == 1 else None)
        for number, event in enumerate(events, start=1)
    ]
