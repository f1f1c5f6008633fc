"""Publications: a bundle prepared from the log at a position, published, superseded."""

import secrets
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import File
from msgspec import Meta, Struct

from domain import consultation, publication
from domain.definition import Line, Slug
from domain.publication import Command, Kind, Prepare, Public, Publish, Ready, Replaced, Supersede
from domain.record import consultation_stream
from projections.publications import views as publications
from service.auth import alias, needs
from service.handler import PUBLICATION, Act, Build
from service.http.bodies import BEARER, Asked, IfMatch, Items, R, SlugPath, Statement, expected
from service.problems import STAFF, Failure, documented, missing
from service.wiring import Resources, shown

State = Ready | Public | Replaced
PUBLISHER = [needs("publisher")]


class PreparationBody(Struct, frozen=True, forbid_unknown_fields=True):
    consultation: Slug
    kind: Kind
    position: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    """Position of the log that the bundle shows; its head when nothing is said."""


class PublicationBody(Struct, frozen=True, forbid_unknown_fields=True):
    location: Line


class SupersessionBody(Struct, frozen=True, forbid_unknown_fields=True):
    by: UUID
    reason: Statement


class PublicationMoved(Struct, frozen=True):
    publication: UUID
    position: int | None
    """Position that the bundle shows."""
    digest: str | None
    """SHA-256 of the bundle's manifest, in hexadecimal."""
    version: int


Moved = Response[PublicationMoved]


class PublicationController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["publications"]

    @get("/consultations/{slug:str}/publications", operation_id="listPublications", responses=documented())
    async def listing(self, slug: SlugPath, resources: R) -> Items[publications.PublicationView]:
        await resources.handle.terms_of(slug)
        return Items(await publications.publications(resources.pool, slug))

    @get("/publications/{publication_id:uuid}", operation_id="getPublication", responses=documented())
    async def read(self, publication_id: FromPath[UUID], resources: R) -> publications.PublicationView:
        view = await shown(resources, "publications", lambda: publications.publication(resources.pool, publication_id))
        if view is None:
            missing("publication", publication_id)
        return view

    @get(
        "/publications/{publication_id:uuid}/bundle",
        operation_id="getBundle",
        responses=documented(),
        media_type="application/zip",
    )
    async def bundle(self, publication_id: FromPath[UUID], resources: R) -> File:
        view = await shown(resources, "publications", lambda: publications.publication(resources.pool, publication_id))
        path = resources.bundles / f"{publication_id}.zip"
        if view is None or not path.exists():
            missing("bundle", publication_id)
        return File(path, filename=f"{view.consultation}-{view.position}.zip", media_type="application/zip")

    @post("/publications", operation_id="preparePublication", guards=PUBLISHER, responses=documented(*STAFF), security=BEARER)
    async def prepare(self, data: JSONBody[PreparationBody], request: Asked, resources: R) -> Moved:
        """Rebuilds everything up to the position and writes it out; the same position gives the same bytes."""
        terms, version = await resources.handle.terms_of(data.consultation, fresh=True)
        head = await resources.store.head()
        position = data.position or head
        if position > head:
            raise Failure(errors=[{"field": "position", "message": f"the log ends at {head}"}])
        stream = UUID(bytes=secrets.token_bytes(16), version=4)
        bundle = await resources.write_bundle(data.consultation, position, stream)
        command = Prepare(
            data.consultation, data.kind, position, bundle.digest, alias(request, data.consultation),
            isinstance(terms, consultation.Over), bundle.outstanding,
        )  # fmt: skip
        events = publication.decide(None, command)
        done = await resources.handle.begin(stream, data.consultation, events, {consultation_stream(data.consultation): version})
        return _moved(PublicationMoved(stream, position, bundle.digest.hex(), done.version), 201)

    @post(
        "/publications/{publication_id:uuid}/publication",
        operation_id="publish",
        guards=PUBLISHER,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def publish(
        self,
        publication_id: FromPath[UUID],
        data: JSONBody[PublicationBody],
        request: Asked,
        resources: R,
        if_match: IfMatch = None,
    ) -> Moved:
        async def build(state: State, _: int) -> Act[Command]:
            return Act(Publish(data.location, alias(request, state.consultation)))

        return await _carried_out(resources, publication_id, build, if_match)

    @post(
        "/publications/{publication_id:uuid}/supersession",
        operation_id="supersede",
        guards=PUBLISHER,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def supersede(
        self, publication_id: FromPath[UUID], data: JSONBody[SupersessionBody], resources: R, if_match: IfMatch = None
    ) -> Moved:
        async def build(_: State, __: int) -> Act[Command]:
            successor = await resources.handle.load(PUBLICATION, data.by)
            return Act(Supersede(data.by, data.reason, isinstance(successor.state, Public)), {data.by: successor.version})

        return await _carried_out(resources, publication_id, build, if_match)


async def _carried_out(resources: Resources, stream: UUID, build: Build[State, Command], if_match: str | None) -> Moved:
    done = await resources.handle.execute(PUBLICATION, stream, build, expected=expected(if_match))
    return _moved(PublicationMoved(stream, None, None, done.version), 200)


def _moved(body: PublicationMoved, status_code: int) -> Moved:
    return Response(body, status_code=status_code, headers={"ETag": f'"{body.version}"'})
