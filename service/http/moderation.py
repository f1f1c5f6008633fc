"""Moderation: the queue hands out, a reviewer decides, another looks again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from domain import consultation, contribution
from domain.contribution import (
    Appealed,
    Command,
    Gone,
    Hidden,
    Hide,
    Keep,
    Look,
    Origin,
    Present,
    Review,
    SettleAppeal,
    Submitted,
)  # fmt: skip
from domain.definition import ClauseId
from domain.screening import Finding
from projections.treatment.views import Held
from service.auth import alias, needs
from service.flags import flags
from service.handler import CONTRIBUTION, Act
from service.http.bodies import BEARER, NONE_LEFT, Asked, ContributionMoved, IfMatch, R, SlugPath, Statement, expected, moved
from service.problems import STAFF, documented
from service.statements import UNSEALED, History, act, history
from service.wiring import Resources, concealed

Moved = Response[ContributionMoved]
State = Present | Gone
MODERATOR = [needs("moderator")]


class Removal(Struct, frozen=True):
    """What a second look and the settling of an appeal are about."""

    clause: str
    analysed: bool
    origin: Origin
    statement: str | None


class ReviewItem(Struct, frozen=True):
    assignment: UUID
    contribution: UUID
    version: int
    look: Look
    theme: str
    text: str | None
    language: str
    charter: int
    clauses: list[str]
    """Clauses under which the contribution may be hidden, in the charter that its author consented to."""
    expires: datetime
    hidden: Removal | None
    appeal: str | None
    flags: list[Finding] | None
    """What screening found, for the reviewer to look at: it decides nothing. Null while the text has not been screened."""


class KeepBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is said beyond the route itself."""


class HidingBody(Struct, frozen=True, forbid_unknown_fields=True):
    clause: ClauseId
    statement: Statement
    analysed: bool = True
    """Whether the text still counts in the analysis."""
    origin: Annotated[
        Origin,
        Meta(
            description="`automated` when a tool found or proposed what is hidden, the screening included; the reviewer decides either way. "
            "The contributor is told."
        ),
    ] = "human"


class ReviewBody(Struct, frozen=True, forbid_unknown_fields=True):
    agrees: bool


class SettlementBody(Struct, frozen=True, forbid_unknown_fields=True):
    granted: bool
    statement: Statement


class ReviewQueueController(Controller):
    path = "/v1/consultations/{slug:str}/reviews"
    tags: Sequence[str] = ["moderation"]

    @post(
        "/next",
        operation_id="takeNextReview",
        guards=MODERATOR,
        status_code=200,
        responses={**documented(*STAFF), **NONE_LEFT},
        security=BEARER,
    )
    async def take(self, slug: SlugPath, request: Asked, resources: R) -> Response[ReviewItem | None]:
        """The next contribution in order of arrival that the caller may look at; the one they hold, while they hold one."""
        await resources.handle.terms_of(slug)
        while taken := await resources.queues.next_review(slug, alias(request, slug)):
            if item := await _item(resources, taken):  # else its author has just withdrawn it, and the next one waits
                return Response(item, headers={"Cache-Control": "no-store"})
        return Response(None, status_code=204)


class ModerationController(Controller):
    path = "/v1/moderation/{contribution_id:uuid}"
    tags: Sequence[str] = ["moderation"]
    guards = MODERATOR

    @post("/kept", operation_id="keepContribution", status_code=200, responses=documented(*STAFF), security=BEARER)
    async def keep(
        self, contribution_id: FromPath[UUID], data: JSONBody[KeepBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        _ = data

        async def build(state: State, _: int) -> Act[Command]:
            return Act(Keep(alias(request, state.dossier.consultation), resources.clock.now()))

        done = await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        return moved(ContributionMoved(contribution_id, done.version))

    @post("/hidden", operation_id="hideContribution", status_code=200, responses=documented(*STAFF), security=BEARER)
    async def hide(
        self, contribution_id: FromPath[UUID], data: JSONBody[HidingBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, version: int) -> Act[Command]:
            terms, _ = await resources.handle.terms_of(state.dossier.consultation, fresh=True)
            command = Hide(
                alias(request, state.dossier.consultation),
                resources.clock.now(),
                data.clause,
                consultation.removable(terms, state.dossier.charter),
                data.analysed,
                consultation.policies(terms).second_look_s,
                *UNSEALED,
                data.origin,
            )
            return await act(resources.sealer, contribution_id, version, state, command, data.statement)

        done = await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        await concealed(resources, done.position)
        return moved(ContributionMoved(contribution_id, done.version))

    @post("/reviewed", operation_id="reviewRemoval", status_code=200, responses=documented(*STAFF), security=BEARER)
    async def review(
        self, contribution_id: FromPath[UUID], data: JSONBody[ReviewBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        """The second look, or the third when the first two disagree."""

        async def build(state: State, _: int) -> Act[Command]:
            terms, _ = await resources.handle.terms_of(state.dossier.consultation, fresh=True)
            reviewer, appeal_s = alias(request, state.dossier.consultation), consultation.policies(terms).appeal_s
            return Act(Review(reviewer, resources.clock.now(), data.agrees, appeal_s))

        done = await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        return moved(ContributionMoved(contribution_id, done.version))

    @post("/appeal", operation_id="settleAppeal", status_code=200, responses=documented(*STAFF), security=BEARER)
    async def settle(
        self,
        contribution_id: FromPath[UUID],
        data: JSONBody[SettlementBody],
        request: Asked,
        resources: R,
        if_match: IfMatch = None,
    ) -> Moved:
        async def build(state: State, version: int) -> Act[Command]:
            reviewer = alias(request, state.dossier.consultation)
            command = SettleAppeal(reviewer, resources.clock.now(), data.granted, *UNSEALED)
            return await act(resources.sealer, contribution_id, version, state, command, data.statement)

        done = await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        return moved(ContributionMoved(contribution_id, done.version))


async def _item(resources: Resources, taken: Held) -> ReviewItem | None:
    past = await history(resources.sealer, await resources.store.stream(taken.contribution))
    state, submitted = past.state, past.last(Submitted)
    if state is None or isinstance(state, Gone) or submitted is None or (look := contribution.look(state)) is None:
        return None
    event, text = submitted
    # An adopted charter never changes: what is in memory will do, unless the author consented to one that this process has not heard of.
    terms, _ = await resources.handle.terms_of(event.consultation)
    if consultation.charter_in_force(terms) < event.charter:
        terms, _ = await resources.handle.terms_of(event.consultation, fresh=True)
    lease, appeal = state.dossier.review, past.last(Appealed)
    return ReviewItem(
        assignment=taken.assignment,
        contribution=taken.contribution,
        version=past.entries[-1].originator_version,
        look=look,
        theme=event.theme,
        text=text,
        language=event.language,
        charter=event.charter,
        clauses=sorted(consultation.removable(terms, event.charter)),
        expires=lease.expires if lease else resources.clock.now(),
        hidden=_removal(past),
        appeal=appeal[1] if appeal else None,
        flags=await flags(resources.handle, resources.sealer, past),
    )


def _removal(past: History) -> Removal | None:
    hidden = past.last(Hidden)
    if hidden is None:
        return None
    event, statement = hidden
    return Removal(event.clause, event.analysed, event.origin, statement)
