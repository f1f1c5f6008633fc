"""Who is handed what: each in turn the first in the queue that the rules allow them, by states that the log vouches for."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from domain import contribution
from domain.contribution import Gone, Lease, Present, ReadingAssigned, ReviewAssigned
from domain.definition import Policies
from domain.errors import Refused
from domain.record import CODEC
from projections.pages import Database
from projections.treatment.views import Held, Line
from service.handler import CONTRIBUTION, Handle, loaded

AHEAD: Final = 8
"""States loaded beyond one for each who asks, and twice as many each time that these do not do: others may have been dealt by another process."""
PERSONAL: Final = frozenset({"took-part", "already-read"})
"""Refusals that concern one person: another may still be handed the contribution."""

Kind = Literal["review", "reading"]
State = Present | Gone


class Queue(Struct, frozen=True):
    """In what the two queues differ."""

    kind: Kind
    line: Callable[[Database, str, int], Awaitable[Line]]
    """The first places."""
    line_for: Callable[[Database, str, str, int], Awaitable[Line]]
    """The first of those that one person may be handed."""
    held: Callable[[Database, str, Sequence[str]], Awaitable[list[tuple[str, Held]]]]
    """What the read model shows that people have under way."""
    lease: Callable[[Present, UUID], Lease | None]
    """The lease that carries an assignment."""
    assigned: type[ReviewAssigned] | type[ReadingAssigned]
    """The event by which something leaves it."""
    assign: Callable[[UUID, str, Policies, datetime, int], contribution.Command]
    """Makes the command from the new assignment's id, its holder, the policies, the moment and the position at which the queue was read."""


class Choice(NamedTuple):
    holder: str
    taken: Held
    version: int
    """Of the contribution, on which the rules were asked."""
    events: Sequence[contribution.Event]


class _Known(NamedTuple):
    """A contribution as the log says it is."""

    state: State
    version: int
    taken_at: int
    """The position at which this queue last handed it out, 0 where it never did."""


class Chooser:
    """Of one attempt at a deal: what it has loaded and chosen so far."""

    def __init__(self, handle: Handle, queue: Queue, policies: Policies, now: datetime, wanted: int) -> None:
        self._handle = handle
        self._queue = queue
        self._policies = policies
        self._now = now
        self._ahead = wanted + AHEAD
        self._states: dict[UUID, _Known | None] = {}
        """None for what the rules know no contribution by."""
        self._seen = 0
        """The latest position at which a line was read: no state is older."""
        self.closed: set[UUID] = set()
        """Contributions that nobody can be handed, though the read model shows them in the queue."""

    async def first(self, line: Line, holder: str, used: Collection[UUID]) -> Choice | None:
        """The first place in line, of those not in `used`, that the holder may be handed."""
        if line.seen > self._seen:  # what was refused before may have come back to its place since
            self._seen = line.seen
            self._states.clear()
            self.closed.clear()
        for stream in self._open(line, holder, used):
            if stream not in self._states:
                await self._load(self._next(self._open(line, holder, used)))
            if choice := self._decided(stream, holder, line):
                return choice
        return None

    def _open(self, line: Line, holder: str, used: Collection[UUID]) -> Iterator[UUID]:
        return (
            stream
            for stream, closed_to in line.places.items()
            if stream not in used and stream not in self.closed and holder not in closed_to
        )

    def _next(self, streams: Iterator[UUID]) -> list[UUID]:
        """The first that are not loaded yet."""
        unknown = (stream for stream in streams if stream not in self._states)
        self._ahead, count = self._ahead * 2, self._ahead
        return list(islice(unknown, count))

    async def _load(self, streams: Collection[UUID]) -> None:
        found, topics = await self._handle.entries_of(CONTRIBUTION, streams), CODEC.topics_of(self._queue.assigned)
        for stream in streams:
            entries = found.get(stream, [])
            there = loaded(CONTRIBUTION, entries)
            taken_at = max((entry.id for entry in entries if entry.topic in topics), default=0)
            self._states[stream] = None if there.state is None else _Known(there.state, there.version, taken_at)

    def _decided(self, stream: UUID, holder: str, line: Line) -> Choice | None:
        """None where the rules refuse it to the holder, or where somebody has been handed it since the line was read: it has another place now."""
        known = self._states[stream]
        if known is None:
            self.closed.add(stream)
            return None
        if known.taken_at > line.seen:
            return None
        taken = Held(UUID(bytes=secrets.token_bytes(16), version=4), stream)
        command = self._queue.assign(taken.assignment, holder, self._policies, self._now, line.seen)
        try:
            events = contribution.decide(known.state, command)
        except Refused as refusal:
            if refusal.code not in PERSONAL:
                self.closed.add(stream)
            return None
        return Choice(holder, taken, known.version, events)
