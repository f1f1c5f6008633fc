"""How contributions are treated: counts at this moment, and the measures of equal treatment at any moment of the past."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import Struct

from projections.treatment import views as treatment
from projections.treatment.measures import views
from projections.treatment.measures.document import Audience, Measures
from service.auth import sees_drafts
from service.http.bodies import R, SlugPath
from service.measuring import AT_MOST
from service.moments import NEITHER, moment
from service.problems import RETRY_AFTER_S, Behind, Failure, documented
from service.wiring import Resources

AsOf = Annotated[
    str | None,
    QueryParameter(
        required=False,
        max_length=64,
        description="A position of the log, a time in RFC 3339, or a day (its end, UTC); the latest computation when nothing is said.",
    ),
]


class Computing(Struct, frozen=True):
    """The measures at a position of the past are being computed: ask again."""

    consultation: str
    position: int


class NotComputed(Failure):
    status, code, title = 404, "not-computed", "nobody has had the measures at this position computed: auditors may"


LATER: Final = {
    202: ResponseSpec(
        Computing, description="Being computed: ask again after as many seconds as Retry-After says.", generate_examples=False
    )
}


class TreatmentController(Controller):
    path = "/v1/consultations/{slug:str}"
    tags: Sequence[str] = ["treatment"]

    @get("/counts", operation_id="getCounts", responses=documented())
    async def counts(self, slug: SlugPath, resources: R) -> treatment.TreatmentView:
        """Where the contributions of each theme stand, at this moment."""
        await resources.handle.terms_of(slug)
        return await treatment.counts(resources.pool, slug)

    @get(
        "/treatment",
        operation_id="getTreatment",
        responses={**documented(401), **LATER},
        response_headers=[ResponseHeader(name="Retry-After", documentation_only=True, description="With 202, in seconds.")],
    )
    async def measures(
        self, slug: SlugPath, request: Request[Any, Any, Any], resources: R, as_of: AsOf = None
    ) -> Response[Measures]:
        """The measures of equal treatment, with the definition, the source and the size of each.

        Auditors, by their token, get the internal form: hours, assignments and the contact attribute. Everybody else gets the public form.
        """
        await resources.handle.terms_of(slug)
        audience: Audience = "internal" if await sees_drafts(request, "auditor") else "public"
        if as_of is None:
            document = await views.latest(resources.pool, slug, audience)
            position = 0 if document else await _position(resources, slug, str(await resources.store.head()))
        else:
            position = await _position(resources, slug, as_of)
            document = await views.at(resources.pool, slug, audience, position)
        if document is not None:
            return _told(document, audience)
        if as_of is not None and audience == "public":
            raise NotComputed(position=position)
        match await views.want(resources.pool, slug, position, AT_MOST):
            case "too-many":
                raise Behind("as many positions as can be computed in a while are asked for already")
            case "aside":
                raise Behind(
                    "the measures at this position could not be computed: the worker's log says why, and tries again later"
                )
        answer: Response[Any] = Response(Computing(slug, position), status_code=202, headers={"Retry-After": str(RETRY_AFTER_S)})
        return answer


def _told(document: bytes, audience: Audience) -> Response[Any]:
    """As it was computed, byte for byte."""
    caching = "no-store" if audience == "internal" else "public, max-age=30"
    return Response(
        msgspec.Raw(document), headers={"Cache-Control": caching, "Vary": "Authorization"}, media_type="application/json"
    )


async def _position(resources: Resources, slug: str, as_of: str) -> int:
    """The consultation's last event at or before a position or a moment. Raises Failure."""
    position = await _meant(resources, as_of)
    if found := await views.last_before(resources.pool, slug, position):
        return found
    raise _refused("the consultation begins later")


async def _meant(resources: Resources, as_of: str) -> int:
    try:
        meant = moment(as_of)
    except ValueError:
        raise _refused(NEITHER) from None
    if isinstance(meant, int):
        head = await resources.store.head()
        if not 1 <= meant <= head:
            raise _refused(f"the log ends at position {head}")
        return meant
    if meant > resources.clock.now():
        raise _refused("this moment has not passed yet")
    return await resources.store.position_at(meant)


def _refused(message: str) -> Failure:
    return Failure(errors=[{"field": "as_of", "message": message}])
