"""Queues: the next item is handed out, nobody chooses. What has just been taken is remembered until the projection shows it."""

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal
from uuid import UUID

from asyncpg import Pool

from domain import consultation, contribution
from domain.contribution import AssignReading, AssignReview, Lease, Present
from domain.definition import Policies
from domain.errors import Refused
from projections.runner import wait_for
from projections.treatment import views
from projections.treatment.views import Held
from service.clock import Clock
from service.handler import CONTRIBUTION, Act, Handle

SPARE: Final = 16
"""Candidates read beyond those that this process has taken since the projection's position."""
REMEMBERED: Final = 10_000
"""Readings under way that are found without asking the projection."""

PATIENCE_S: Final = 2.0
"""How long an empty queue waits for its projection to catch up."""

Kind = Literal["review", "reading"]
Candidates = Callable[[int], Awaitable[tuple[int, Sequence[UUID]]]]
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
        self._held: dict[tuple[str, Kind, str], Held] = {}
        self._readings: OrderedDict[UUID, UUID] = OrderedDict()

    async def next_review(self, slug: str, reviewer: str) -> Held | None:
        """The reviewer's item: the one they hold, or the first to arrive that they may look at; None when there is none."""
        if held := await self._still_held(slug, "review", reviewer, await views.held_review(self._pool, slug, reviewer)):
            return held
        lease_s = (await self._policies(slug)).lease_s

        def assign(assignment: UUID, seen: int) -> AssignReview:
            return AssignReview(assignment, reviewer, self._clock.now(), lease_s, seen)

        async def candidates(limit: int) -> tuple[int, Sequence[UUID]]:
            return await views.next_reviews(self._pool, slug, reviewer, limit)

        return await self._take(slug, "review", reviewer, candidates, assign)

    async def next_reading(self, slug: str, reader: str) -> Held | None:
        """The reader's item: the one they hold, or the first in the order that the sealed seed gives; None when there is none."""
        if held := await self._still_held(slug, "reading", reader, await views.held_reading(self._pool, slug, reader)):
            return held
        policies = await self._policies(slug)

        def assign(assignment: UUID, seen: int) -> AssignReading:
            return AssignReading(assignment, reader, self._clock.now(), policies.lease_s, policies.readers, seen)

        async def candidates(limit: int) -> tuple[int, Sequence[UUID]]:
            return await views.next_readings(self._pool, slug, reader, limit)

        taken = await self._take(slug, "reading", reader, candidates, assign)
        if taken:
            self._readings[taken.assignment] = taken.contribution
            while len(self._readings) > REMEMBERED:
                self._readings.popitem(last=False)
        return taken

    async def contribution_of(self, assignment: UUID) -> UUID | None:
        """The contribution behind a reading's assignment, which its reader never learns."""
        return self._readings.get(assignment) or await views.contribution_of_reading(self._pool, assignment)

    async def _policies(self, slug: str) -> Policies:
        state, _ = await self._handle.terms_of(slug)
        return consultation.policies(state)

    async def _still_held(self, slug: str, kind: Kind, holder: str, shown: Held | None) -> Held | None:
        """What the holder has taken and neither decided nor let expire, as the log says (the projection may lag either way)."""
        for taken in (self._held.get((slug, kind, holder)), shown):
            if taken is None:
                continue
            state, _ = await self._handle.existing(CONTRIBUTION, taken.contribution)
            lease = _lease(state, kind, taken.assignment)
            if lease and lease.holder == holder and lease.expires > self._clock.now():
                return taken
        self._held.pop((slug, kind, holder), None)
        return None

    async def _take(
        self,
        slug: str,
        kind: Kind,
        holder: str,
        candidates: Candidates,
        assign: Assign,
    ) -> Held | None:
        recent = self._recent[slug, kind]
        async with recent.lock:
            if not (taken := await self._first(recent, candidates, assign)):
                # Nothing to hand out as far as the projection goes: perhaps what just arrived.
                await wait_for(self._pool, "treatment", await self._handle.store.head(), PATIENCE_S)
                taken = await self._first(recent, candidates, assign)
        if taken:
            self._held[slug, kind, holder] = taken
        return taken

    async def _first(self, recent: Recent, candidates: Candidates, assign: Assign) -> Held | None:
        seen, streams = await candidates(SPARE + len(recent))
        recent.forget_until(seen)
        for stream in streams:
            if stream not in recent and (taken := await self._assigned(stream, recent, assign, seen)):
                return taken
        return None

    async def _assigned(self, stream: UUID, recent: Recent, assign: Assign, seen: int) -> Held | None:
        assignment = UUID(bytes=secrets.token_bytes(16), version=4)

        async def build(_: object, __: int) -> Act[contribution.Command]:
            return Act(assign(assignment, seen))

        try:
            done = await self._handle.execute(CONTRIBUTION, stream, build)
        except Refused:
            return None  # somebody else was faster, in another process or since the projection's position: the next one, then
        recent.remember(stream, done.position)
        return Held(assignment, stream)


def _lease(state: contribution.State, kind: Kind, assignment: UUID) -> Lease | None:
    if state is None or isinstance(state, contribution.Gone):
        return None
    return _review_lease(state, assignment) if kind == "review" else contribution.lease_of(state.dossier, assignment)


def _review_lease(state: Present, assignment: UUID) -> Lease | None:
    lease = state.dossier.review
    return lease if lease and lease.assignment == assignment else None
