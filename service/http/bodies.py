"""Types that several resources share: what their bodies and answers are made of."""

from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from domain.definition import NOT_BLANK
from service.problems import Failure
from service.wiring import Resources

T = TypeVar("T")

R = NamedDependency[SkipValidation[Resources]]
Asked = Request[Any, Any, Any]
BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
"""The route needs an access token."""
PUBLIC_OR_BEARER: Final[list[dict[str, list[str]]]] = [{}, {"bearer": []}]
"""The route is open; a token may show more."""
NONE_LEFT: Final = {204: ResponseSpec(None, description="Nothing in the queue for the caller.")}

PIECE_BYTES: Final = 65_536
"""Of long answers. The HTTP server takes 32 pieces before it waits for a slow reader, whatever their size: for each it holds so much."""

SLUG_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,63}(?!\n)$"

SlugPath = Annotated[
    str, PathParameter(pattern=SLUG_PATTERN, max_length=64, description="Lower-case letters, digits and hyphens.")
]
SlugQuery = Annotated[str | None, QueryParameter(required=False, pattern=SLUG_PATTERN, max_length=64)]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", required=False, pattern=r'^"[0-9]{1,9}"$', description='The version that the command expects: `"3"`.'
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="Items a page.")]
Cursor = Annotated[str | None, QueryParameter(required=False, max_length=200, description="`next` of the page before.")]

Statement = Annotated[
    str, Meta(min_length=1, max_length=2_000, pattern=NOT_BLANK, description="Reasons, as the contributor will read them.")
]
Message = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=NOT_BLANK, description="Text, line breaks allowed.")]


class Items(Struct, Generic[T], frozen=True):
    items: list[T]


class Page(Struct, Generic[T], frozen=True):
    items: list[T]
    next: str | None
    """Cursor of the page after; null at the end."""


class ContributionMoved(Struct, frozen=True):
    contribution: UUID
    version: int


class ConsultationMoved(Struct, frozen=True):
    slug: str
    version: int


class ProposalMoved(Struct, frozen=True):
    proposal: UUID
    version: int


M = TypeVar("M", ContributionMoved, ConsultationMoved, ProposalMoved)


def moved(body: M, status_code: int = 200) -> Response[M]:
    """The answer to a command: the new version, also as ETag for the next If-Match."""
    return Response(body, status_code=status_code, headers={"ETag": f'"{body.version}"'})


def expected(if_match: str | None) -> int | None:
    """The version that If-Match names."""
    if if_match is None:
        return None
    bare = if_match.removeprefix('"').removesuffix('"')
    if not (bare.isascii() and bare.isdigit()):
        raise Failure(errors=[{"field": "If-Match", "message": 'expected a version in quotes, as in "3"'}])
    return int(bare)
