"""Proposals: drafted from contributions, put before the committee, arbitrated."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from domain import consultation, contribution, proposal
from domain.definition import Line, Prose, Slug
from domain.proposal import (
    Advised,
    Arbitrate,
    BeforeCommittee,
    Command,
    Coverage,
    Decided,
    Draft,
    DraftProposal,
    GiveOpinion,
    Link,
    Outcome,
    ReportProgress,
    Revise,
    Submit,
    Unlink,
)  # fmt: skip
from domain.record import consultation_stream
from projections.outcomes import views as outcomes
from projections.treatment import views as treatment
from service.auth import alias, needs, sees_drafts
from service.handler import CONTRIBUTION, PROPOSAL, Act, Build, Loaded
from service.http.bodies import (
    BEARER,
    PUBLIC_OR_BEARER,
    Asked,
    Cursor,
    IfMatch,
    Limit,
    Page,
    ProposalMoved,
    R,
    SlugPath,
    Statement,
    expected,
    moved,
)
from service.problems import STAFF, documented, missing
from service.wiring import Resources, caught_up, shown

Moved = Response[ProposalMoved]
State = Draft | BeforeCommittee | Advised | Decided
ANALYST = [needs("analyst")]
SECRETARY = [needs("secretary")]
SEE_DRAFTS = ("analyst", "secretary", "auditor")


class ProposalBody(Struct, frozen=True, forbid_unknown_fields=True):
    theme: Slug
    title: Line
    text: Prose


class RevisionBody(Struct, frozen=True, forbid_unknown_fields=True):
    title: Line
    text: Prose
    reason: Statement


class LinksBody(Struct, frozen=True, forbid_unknown_fields=True):
    contributions: Annotated[list[UUID], Meta(min_length=1, max_length=200)]


class UnlinkBody(Struct, frozen=True, forbid_unknown_fields=True):
    contribution: UUID
    reason: Statement


class SubmissionBody(Struct, frozen=True, forbid_unknown_fields=True):
    meeting: Slug


class OpinionBody(Struct, frozen=True, forbid_unknown_fields=True):
    meeting: Slug
    favourable: bool
    opinion: Prose


class ArbitrationBody(Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Outcome
    motive: Prose
    why_not_waited: Annotated[str, Meta(max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    """Why the decision does not wait for full coverage of its theme; needed below it."""


class ProgressBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Prose


class ProposalController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["proposals"]

    @get(
        "/consultations/{slug:str}/proposals",
        operation_id="listProposals",
        responses=documented(401),
        security=PUBLIC_OR_BEARER,
    )
    async def page(
        self, slug: SlugPath, request: Asked, resources: R, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[outcomes.ProposalView]:
        """Those that have been put before the committee; analysts, secretaries and auditors also see drafts."""
        await resources.handle.terms_of(slug)
        drafts = await sees_drafts(request, *SEE_DRAFTS)
        items, after = await outcomes.proposals(resources.pool, slug, cursor, limit, drafts=drafts)
        return Page(items, after)

    @get("/proposals/{proposal_id:uuid}", operation_id="getProposal", responses=documented(401), security=PUBLIC_OR_BEARER)
    async def read(self, proposal_id: FromPath[UUID], request: Asked, resources: R) -> Response[outcomes.ProposalView]:
        drafts = await sees_drafts(request, *SEE_DRAFTS)
        view = await shown(resources, "outcomes", lambda: outcomes.proposal(resources.pool, proposal_id, drafts=drafts))
        if view is None:
            missing("proposal", proposal_id)
        return Response(view, headers={"ETag": f'"{view.version}"'})

    @post(
        "/consultations/{slug:str}/proposals",
        operation_id="draftProposal",
        guards=ANALYST,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def draft(self, slug: SlugPath, data: JSONBody[ProposalBody], request: Asked, resources: R) -> Moved:
        terms, _ = await resources.handle.terms_of(slug, fresh=True)
        analyst, themes = alias(request, slug), frozenset(terms.adopted.themes)
        stream = UUID(bytes=secrets.token_bytes(16), version=4)
        events = proposal.decide(None, DraftProposal(slug, data.theme, data.title, data.text, analyst, themes))
        done = await resources.handle.begin(stream, slug, events, {})
        return moved(ProposalMoved(stream, done.version), 201)

    @post(
        "/proposals/{proposal_id:uuid}/revision",
        operation_id="reviseProposal",
        guards=ANALYST,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def revise(
        self, proposal_id: FromPath[UUID], data: JSONBody[RevisionBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            return Act(Revise(data.title, data.text, data.reason, alias(request, state.consultation)))

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/links",
        operation_id="linkContributions",
        guards=ANALYST,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def link(
        self, proposal_id: FromPath[UUID], data: JSONBody[LinksBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        """All of them or none. Each must be under analysis at the moment of linking."""

        async def build(state: State, _: int) -> Act[Command]:
            loaded = await asyncio.gather(*(resources.handle.load(CONTRIBUTION, stream) for stream in data.contributions))
            analyst = alias(request, state.consultation)
            versions = dict(zip(data.contributions, (one.version for one in loaded), strict=True))
            analysed = frozenset(
                stream for stream, one in zip(data.contributions, loaded, strict=True) if _analysed(one, state.consultation)
            )
            return Act(Link(tuple(data.contributions), analyst, analysed), versions)

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/unlinks",
        operation_id="unlinkContribution",
        guards=ANALYST,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def unlink(
        self, proposal_id: FromPath[UUID], data: JSONBody[UnlinkBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            return Act(Unlink(data.contribution, data.reason, alias(request, state.consultation)))

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/submission",
        operation_id="submitProposal",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def submit(
        self, proposal_id: FromPath[UUID], data: JSONBody[SubmissionBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            terms, version = await resources.handle.terms_of(state.consultation, fresh=True)
            command = Submit(data.meeting, alias(request, state.consultation), terms.adopted.meetings)
            return Act(command, {consultation_stream(state.consultation): version})

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/opinion",
        operation_id="giveOpinion",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def opine(
        self, proposal_id: FromPath[UUID], data: JSONBody[OpinionBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            return Act(GiveOpinion(data.meeting, data.favourable, data.opinion, alias(request, state.consultation)))

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/arbitration",
        operation_id="arbitrate",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def arbitrate(
        self, proposal_id: FromPath[UUID], data: JSONBody[ArbitrationBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        """Records how much of the theme had been read at the head of the log."""

        async def build(state: State, _: int) -> Act[Command]:
            await caught_up(resources, "treatment")
            terms, version = await resources.handle.terms_of(state.consultation, fresh=True)
            read, analysed, seen = await treatment.coverage(resources.pool, state.consultation, state.theme)
            command = Arbitrate(
                data.outcome,
                data.motive,
                alias(request, state.consultation),
                Coverage(read, analysed, seen),
                isinstance(terms, consultation.Over),
                data.why_not_waited,
            )
            return Act(command, {consultation_stream(state.consultation): version})

        return await _carried_out(resources, proposal_id, build, if_match)

    @post(
        "/proposals/{proposal_id:uuid}/progress",
        operation_id="reportProgress",
        guards=[needs("publisher")],
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def report(
        self, proposal_id: FromPath[UUID], data: JSONBody[ProgressBody], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            return Act(ReportProgress(data.text, alias(request, state.consultation)))

        return await _carried_out(resources, proposal_id, build, if_match)


async def _carried_out(resources: Resources, stream: UUID, build: Build[State, Command], if_match: str | None) -> Moved:
    done = await resources.handle.execute(PROPOSAL, stream, build, expected=expected(if_match))
    return moved(ProposalMoved(stream, done.version))


def _analysed(loaded: Loaded[contribution.Present | contribution.Gone], slug: str) -> bool:
    state = loaded.state
    return state is not None and state.dossier.consultation == slug and contribution.analysed(state)
