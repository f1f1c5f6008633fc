"""Recodings: a later codebook, the same reader, the same text; what was found before stays in the log."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody

from domain import consultation
from domain.contribution import Command, Gone, Recode
from domain.record import consultation_stream
from service.auth import alias
from service.handler import CONTRIBUTION, Act
from service.http.bodies import BEARER, NONE_LEFT, Asked, R, SlugPath
from service.http.readings import ANALYST, CodesBody, Read, ReadingItem, State, shown_to_reader
from service.problems import STAFF, documented, missing


class RecodingController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["analysis"]

    @post(
        "/consultations/{slug:str}/recodings/next",
        operation_id="takeNextRecoding",
        guards=ANALYST,
        status_code=200,
        responses={**documented(*STAFF), **NONE_LEFT},
        security=BEARER,
    )
    async def take(self, slug: SlugPath, request: Asked, resources: R) -> Response[ReadingItem | None]:
        """The caller's earliest reading that an earlier codebook coded, under its assignment: the text anew, and nothing of what was found then."""
        while taken := await resources.recodings.next_recoding(slug, alias(request, slug)):
            item, state = await shown_to_reader(resources, slug, taken)
            if not isinstance(state, Gone):  # else its author has just withdrawn it, and the next one waits
                return Response(item, headers={"Cache-Control": "no-store"})
        return Response(None, status_code=204)

    @post(
        "/readings/{assignment:uuid}/recoding",
        operation_id="recodeReading",
        guards=ANALYST,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def code(self, assignment: FromPath[UUID], data: JSONBody[CodesBody], request: Asked, resources: R) -> Read:
        """Codes of the codebook in force for a reading that the caller made under an earlier one. Both stay in the log; the latest counts."""
        stream = await resources.recodings.contribution_of(assignment)
        if stream is None:
            missing("assignment", assignment)

        async def build(state: State, _: int) -> Act[Command]:
            slug = state.dossier.consultation
            terms, version = await resources.handle.terms_of(slug, fresh=True)
            in_force, known = consultation.codebook_in_force(terms)
            command = Recode(assignment, alias(request, slug), data.codebook, tuple(data.codes), in_force, known)
            return Act(command, {consultation_stream(slug): version})

        await resources.handle.execute(CONTRIBUTION, stream, build)
        return Read(assignment)
