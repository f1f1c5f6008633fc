"""Who may do what: staff bring an access token with roles; participants need nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from adapters.receipts import pseudonym
from adapters.tokens import Staff, TokenRefused
from service.wiring import Resources

Connection = ASGIConnection[Any, Any, Any, Any]


def needs(*roles: str) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """A guard that lets in whoever brings a valid token with one of `roles`."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        staff = await _bearer(connection)
        if not staff.roles.intersection(roles):
            raise PermissionDeniedException(f"one of these roles is needed: {', '.join(roles)}")
        connection.scope["user"] = staff

    return guard


async def sees_drafts(connection: Connection, *roles: str) -> bool:
    """Whether the caller brings a token with one of `roles`; whoever brings none is the public. Raises TokenRefused."""
    return "authorization" in connection.headers and bool((await _bearer(connection)).roles.intersection(roles))


async def _bearer(connection: Connection) -> Staff:
    """Who calls, by the token. Raises TokenRefused."""
    scheme, token = (*connection.headers.get("authorization", "").split(maxsplit=1), "", "")[:2]
    if not scheme:
        raise TokenRefused("missing")
    if scheme.lower() != "bearer" or not token:
        raise TokenRefused("malformed")
    resources: Resources = connection.app.state.resources
    return await resources.issuer.verify(token.strip())


def shared(request: Request[Any, Any, Any]) -> Resources:
    """What all requests of the process share, for routes that are asked so often that an injected dependency costs too much."""
    resources: Resources = request.app.state.resources
    return resources


def alias(request: Request[Any, Any, Any], consultation: str) -> str:
    """The pseudonym under which the caller stands in the events of a consultation."""
    staff: Staff = request.user
    resources: Resources = request.app.state.resources
    return pseudonym(resources.staff_secret, staff.issuer, staff.subject, consultation)
