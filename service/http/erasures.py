"""Erasure by the publisher, why it was done, and the notice of withdrawals for whoever holds copies."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from domain.contribution import Cause, Command, Erase, Erased, Gone, Present
from domain.record import erasure_stream
from projections.themes import withdrawals
from service.auth import alias, needs
from service.follow_up import destroyed
from service.handler import CONTRIBUTION, Act
from service.http.bodies import (
    BEARER,
    Asked,
    ContributionMoved,
    Cursor,
    IfMatch,
    Limit,
    Page,
    R,
    SlugPath,
    Statement,
    expected,
    moved,
)  # fmt: skip
from service.problems import STAFF, documented, missing
from service.statements import UNSEALED, act, history
from service.wiring import concealed

Since = Annotated[
    date | None, QueryParameter(required=False, description="Those of this day and later; all of them when nothing is said.")
]


class ErasureBody(Struct, frozen=True, forbid_unknown_fields=True):
    cause: Literal["request", "legal-order"]
    reason: Statement
    """Rests sealed; shown to publishers, auditors and the holder of the receipt."""


class ErasureView(Struct, frozen=True):
    contribution: UUID
    cause: Cause
    reason: str | None
    """Null for a withdrawal, and where its own keys have been destroyed."""


class ErasureController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["erasure"]

    @get("/consultations/{slug:str}/withdrawals", operation_id="listWithdrawals", responses=documented())
    async def withdrawals(
        self, slug: SlugPath, resources: R, since: Since = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[withdrawals.Withdrawal]:
        """Contributions withdrawn by their authors or erased by order, by the day: whoever holds copies drops these texts from them.

        Ask again with `since` the day of the last look: what is withdrawn later on that day may stand anywhere among its others.
        """
        await resources.handle.terms_of(slug)
        items, after = await withdrawals.withdrawals(resources.pool, slug, since, limit, cursor)
        return Page(items, after)

    @post(
        "/contributions/{contribution_id:uuid}/erasure",
        operation_id="eraseContribution",
        guards=[needs("publisher")],
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def erase(
        self, contribution_id: FromPath[UUID], data: JSONBody[ErasureBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Response[ContributionMoved]:
        """On request or legal order. The words become unreadable everywhere but in copies already published."""

        async def build(state: Present | Gone, version: int) -> Act[Command]:
            command = Erase(alias(request, state.dossier.consultation), data.cause, *UNSEALED)
            return await act(resources.sealer, erasure_stream(contribution_id), version, state, command, data.reason)

        done = await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        await destroyed(resources.sealer, contribution_id)
        await concealed(resources, done.position)
        return moved(ContributionMoved(contribution_id, done.version))

    @get(
        "/contributions/{contribution_id:uuid}/erasure",
        operation_id="getErasure",
        guards=[needs("publisher", "auditor")],
        responses=documented(401, 403),
        security=BEARER,
    )
    async def erasure(self, contribution_id: FromPath[UUID], resources: R) -> Response[ErasureView]:
        """Why a contribution was erased."""
        entries = await resources.handle.entries(CONTRIBUTION.name, contribution_id)
        found = (await history(resources.sealer, entries, only=Erased)).last(Erased)
        if found is None:
            missing("erasure", contribution_id)
        event, reason = found
        return Response(ErasureView(contribution_id, event.cause, reason), headers={"Cache-Control": "no-store"})
