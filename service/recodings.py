"""Recodings: once a later codebook is in force, readers are handed their own readings again, in the order in which they made them."""

from typing import Final
from uuid import UUID

from asyncpg import Pool

from domain import consultation
from domain.contribution import recodable
from projections.runner import wait_for
from projections.treatment import views
from projections.treatment.views import Held
from service.handler import CONTRIBUTION, Handle

PATIENCE_S: Final = 2.0
"""How long whoever finds nothing waits for the projection to catch up."""
AHEAD: Final = 16
"""Readings looked at: those that have been coded anew since the projection's position are passed over."""


class Recodings:
    """Nothing is lent: a reading belongs to its reader, and nobody waits for it."""

    def __init__(self, handle: Handle, pool: Pool) -> None:
        self._handle = handle
        self._pool = pool

    async def next_recoding(self, slug: str, reader: str) -> Held | None:
        """The first of the reader's readings that an earlier codebook coded and whose text still counts; None when there is none."""
        terms, _ = await self._handle.terms_of(slug, fresh=True)
        codebook, _ = consultation.codebook_in_force(terms)
        if found := await self._first(slug, reader, codebook):
            return found
        await self._caught_up()
        return await self._first(slug, reader, codebook)

    async def contribution_of(self, assignment: UUID) -> UUID | None:
        """The contribution behind a reading that has been made, which its reader never learns."""
        if found := await views.contribution_of_coding(self._pool, assignment):
            return found
        await self._caught_up()  # coded a moment ago, perhaps
        return await views.contribution_of_coding(self._pool, assignment)

    async def _first(self, slug: str, reader: str, codebook: int) -> Held | None:
        for held in await views.next_recodings(self._pool, slug, reader, codebook, AHEAD):
            state, _ = await self._handle.existing(CONTRIBUTION, held.contribution)
            if recodable(state, held.assignment, codebook):
                return held
        return None

    async def _caught_up(self) -> None:
        await wait_for(self._pool, "treatment", await self._handle.store.head(), PATIENCE_S)
