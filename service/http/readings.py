"""Readings: the text and nothing else is handed out in an order nobody chose; its reader answers with codes."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import replace

from domain import consultation
from domain.adopted import Code
from domain.contribution import AskQuestion, CodeReading, Command, Gone, Present, Submitted, lease_of
from domain.definition import Slug
from domain.record import consultation_stream
from projections.outcomes import views as outcomes
from projections.treatment.views import Held
from service.auth import alias, needs
from service.handler import CONTRIBUTION, Act
from service.http.bodies import (
    BEARER,
    NONE_LEFT,
    Asked,
    Cursor,
    IfMatch,
    Limit,
    Message,
    Page,
    R,
    SlugPath,
    SlugQuery,
    expected,
)  # fmt: skip
from service.problems import STAFF, documented, missing
from service.statements import UNSEALED, act, history
from service.wiring import Resources

State = Present | Gone
ANALYST = [needs("analyst")]


class CodebookView(Struct, frozen=True):
    version: int
    codes: list[Code]


class ReadingItem(Struct, frozen=True):
    """All that a reader learns: no contribution id, no version, no date, no channel, no earlier decision or reading."""

    assignment: UUID
    theme: str
    text: str | None
    language: str
    codebook: CodebookView
    expires: datetime | None
    """When the text goes back to its queue; null for a recoding, which nobody else waits for."""


class CodesBody(Struct, frozen=True, forbid_unknown_fields=True):
    codebook: Annotated[int, Meta(ge=1, le=10_000, description="Version of the codebook that the codes come from.")]
    codes: Annotated[list[Slug], Meta(max_length=50)]


class Read(Struct, frozen=True):
    assignment: UUID


class QuestionBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Message


class Asking(Struct, frozen=True):
    question: UUID


class ReadingController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["analysis"]

    @post(
        "/consultations/{slug:str}/readings/next",
        operation_id="takeNextReading",
        guards=ANALYST,
        status_code=200,
        responses={**documented(*STAFF), **NONE_LEFT},
        security=BEARER,
    )
    async def take(self, slug: SlugPath, request: Asked, resources: R) -> Response[ReadingItem | None]:
        """The next text in the order that the sealed seed gives; the one that the caller holds, while they hold one."""
        await resources.handle.terms_of(slug)
        while taken := await resources.queues.next_reading(slug, alias(request, slug)):
            if item := await _item(resources, slug, taken):  # else its author has just withdrawn it, and the next one waits
                return Response(item, headers={"Cache-Control": "no-store"})
        return Response(None, status_code=204)

    @post(
        "/readings/{assignment:uuid}",
        operation_id="codeReading",
        guards=ANALYST,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def code(self, assignment: FromPath[UUID], data: JSONBody[CodesBody], request: Asked, resources: R) -> Read:
        stream = await resources.queues.contribution_of(assignment)
        if stream is None:
            missing("assignment", assignment)

        async def build(state: State, _: int) -> Act[Command]:
            slug = state.dossier.consultation
            terms, version = await resources.handle.terms_of(slug, fresh=True)
            in_force, known = consultation.codebook_in_force(terms)
            command = CodeReading(
                assignment, alias(request, slug), resources.clock.now(), data.codebook, tuple(data.codes), in_force, known
            )
            return Act(command, {consultation_stream(slug): version})

        await resources.handle.execute(CONTRIBUTION, stream, build)
        return Read(assignment)

    @get(
        "/consultations/{slug:str}/coded",
        operation_id="listCoded",
        guards=ANALYST,
        responses=documented(401, 403),
        security=BEARER,
    )
    async def coded(
        self,
        slug: SlugPath,
        resources: R,
        theme: SlugQuery = None,
        code: SlugQuery = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[outcomes.CodedView]:
        """Contributions under analysis with their codes: what proposals are drawn from."""
        await resources.handle.terms_of(slug)
        items, after = await outcomes.coded(resources.pool, slug, theme, code, cursor, limit)
        return Page(items, after)

    @post(
        "/contributions/{contribution_id:uuid}/questions",
        operation_id="askQuestion",
        guards=ANALYST,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def ask(
        self,
        contribution_id: FromPath[UUID],
        data: JSONBody[QuestionBody],
        request: Asked,
        resources: R,
        if_match: IfMatch = None,
    ) -> Asking:
        """Shown behind the receipt; whose contribution it is nobody learns."""
        question = UUID(bytes=secrets.token_bytes(16), version=4)

        async def build(state: State, version: int) -> Act[Command]:
            command = AskQuestion(question, alias(request, state.dossier.consultation), *UNSEALED)
            return await act(resources.sealer, contribution_id, version, state, command, data.text)

        await resources.handle.execute(CONTRIBUTION, contribution_id, build, expected=expected(if_match))
        return Asking(question)


async def _item(resources: Resources, slug: str, taken: Held) -> ReadingItem | None:
    item, state = await shown_to_reader(resources, slug, taken)
    lease = None if isinstance(state, Gone) else lease_of(state.dossier, taken.assignment)
    return replace(item, expires=lease.expires) if lease else None


async def shown_to_reader(resources: Resources, slug: str, taken: Held) -> tuple[ReadingItem, State]:
    """A text as readers see it, and its state after it was unsealed. Raises Missing."""
    past = await history(resources.sealer, await resources.handle.entries(CONTRIBUTION.name, taken.contribution), only=Submitted)
    state, submitted = past.state, past.last(Submitted)
    if state is None or submitted is None:
        missing(CONTRIBUTION.name, taken.contribution)
    event, text = submitted
    terms, _ = await resources.handle.terms_of(slug, fresh=True)
    version, _ = consultation.codebook_in_force(terms)
    book = CodebookView(version, list(terms.adopted.codebooks[-1]))
    item = ReadingItem(taken.assignment, event.theme, text, event.language, book, None)
    # Where the key is gone its author has withdrawn the text since the stream was read.
    return item, state if text is not None else (await resources.handle.existing(CONTRIBUTION, taken.contribution))[0]
