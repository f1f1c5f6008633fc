"""A client of the service: whatever dies in between, a deposit is repeated with the same key and meets the same receipt."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import httpx
import msgspec

from adapters.ndjson import LINE_BYTES
from service.answers import Consultation, Receipt, Status, Theme, Treatment

T = TypeVar("T")

PATIENCE_S: Final = 120.0
"""How long a request is repeated while the service is away."""
PAUSES_S: Final = (0.05, 1.0)
"""The first pause before a request is repeated, and the longest; each is twice the one before, give or take a quarter."""
TIMEOUT: Final = httpx.Timeout(30, connect=5)
SLOW: Final = httpx.Timeout(300, connect=5)
"""For a bundle, which is rebuilt from the whole log."""
CONNECTIONS: Final = 64
_AGAIN: Final = frozenset({502, 503, 504})
_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "errors"})
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_DONE: Final = frozenset({404, 409, 410, 412})
"""What a command is answered that an earlier attempt has carried out: its item is no longer there, or no longer waits."""


class Told(RuntimeError):  # noqa: N818 - what the service told
    """The service answered with a problem.

    `repeated` means that the answer to an earlier attempt was lost: what was asked may be done, and refused for that reason.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], *, repeated: bool = False) -> None:
        self.status = status
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        self.problem = problem
        self.repeated = repeated
        super().__init__(f"{status} {self.code}: {explanation(problem)}")


class Away(RuntimeError):  # noqa: N818 - says what the service is
    """The service has not answered for as long as the client waits."""

    def __init__(self, url: str, waited_s: float, reason: str) -> None:
        super().__init__(f"{url} has not answered for {waited_s:.0f} s ({reason})")


class Uncertain(RuntimeError):  # noqa: N818 - says what is known
    """The answer to a request that is not repeated was lost: it may have been carried out."""


class Transport(httpx.AsyncHTTPTransport):
    """Tells a connection that was reset at the instant it was made by the error that it is."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except AttributeError as error:
            # asyncio forgets the socket of a connection that is lost; anyio asks it for its address all the same.
            if error.obj is not None or error.name not in {"getpeername", "getsockname"}:
                raise
            raise httpx.ConnectError("reset as it was made", request=request) from error


def explanation(problem: Mapping[str, Any]) -> str:
    """A problem in one line: its title, its detail, what is wrong with which field, and what else it tells."""
    title = str(problem.get("title", ""))
    listed = problem.get("errors", [])
    errors = [
        f"field {each.get('field')}" if each.get("message") == title else f"{each.get('field')}: {each.get('message')}"
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, Mapping)
    ]
    more = [f"{name} {value}" for name, value in problem.items() if name not in _MEMBERS]
    return ", ".join(part for part in (title, str(problem.get("detail", "")), "; ".join(errors), ", ".join(more)) if part)


class Client:
    """Repeats a request while the service cannot be reached or is busy; what it tells otherwise is final.

    Every method raises Told for a problem, and Away when the service has not answered for `patience_s` seconds. `waiting` is told once that
    it does not.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        http: httpx.AsyncClient | None = None,
        patience_s: float = PATIENCE_S,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        self._waiting = waiting
        self._http = http or httpx.AsyncClient(base_url=url, timeout=TIMEOUT, transport=_transport(), trust_env=False)
        self._token = {"Authorization": f"Bearer {token}"} if token else {}
        self._patience_s = patience_s

    def as_staff(self, token: str) -> "Client":
        """The same connections, with the token of somebody else."""
        return Client("", token, http=self._http, patience_s=self._patience_s)

    def move(self, url: str) -> None:
        """The service has come back elsewhere: what is repeated goes there."""
        self._http.base_url = httpx.URL(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    # --- any route ----------------------------------------------------------------------------------------------------

    async def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Any:
        """The decoded answer."""
        return _said(await self._answer("GET", path, None, headers, query))

    async def read(self, path: str, shape: type[T], **query: Any) -> T:
        """The answer, in the members of `shape`."""
        return _decoded(await self._answer("GET", path, None, None, query), shape)

    async def post(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None, *, slow: bool = False, once: bool = False
    ) -> Any:
        """The decoded answer; None where there is nothing to say. With `once`, raises Uncertain rather than repeat what may be done."""
        return _said(await self._answer("POST", path, body, headers, {}, slow=slow, once=once))

    async def put(self, path: str, body: object) -> Any:
        """The decoded answer."""
        return _said(await self._answer("PUT", path, body, None, {}))

    async def raw(self, path: str, **query: Any) -> bytes:
        """The answer's bytes."""
        return (await self._answer("GET", path, None, None, query, slow=True)).content

    async def lines(self, path: str, **query: Any) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they arrive, their line breaks included; the last one, or one that is far too long, as far as it came.

        Nothing is asked again: raises httpx.TransportError where the connection breaks.
        """
        query = {name: value for name, value in query.items() if value is not None}
        async with self._http.stream("GET", path, headers=self._token, params=query or None, timeout=SLOW) as answer:
            if not answer.is_success:
                await answer.aread()
                raise Told(answer.status_code, _problem(answer))
            begun = b""
            async for chunk in answer.aiter_bytes():
                *whole, begun = (begun + chunk).split(b"\n")
                for line in whole:
                    yield line + b"\n"
                if len(begun) > LINE_BYTES:
                    break
            if begun:
                yield begun

    async def command(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None, *, settled: Collection[str] = ()
    ) -> Any:
        """What the service answers to a command; None when it is done already.

        It is when an attempt whose answer was lost has carried it out, and when the service refuses it under one of the codes `settled`.
        """
        try:
            return await self.post(path, body, headers)
        except Told as told:
            if told.code in settled or (told.repeated and told.status in _DONE):
                return None
            raise

    async def take(self, path: str, shape: type[T]) -> T | None:
        """The item that a queue hands out; None when there is none. Whoever asks again is given the same one."""
        answer = await self._answer("POST", path, None, None, {})
        return None if answer.status_code == 204 else _decoded(answer, shape)

    # --- participants and the public ----------------------------------------------------------------------------------

    async def deposit(self, slug: str, key: str, body: object) -> Receipt:
        """The receipt. The same key and body always give the same one."""
        answer = await self._answer("POST", f"/v1/consultations/{slug}/contributions", body, {"Idempotency-Key": key}, {})
        return _decoded(answer, Receipt)

    async def status(self, contribution: str | UUID, code: str) -> Status:
        """What became of a contribution, for the holder of its code."""
        return _decoded(await self._answer("GET", f"/v1/receipts/{contribution}", None, {"Receipt-Code": code}, {}), Status)

    async def consultation(self, slug: str) -> Consultation | None:
        """None when there is no such consultation."""
        try:
            return await self.read(f"/v1/consultations/{slug}", Consultation)
        except Told as told:
            if told.status != 404:
                raise
            return None

    async def themes(self, slug: str) -> list[Theme]:
        return await self.items(f"/v1/consultations/{slug}/themes", Theme)

    async def treatment(self, slug: str) -> Treatment:
        return await self.read(f"/v1/consultations/{slug}/counts", Treatment)

    async def items(self, path: str, shape: type[T]) -> list[T]:
        """The items of a list that has no pages."""
        return msgspec.convert((await self.get(path))["items"], list[shape])  # type: ignore[valid-type]  # a type made at run time

    # --- one request, repeated ----------------------------------------------------------------------------------------

    async def _answer(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | None,
        query: dict[str, Any],
        *,
        slow: bool = False,
        once: bool = False,
    ) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        sent = {**self._token, **(headers or {}), **({"Content-Type": "application/json"} if content else {})}
        timeout = SLOW if slow else TIMEOUT
        began, pause_s, repeated = time.monotonic(), PAUSES_S[0], False
        while True:
            try:
                answer = await self._http.request(
                    method, path, content=content, headers=sent, params=query or None, timeout=timeout
                )
            except httpx.TransportError as error:
                wait_s, reason = pause_s, type(error).__name__
                repeated = repeated or not isinstance(error, _NEVER_SENT)
            else:
                if answer.is_success:
                    return answer
                told = Told(answer.status_code, _problem(answer), repeated=repeated)
                if answer.status_code not in _AGAIN and told.code != "contended":
                    raise told
                wait_s, reason, repeated = _asked_for(answer, pause_s), str(told), True
            if once and repeated:
                raise Uncertain(f"{method} {path}: {reason}")
            if time.monotonic() + wait_s - began > self._patience_s:
                raise Away(str(self._http.base_url), time.monotonic() - began, reason)
            if self._waiting is not None:
                self._waiting(f"{self._http.base_url} does not answer ({reason})")
                self._waiting = None
            await asyncio.sleep(wait_s * random.uniform(0.75, 1.25))  # noqa: S311 - spreads the load, guards nothing
            pause_s = min(2 * pause_s, PAUSES_S[1])


def _transport() -> Transport:
    return Transport(
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=60),
        trust_env=False,
    )


def _decoded(answer: httpx.Response, shape: type[T]) -> T:
    """Raises Told for an answer that no service of this kind gives."""
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Told(answer.status_code, {"title": f"what answers is not this service ({error})"}) from error


def _said(answer: httpx.Response) -> Any:
    return _decoded(answer, object) if answer.content else None


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem: Mapping[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {"title": answer.reason_phrase}
    return problem


def _asked_for(answer: httpx.Response, pause_s: float) -> float:
    """The pause that the service asks for in whole seconds, else the client's own."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isascii() and asked.isdigit() else pause_s
