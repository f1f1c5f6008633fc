"""Whatever dies in between, a request is repeated under the same key; what the service tells otherwise is final."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from service import client as module
from service.client import Away, Client, Told, Uncertain, explanation

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.001, 0.002))


def receipt() -> dict[str, Any]:
    return {
        "contribution": str(uuid4()), "code": "c", "commitment": "", "blind": "", "theme": "t", "charter": 1,
        "consultation": "essai", "promise": "signed",
    }  # fmt: skip


def problem(status: int, code: str = "theme-closed", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    body = {"type": f"urn:registre:problem:{code}", "title": "no", "status": status} | more
    return httpx.Response(status, json=body, headers=headers)


class Service:
    """Answers in turn, and remembers what it was sent."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(service: Answer, patience_s: float = 10.0) -> Client:
    http = httpx.AsyncClient(transport=httpx.MockTransport(service), base_url="http://registre")
    return Client("", "token", http=http, patience_s=patience_s)


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.ReadTimeout("late"),
        problem(503, "unavailable"),
        problem(502),
        problem(409, "contended"),
    ],
    ids=lambda lost: type(lost).__name__ if isinstance(lost, Exception) else str(lost.status_code),
)
async def test_a_deposit_is_repeated_with_the_same_key_and_body(lost: httpx.Response | Exception) -> None:
    said = receipt()
    service = Service(lost, lost, httpx.Response(201, json=said))
    key = secrets.token_hex(16)

    async with client(service) as participant:
        met = await participant.deposit("essai", key, {"text": "Un bal."})

    assert msgspec.to_builtins(met) == said
    assert [request.headers["Idempotency-Key"] for request in service.asked] == [key] * 3
    assert len({request.content for request in service.asked}) == 1


async def test_what_a_rule_refuses_is_not_repeated() -> None:
    service = Service(problem(409, theme="fetes"))

    async with client(service) as participant:
        with pytest.raises(Told) as told:
            await participant.deposit("essai", "k" * 22, {})

    assert (told.value.status, told.value.code, told.value.repeated) == (409, "theme-closed", False)
    assert len(service.asked) == 1


async def test_the_service_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    async with client(Service(problem(503, headers={"Retry-After": "3"}), httpx.Response(200, json={}))) as participant:
        await participant.get("/v1/x")

    assert 3 * 0.75 <= waited[0] <= 3 * 1.25


async def test_patience_ends() -> None:
    service = Service(*[httpx.ConnectError("refused")] * 1_000)

    async with client(service, patience_s=0.02) as participant:
        with pytest.raises(Away, match="ConnectError"):
            await participant.get("/v1/x")


async def test_a_command_whose_answer_was_lost_counts_as_done_when_it_is_refused_for_that() -> None:
    async with client(Service(httpx.ReadError("reset"), problem(409, "not-assigned"))) as moderator:
        assert await moderator.command("/v1/x") is None
    async with client(Service(httpx.ConnectError("never sent"), problem(409, "not-assigned"))) as moderator:
        with pytest.raises(Told):
            await moderator.command("/v1/x")
    async with client(Service(problem(409, "duplicate"))) as moderator:
        assert await moderator.command("/v1/x", settled={"duplicate"}) is None


async def test_what_must_not_be_done_twice_is_not_repeated_when_its_answer_was_lost() -> None:
    async with client(Service(httpx.ReadError("reset"))) as analyst:
        with pytest.raises(Uncertain):
            await analyst.post("/v1/x", once=True)
    async with client(Service(httpx.ConnectError("never sent"), httpx.Response(201, json=1))) as analyst:
        assert await analyst.post("/v1/x", once=True) == 1


async def test_a_problem_is_explained_in_one_line() -> None:
    errors = [{"field": "text", "message": "too long"}, {"field": "theme", "message": "unknown"}]

    assert explanation({"title": "refused", "errors": errors}) == "refused, text: too long; theme: unknown"
    assert explanation({"title": "too long", "errors": errors[:1]}) == "too long, field text"
    async with client(Service(httpx.Response(500, text="<html>"))) as participant:
        with pytest.raises(Told, match="500"):
            await participant.get("/v1/x")


async def test_a_connection_reset_as_it_is_made_is_a_connection_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object) -> httpx.Response:
        forgotten: Any = None
        return forgotten.getpeername()  # type: ignore[no-any-return]  # what anyio does with a socket that asyncio forgot

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", lost)
    async with module.Transport() as transport:
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(httpx.Request("GET", "http://registre"))
