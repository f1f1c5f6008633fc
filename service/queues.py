"""Queues: the next item is handed out, nobody chooses. What has just been taken is remembered until the projection shows it."""

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from asyncpg import Pool

from adapters.postgres.queries import load
from adapters.records import event_of
from domain import consultation, contribution
from domain.contribution import AssignReading, AssignReview, Lease, Present, ReadingAssigned, ReviewAssigned
from domain.definition import Policies
from domain.errors import Refused
from projections.pages import Database
from projections.runner import wait_for
from projections.treatment import views
from projections.treatment.views import Held, Waiting
from service.clock import Clock
from service.handler import CONTRIBUTION, Act, Handle

SQL: Final = load(Path(__file__).with_name("turns.sql"))
SPARE: Final = 16
"""Candidates read beyond those that this process has taken since the projection's position."""
REMEMBERED: Final = 10_000
"""Readings under way that are found without asking the projection."""

PATIENCE_S: Final = 2.0
"""How long an empty queue waits for its projection to catch up."""

Kind = Literal["review", "reading"]
ASSIGNED: Final[Mapping[Kind, type]] = {"review": ReviewAssigned, "reading": ReadingAssigned}
Turn = tuple[str, Kind, str]
"""Whose turn it is at which queue: consultation, kind, pseudonym."""
Holding = Callable[[Database], Awaitable[Held | None]]
"""What the read model shows that the holder has under way."""
Candidates = Callable[[Database, int], Awaitable[tuple[int, Sequence[Waiting]]]]
"""Reads the queue: the position at which it is true, and its first contributions, at most so many."""
Assign = Callable[[UUID, int], contribution.Command]
"""Makes the command from the new assignment's id and the position at which the queue was read."""


class Recent:
    """What this process has handed out at positions that the projection has not reached yet."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        """One take at a time: the order of the takes is the order of the queue."""
        self._positions: dict[UUID, int] = {}

    def forget_until(self, position: int) -> None:
        self._positions = {stream: at for stream, at in self._positions.items() if at > position}

    def remember(self, stream: UUID, position: int) -> None:
        self._positions[stream] = position

    def __contains__(self, stream: object) -> bool:
        return stream in self._positions

    def __len__(self) -> int:
        return len(self._positions)


class Queues:
    def __init__(self, handle: Handle, pool: Pool, clock: Clock) -> None:
        self._handle = handle
        self._pool = pool
        self._clock = clock
        self._recent: defaultdict[tuple[str, Kind], Recent] = defaultdict(Recent)
        self._readings: OrderedDict[UUID, UUID] = OrderedDict()

    async def next_review(self, slug: str, reviewer: str) -> Held | None:
        """The reviewer's item: the one they hold, or the first to arrive that they may look at; None when there is none."""
        lease_s = (await self._policies(slug)).lease_s

        def assign(assignment: UUID, seen: int) -> AssignReview:
            return AssignReview(assignment, reviewer, self._clock.now(), lease_s, seen)

        async def candidates(db: Database, limit: int) -> tuple[int, Sequence[Waiting]]:
            return await views.next_reviews(db, slug, reviewer, limit)

        async def held(db: Database) -> Held | None:
            return await views.held_review(db, slug, reviewer)

        return await self._take((slug, "review", reviewer), held, candidates, assign)

    async def next_reading(self, slug: str, reader: str) -> Held | None:
        """The reader's item: the one they hold, or the first in the order that the sealed seed gives; None when there is none."""
        policies = await self._policies(slug)

        def assign(assignment: UUID, seen: int) -> AssignReading:
            return AssignReading(assignment, reader, self._clock.now(), policies.lease_s, policies.readers, seen)

        async def candidates(db: Database, limit: int) -> tuple[int, Sequence[Waiting]]:
            return await views.next_readings(db, slug, reader, limit)

        async def held(db: Database) -> Held | None:
            return await views.held_reading(db, slug, reader)

        taken = await self._take((slug, "reading", reader), held, candidates, assign)
        if taken:
            self._readings[taken.assignment] = taken.contribution
            while len(self._readings) > REMEMBERED:
                self._readings.popitem(last=False)
        return taken

    async def contribution_of(self, assignment: UUID) -> UUID | None:
        """The contribution behind a reading's assignment, which its reader never learns."""
        if found := self._readings.get(assignment) or await views.contribution_of_reading(self._pool, assignment):
            return found
        # Handed out by another process, perhaps a moment ago.
        await wait_for(self._pool, "treatment", await self._handle.store.head(), PATIENCE_S)
        return await views.contribution_of_reading(self._pool, assignment)

    async def _policies(self, slug: str) -> Policies:
        state, _ = await self._handle.terms_of(slug)
        return consultation.policies(state)

    async def _take(self, turn: Turn, held: Holding, candidates: Candidates, assign: Assign) -> Held | None:
        """One take at a time for each queue of this process, and for each holder whatever the process."""
        slug, kind, _ = turn
        recent = self._recent[slug, kind]
        async with recent.lock, self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["hurry"])
            await connection.execute(SQL["begin"], *turn)
            last = await connection.fetchrow(SQL["lock"], *turn)
            for taken in (Held(*last) if last and last["assignment"] else None, await held(connection)):
                if taken and await self._still(turn, taken):
                    return taken
            # Everything below asks on this connection: a pool whose every connection waits for another one stands still.
            if not (first := await self._first(connection, turn, candidates, assign)):
                # Nothing to hand out as far as the projection goes: perhaps what just arrived.
                await wait_for(connection, "treatment", await self._handle.store.head(), PATIENCE_S)
                first = await self._first(connection, turn, candidates, assign)
            if first:
                await connection.execute(SQL["take"], *turn, first.assignment, first.contribution)
            return first

    async def _still(self, turn: Turn, taken: Held) -> bool:
        """Whether the holder has neither decided on what they took nor let it expire, as the log says (the projection may lag either way)."""
        _, kind, holder = turn
        state, _ = await self._handle.existing(CONTRIBUTION, taken.contribution)
        lease = _lease(state, kind, taken.assignment)
        return bool(lease and lease.holder == holder and lease.expires > self._clock.now())

    async def _first(self, db: Database, turn: Turn, candidates: Candidates, assign: Assign) -> Held | None:
        slug, kind, _ = turn
        recent = self._recent[slug, kind]
        seen, waiting = await candidates(db, SPARE + len(recent))
        recent.forget_until(seen)
        for each in waiting:
            if each.contribution not in recent and (taken := await self._assigned(each, kind, recent, assign, seen)):
                return taken
        return None

    async def _assigned(self, waiting: Waiting, kind: Kind, recent: Recent, assign: Assign, seen: int) -> Held | None:
        assignment = UUID(bytes=secrets.token_bytes(16), version=4)

        async def build(_: object, version: int) -> Act[contribution.Command]:
            if version > waiting.version + 1 and await self._taken_since(waiting, kind):
                raise Refused("already-assigned")
            return Act(assign(assignment, seen))

        try:
            done = await self._handle.execute(CONTRIBUTION, waiting.contribution, build)
        except Refused:
            return None  # somebody else was faster, in another process or since the projection's position: the next one, then
        recent.remember(waiting.contribution, done.position)
        return Held(assignment, waiting.contribution)

    async def _taken_since(self, waiting: Waiting, kind: Kind) -> bool:
        """Whether somebody has been handed the item since the queue was read.

        It may wait again by now, for another look or another reading: it takes its place in the queue when the projection shows it there.
        """
        entries = await self._handle.store.stream(waiting.contribution, after=waiting.version)
        return any(isinstance(event_of(entry), ASSIGNED[kind]) for entry in entries)


def _lease(state: contribution.State, kind: Kind, assignment: UUID) -> Lease | None:
    if state is None or isinstance(state, contribution.Gone):
        return None
    return _review_lease(state, assignment) if kind == "review" else contribution.lease_of(state.dossier, assignment)


def _review_lease(state: Present, assignment: UUID) -> Lease | None:
    lease = state.dossier.review
    return lease if lease and lease.assignment == assignment else None
