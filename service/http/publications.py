"""Publications: a bundle prepared from the log at a position, published, superseded."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import File
from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.definition import Line, Slug
from domain.publication import Kind
from projections.publications import views as publications
from service.auth import alias, needs, sees_drafts
from service.handler import PUBLICATION
from service.http.bodies import BEARER, PIECE_BYTES, PUBLIC_OR_BEARER, Asked, IfMatch, Items, R, SlugPath, Statement, expected
from service.problems import STAFF, Failure, documented, missing
from service.wiring import Resources, shown

PUBLISHER = [needs("publisher")]
SEE_DRAFTS = ("publisher", "auditor")


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

    @get(
        "/consultations/{slug:str}/publications",
        operation_id="listPublications",
        responses=documented(401),
        security=PUBLIC_OR_BEARER,
    )
    async def listing(self, slug: SlugPath, request: Asked, resources: R) -> Items[publications.PublicationView]:
        """Those that are published, and superseded; a publisher or an auditor also sees those that are prepared."""
        await resources.handle.terms_of(slug)
        drafts = await sees_drafts(request, *SEE_DRAFTS)
        listed = await publications.publications(resources.pool, slug, drafts=drafts)
        return Items([_told(resources, each) for each in listed])

    @get(
        "/publications/{publication_id:uuid}",
        operation_id="getPublication",
        responses=documented(401),
        security=PUBLIC_OR_BEARER,
    )
    async def read(self, publication_id: FromPath[UUID], request: Asked, resources: R) -> publications.PublicationView:
        return _told(resources, await _shown(publication_id, request, resources))

    @get(
        "/publications/{publication_id:uuid}/bundle",
        operation_id="getBundle",
        responses=documented(401, 410),
        media_type="application/zip",
        security=PUBLIC_OR_BEARER,
    )
    async def bundle(self, publication_id: FromPath[UUID], request: Asked, resources: R) -> File:
        """Served no more once something that it shows has been erased: the answer names what took its place."""
        view = await _shown(publication_id, request, resources)
        path = resources.publications.archive(publication_id)
        if path is None:
            await _withdrawn(resources, view)
            missing("bundle", publication_id)
        name = f"{view.consultation}-{view.position}.zip"
        return File(path, filename=name, media_type="application/zip", chunk_size=PIECE_BYTES)

    @post(
        "/publications",
        operation_id="preparePublication",
        guards=PUBLISHER,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def prepare(self, data: JSONBody[PreparationBody], request: Asked, resources: R) -> Moved:
        """Rebuilds everything up to the position and writes it out; the same position gives the same bytes."""
        publisher = alias(request, data.consultation)
        done = await resources.publications.prepare(data.consultation, data.kind, data.position, publisher)
        return _moved(PublicationMoved(done.publication, done.position, done.digest.hex(), done.version), 201)

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
        """Refused once something that the bundle shows has been hidden or erased."""
        publisher = await _publisher(publication_id, request, resources)
        done = await resources.publications.publish(publication_id, data.location, publisher, expected(if_match))
        return _moved(PublicationMoved(publication_id, None, None, done.version), 200)

    @post(
        "/publications/{publication_id:uuid}/supersession",
        operation_id="supersede",
        guards=PUBLISHER,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def supersede(
        self,
        publication_id: FromPath[UUID],
        data: JSONBody[SupersessionBody],
        request: Asked,
        resources: R,
        if_match: IfMatch = None,
    ) -> Moved:
        publisher = await _publisher(publication_id, request, resources)
        done = await resources.publications.supersede(publication_id, data.by, data.reason, publisher, expected(if_match))
        return _moved(PublicationMoved(publication_id, None, None, done.version), 200)


class BundleWithdrawn(Failure):
    status, code, title = 410, "bundle-withdrawn", "this bundle shows a contribution that has been erased since"


async def _withdrawn(resources: Resources, view: publications.PublicationView) -> None:
    """Raises BundleWithdrawn with the address of the bundle that took its place, null while none has, and that of the notice."""
    if view.status == "prepared" or not await resources.publications.gone(view.id):
        return
    successor, met = view.superseded_by, {view.id}
    while successor and successor not in met and resources.publications.archive(successor) is None:
        met.add(successor)
        next_one = await publications.publication(resources.pool, successor, drafts=False)
        successor = next_one.superseded_by if next_one else None
    raise BundleWithdrawn(
        successor=f"/v1/publications/{successor}/bundle" if successor and successor not in met else None,
        withdrawals=f"/v1/consultations/{view.consultation}/withdrawals",
    )


def _told(resources: Resources, view: publications.PublicationView) -> publications.PublicationView:
    return replace(view, available=resources.publications.archive(view.id) is not None)


async def _publisher(stream: UUID, request: Asked, resources: Resources) -> str:
    """The caller's pseudonym in the consultation of a publication. Raises Missing."""
    state, _ = await resources.handle.existing(PUBLICATION, stream)
    return alias(request, state.consultation)


async def _shown(stream: UUID, request: Asked, resources: Resources) -> publications.PublicationView:
    """Raises Missing, also for one that the caller may not see yet."""
    drafts = await sees_drafts(request, *SEE_DRAFTS)
    view = await shown(resources, "publications", lambda: publications.publication(resources.pool, stream, drafts=drafts))
    if view is None:
        missing("publication", stream)
    return view


def _moved(body: PublicationMoved, status_code: int) -> Moved:
    return Response(body, status_code=status_code, headers={"ETag": f'"{body.version}"'})
