"""Queues: the next item is handed out, nobody chooses."""

from collections import OrderedDict
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Pool

from domain import consultation
from domain.contribution import AssignReading, AssignReview, Lease, Present, ReadingAssigned, ReviewAssigned, lease_of
from domain.definition import Policies
from projections.runner import wait_for
from projections.treatment import views
from projections.treatment.views import Held
from service.choosing import Kind, Queue
from service.clock import Clock
from service.dealing import Dealer
from service.handler import Handle

REMEMBERED: Final = 10_000
"""Readings under way that are found without asking the projection."""
PATIENCE_S: Final = 2.0
"""How long an empty queue waits for its projection to catch up."""


def _review_lease(state: Present, assignment: UUID) -> Lease | None:
    lease = state.dossier.review
    return lease if lease and lease.assignment == assignment else None


def _reading_lease(state: Present, assignment: UUID) -> Lease | None:
    return lease_of(state.dossier, assignment)


def _review(assignment: UUID, reviewer: str, policies: Policies, now: datetime, seen: int) -> AssignReview:
    return AssignReview(assignment, reviewer, now, policies.lease_s, seen)


def _reading(assignment: UUID, reader: str, policies: Policies, now: datetime, seen: int) -> AssignReading:
    return AssignReading(assignment, reader, now, policies.lease_s, policies.readers, seen)


REVIEWS: Final = Queue("review", views.reviews, views.reviews_for, views.held_reviews, _review_lease, ReviewAssigned, _review)
"""In order of arrival."""
READINGS: Final = Queue(
    "reading", views.readings, views.readings_for, views.held_readings, _reading_lease, ReadingAssigned, _reading
)
"""Round by round, in the order that the sealed seed gives."""


class Queues:
    def __init__(self, handle: Handle, pool: Pool, clock: Clock) -> None:
        self._handle = handle
        self._pool = pool
        self._clock = clock
        self._dealers: dict[tuple[str, Kind], Dealer] = {}
        self._readings: OrderedDict[UUID, UUID] = OrderedDict()

    async def next_review(self, slug: str, reviewer: str) -> Held | None:
        """The reviewer's item: the one they hold, or the first to arrive that they may look at; None when there is none."""
        return await self._next(slug, REVIEWS, reviewer)

    async def next_reading(self, slug: str, reader: str) -> Held | None:
        """The reader's item: the one they hold, or the first in the order that the sealed seed gives; None when there is none."""
        taken = await self._next(slug, READINGS, reader)
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

    async def _next(self, slug: str, queue: Queue, holder: str) -> Held | None:
        state, _ = await self._handle.terms_of(slug)
        consultation.policies(state)
        dealer = self._dealers.get((slug, queue.kind))
        if dealer is None:
            dealer = self._dealers[slug, queue.kind] = Dealer(self._handle, self._pool, self._clock, slug, queue)
        taken, seen = await dealer.take(holder)
        if taken or seen >= (head := await self._handle.store.head()):
            return taken
        # Nothing to hand out as far as the read model goes: perhaps what just arrived.
        await wait_for(self._pool, "treatment", head, PATIENCE_S)
        return (await dealer.take(holder)).taken
