"""The one place where errors become RFC 9457 problems."""

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter
from litestar.types import ExceptionHandlersMap
from msgspec import Struct, field

from adapters.key_sets import KeySetUnavailable
from adapters.postgres.pool import AWAY
from adapters.receipts import MalformedCode
from adapters.records import Unreadable
from adapters.sealing import SealRefused
from adapters.store import Conflict, Unavailable
from adapters.tokens import TokenRefused
from domain.errors import Refused
from projections.pages import BadCursor

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2
LONGEST: Final = 200
"""Characters of a field's name, or of what is wrong with it."""

_log = structlog.get_logger()


class FieldError(Struct, frozen=True):
    field: str
    message: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """RFC 9457. Members that are not listed here carry the details of a refusal: what the caller can act on."""

    type: str
    """`urn:registre:problem:` and a stable code that clients may branch on."""
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = field(default_factory=list)
    """One for each part of the request that is wrong."""


class Failure(Exception):  # noqa: N818 - it is raised for what a caller did, not for what broke
    """A request that the service answers with a problem though no rule of the domain refused it."""

    status = 400
    code = "invalid-input"
    title = "the request is not understood"
    retry_after_s = RETRY_AFTER_S

    def __init__(self, detail: str = "", **details: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.details = details


class Missing(Failure):
    status, code, title = 404, "not-found", "there is no such thing here"


class VersionMismatch(Failure):
    status, code, title = 412, "version-mismatch", "the stream has moved since the version that If-Match names"


class KeyReused(Failure):
    status, code, title = 422, "idempotency-key-reused", "this Idempotency-Key came with another body before"


class WrongTooOften(Failure):
    status, code, title = 429, "wrong-too-often", "wrong codes came too often for this contribution: wait before the next"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = max(1, retry_after_s)


class Contended(Failure):
    status, code, title = 409, "contended", "others keep changing the same thing: try again"


class Behind(Failure):
    status, code, title = 503, "behind", "this part of the service has not caught up with the log yet: try again"


_STATUS: Final[Mapping[str, int]] = {
    "wrong-code": 403,
    "erased": 410,
    **dict.fromkeys(
        (
            "charter-superseded", "lengths-impossible", "moment-out-of-range", "not-a-successor", "not-a-withdrawal", "clause-not-in-force", "codebook-superseded", "code-redefined", "codes-missing", "empty", "reason-missing", "identifier-malformed", "text-length",
            "unknown-code", "unknown-meeting", "unknown-theme", "window-empty", "closing-not-later",
        ),
        422,
    ),
    **dict.fromkeys(("unknown-commitment", "unknown-question"), 404),
}  # fmt: skip
"""HTTP status of a refusal; 409 where nothing else is said."""


def problem(
    status: int,
    code: str,
    title: str,
    *,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response[Any]:
    body: dict[str, object] = {"type": f"urn:registre:problem:{code}", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return Response({**(more or {}), **body}, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def refused(_: Request[Any, Any, Any], error: Refused) -> Response[Any]:
    details = {key: value for key, value in error.details.items() if key != "field"}
    if name := error.details.get("field"):
        details["errors"] = [{"field": name, "message": error.title}]
    return problem(_STATUS.get(error.code, 409), error.code, error.title, more=details)


def failed(_: Request[Any, Any, Any], error: Failure) -> Response[Any]:
    headers = {"Retry-After": str(error.retry_after_s)} if error.status in {429, 503} else None
    return problem(error.status, error.code, error.title, detail=error.detail, headers=headers, more=error.details)


def unavailable(_: Request[Any, Any, Any], error: Unavailable) -> Response[Any]:
    _log.warning("unavailable", reason=str(error), uncertain=error.uncertain)
    detail = "what was sent may have been recorded: repeat it with the same key" if error.uncertain else "nothing was recorded"
    return problem(
        503,
        "unavailable",
        "the service cannot record anything at the moment",
        detail=detail,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def too_late() -> list[dict[str, Any]]:
    """The whole answer to a request that nothing has answered in time, as ASGI messages."""
    detail = "what was sent may have been recorded: repeat it with the same key"
    return _messages(503, "unavailable", "the service has not answered in time", detail)


def too_slow() -> list[dict[str, Any]]:
    """The same for a request whose body does not arrive."""
    return _messages(408, "too-slow", "the body did not arrive in time", "nothing was recorded")


def _messages(status: int, code: str, title: str, detail: str) -> list[dict[str, Any]]:
    body = msgspec.json.encode(Problem(f"urn:registre:problem:{code}", title, status, detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(RETRY_AFTER_S).encode()),
    ]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": False},
    ]


def database_away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A view that could not be read."""
    return unavailable(request, Unavailable(f"PostgreSQL is away: {type(error).__name__}"))


def not_built(request: Request[Any, Any, Any], _: asyncpg.UndefinedTableError) -> Response[Any]:
    return failed(request, Behind("the worker is building it"))


def conflicted(request: Request[Any, Any, Any], _: Conflict) -> Response[Any]:
    return failed(request, Contended())


def unreadable(request: Request[Any, Any, Any], error: Unreadable) -> Response[Any]:
    """The log was written by a later release."""
    _log.error("unreadable", position=error.position, topic=error.topic)
    return failed(request, Behind(f"this release cannot read position {error.position} of the log"))


def away(request: Request[Any, Any, Any], _: KeySetUnavailable) -> Response[Any]:
    return unavailable(request, Unavailable("the issuer's key set cannot be read"))


def sealed_off(request: Request[Any, Any, Any], _: SealRefused) -> Response[Any]:
    return refused(request, Refused("erased"))


def malformed_code(request: Request[Any, Any, Any], _: MalformedCode) -> Response[Any]:
    return refused(request, Refused("wrong-code"))


def bad_cursor(request: Request[Any, Any, Any], error: BadCursor) -> Response[Any]:
    return failed(request, Failure(errors=[{"field": "cursor", "message": str(error)}]))


def unauthenticated(_: Request[Any, Any, Any], error: TokenRefused) -> Response[Any]:
    return problem(
        401,
        "token-refused",
        "the access token is missing or not valid",
        detail=str(error),
        headers={"WWW-Authenticate": "Bearer"},
    )


_TITLES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid-input", "the request is not understood"),
    401: ("token-refused", "the access token is missing or not valid"),
    403: ("forbidden", "the role does not allow this"),
    404: ("not-found", "there is no such thing here"),
    405: ("method-not-allowed", "this method is not offered here"),
    413: ("too-large", "the body is larger than the service takes"),
    415: ("unsupported-media-type", "the body must be application/json"),
}


def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What Litestar itself raises: routing, parsing, guards."""
    if isinstance(error, InternalServerException):  # Litestar's word for a client that broke off; nobody hears the answer
        return problem(400, "incomplete", "the request ended before its body did")
    code, title = _TITLES.get(error.status_code, ("error", error.detail))
    more: dict[str, object] = {}
    if isinstance(error, ValidationException):
        if isinstance(error.extra, list):
            more["errors"] = [
                {"field": _short(_field(request, item)), "message": _short(_ECHO.sub(r"\1", item.get("message", "")))}
                for item in error.extra
            ]
        elif missing_one := _MISSING.match(error.detail):
            more["errors"] = [{"field": missing_one["name"], "message": "missing"}]
    return problem(error.status_code, code, title, detail=_plain(error.detail), headers=error.headers, more=more)


_ECHO: Final = re.compile(r"(Invalid enum value) '.*'", re.DOTALL)
"""Where a list of values is closed the library repeats what it was given, which may be the text itself in the wrong place."""


def _short(said: str) -> str:
    """What a sender sent need not come back whole."""
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."


_MISSING: Final = re.compile(r"^Missing required \w+ parameter '(?P<name>[^']+)'")


def _field(request: Request[Any, Any, Any], item: Mapping[str, Any]) -> str:
    """The part of the request that is meant, as its sender would name it."""
    key = str(item.get("key") or item.get("source") or "body")
    definition = request.route_handler.parsed_fn_signature.parameters.get(key)
    kwarg = definition.kwarg_definition if definition else None
    if isinstance(kwarg, HeaderParameter):
        return kwarg.name or key
    return "body" if key == "data" else key


def _plain(detail: str) -> str:
    """Litestar repeats the method and URL in the first half of its sentence; a URL may hold what nobody should log."""
    return detail.split(" for POST http", 1)[0].split(" for GET http", 1)[0].split(" for PUT http", 1)[0]


def unforeseen(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect: logged by its type and place only, since its message may quote a text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    _log.error("defect", error=type(error).__name__, place=place)
    return problem(500, "defect", "the service failed; nothing of what was sent is logged")


HANDLERS: Final[ExceptionHandlersMap] = {
    Refused: refused,
    Failure: failed,
    Unavailable: unavailable,
    TokenRefused: unauthenticated,
    KeySetUnavailable: away,
    SealRefused: sealed_off,
    MalformedCode: malformed_code,
    BadCursor: bad_cursor,
    Unreadable: unreadable,
    Conflict: conflicted,
    asyncpg.UndefinedTableError: not_built,
    **dict.fromkeys(AWAY, database_away),
    HTTPException: http,
    Exception: unforeseen,
}

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "A part of the request is missing or malformed; `errors` names the field.",
    401: "No access token, or one that is expired or not for this service.",
    403: "The role, or the receipt's code, does not allow this. A wrong code and a contribution that is not there are told alike.",
    404: "Unknown identifier.",
    405: "This method is not offered here.",
    408: "The body did not arrive in time.",
    409: "A rule refuses this in the present state; the type says which.",
    410: "The contribution, or one that the bundle shows, has been erased.",
    412: "If-Match names another version.",
    413: "The body is larger than the service takes.",
    415: "The body must be application/json.",
    422: "A rule refuses a value; `errors` names the field.",
    429: "Wrong codes came too often for this contribution; Retry-After says when another is looked at. A right one always is.",
    503: "The store cannot be reached; Retry-After says when to repeat.",
}


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems that a route may answer, for its OpenAPI entry. 400, 404, 405 and 503 may come from any route, 408 where a body may."""
    return {
        status: ResponseSpec(Problem, description=_DESCRIPTIONS[status], media_type=MEDIA_TYPE, generate_examples=False)
        for status in sorted({400, 404, 405, 503, *statuses, *({408} if 413 in statuses else ())})
    }


STAFF: Final = (401, 403, 409, 410, 412, 413, 415, 422)
"""What any staff command may answer besides."""


def missing(kind: str, identifier: object) -> NoReturn:
    raise Missing(f"no {kind} {identifier}")
