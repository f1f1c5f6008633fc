"""A log is followed from wherever it comes, to its end or not at all in silence."""

import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from adapters.ndjson import LINE_BYTES, Malformed, line_of
from domain.contribution import Hidden
from domain.treatment.trail import Trail
from service.auditing import Truncated, follow, from_file, from_service
from service.client import Client, Told
from tests.domain.treatment.whole import whole_life
from tests.e2e.running import environment

LINES: Final = [line_of(each) for each in whole_life()]
HEAD: Final = len(LINES)


def quiet(_: int, __: int) -> None:
    """Progress, told to nobody."""


async def lines(*all_lines: bytes) -> AsyncGenerator[bytes, None]:
    for line in all_lines:
        yield line


class Pieces(httpx.AsyncByteStream):
    """An answer in pieces that end anywhere; the connection breaks at the end where it is said to."""

    def __init__(self, content: bytes, size: int, *, breaks: bool = False) -> None:
        self._content = content
        self._size = size
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._size):
            yield self._content[start : start + self._size]
        if self._breaks:
            raise httpx.ReadError("reset")


def service(content: bytes, head: int = HEAD, size: int = 777, *, breaks: bool = False) -> Client:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health/ready":
            return httpx.Response(200, json={"status": "ready", "position": head})
        assert request.headers["Authorization"] == "Bearer token"
        return httpx.Response(200, stream=Pieces(content, size, breaks=breaks))

    return Client("", "token", http=httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://registre"))


async def followed(client: Client, consultation: str | None = None) -> Trail:
    trail = Trail(whole=consultation is None)
    await follow(trail, from_service(client, consultation, quiet), consultation)
    return trail


@pytest.mark.parametrize("size", [1_000_000, 777, 64])
async def test_the_lines_of_a_service_are_followed_however_they_arrive(size: int) -> None:
    findings = (await followed(service(b"".join(LINES), size=size))).findings()
    assert (findings.events, findings.departures) == (HEAD, ())


async def test_a_log_that_ends_before_the_head_of_the_service_is_truncated() -> None:
    with pytest.raises(Truncated, match=f"behind position {HEAD - 1}: the service said that it goes on to {HEAD}"):
        await followed(service(b"".join(LINES[:-1])))


async def test_one_consultation_may_end_before_the_head_of_the_service() -> None:
    assert (await followed(service(b"".join(LINES[:-1])), "culture")).findings().events == HEAD - 1


async def test_a_connection_that_breaks_is_told_with_the_position_behind_which_it_did() -> None:
    with pytest.raises(Truncated, match="behind position 40: ReadError"):
        await followed(service(b"".join(LINES[:40]), breaks=True))


async def test_a_line_without_its_end_is_told() -> None:
    with pytest.raises(Truncated, match="behind position 40: line 41 has no end"):
        await follow(Trail(), lines(*LINES[:40], LINES[40][:-10]))


async def test_a_line_without_an_end_is_not_held_for_ever() -> None:
    with pytest.raises(Truncated, match="line 1 has no end"):
        await followed(service(b"x" * (LINE_BYTES + 100_000), size=100_000))


async def test_a_malformed_line_is_told_with_its_position() -> None:
    with pytest.raises(Malformed, match="line 41, behind position 40"):
        await follow(Trail(), lines(*LINES[:40], b"{}\n"))


async def test_a_connection_is_closed_where_a_line_is_malformed() -> None:
    closed: list[bool] = []

    class Watched(Pieces):
        async def aclose(self) -> None:
            closed.append(True)

    def answer(request: httpx.Request) -> httpx.Response:
        ready = request.url.path == "/health/ready"
        return httpx.Response(200, json={"position": HEAD}) if ready else httpx.Response(200, stream=Watched(b"null\n" * 9, 7))

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://registre")
    with pytest.raises(Malformed):
        await followed(Client("", "token", http=http))
    assert closed == [True]


async def test_what_the_service_refuses_is_told() -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health/ready":
            return httpx.Response(200, json={"status": "ready", "position": 1})
        return httpx.Response(403, json={"type": "urn:registre:problem:forbidden", "title": "no", "status": 403})

    http = httpx.AsyncClient(transport=httpx.MockTransport(refuses), base_url="http://registre")
    with pytest.raises(Told, match="403 forbidden"):
        await followed(Client("", "token", http=http))


STRANGERS: Final = [
    httpx.Response(302, headers={"Location": "/elsewhere"}),
    httpx.Response(302, html="<html>moved</html>"),
    httpx.Response(200, html="<html>welcome</html>"),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={"status": "ready", "position": "here"}),
    httpx.Response(200, json={"status": "ready"}),
    httpx.Response(204),
    httpx.Response(200, content=b"[" * 100_000),
    httpx.Response(500, json={"title": 1, "errors": "many"}),
    httpx.Response(500, json={"title": 1, "errors": [1]}),
]


@pytest.mark.parametrize("answer", STRANGERS)
async def test_what_is_no_service_of_this_kind_is_told(answer: httpx.Response) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer), base_url="http://registre")
    with pytest.raises(Told):
        await followed(Client("", "token", http=http))


async def test_a_log_that_is_elsewhere_is_told() -> None:
    def moved(request: httpx.Request) -> httpx.Response:
        ready = request.url.path == "/health/ready"
        return httpx.Response(200, json={"position": 1}) if ready else httpx.Response(302, headers={"Location": "/elsewhere"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(moved), base_url="http://registre")
    with pytest.raises(Told, match="302"):
        await followed(Client("", "token", http=http), "culture")


async def test_of_a_file_of_several_consultations_one_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    others = [line_of(replace(each, consultation="elsewhere")) for each in whole_life()[:5]]
    path.write_bytes(b"".join([*LINES, *others]))
    trail = Trail(whole=False)
    await follow(trail, from_file(str(path)), "culture")
    assert (trail.findings().events, trail.departures()) == (HEAD, ())


def replay(*arguments: str, log: Iterable[bytes] = ()) -> subprocess.CompletedProcess[bytes]:
    """`registre audit replay`, with a log on its standard input."""
    command = [sys.executable, "-m", "service.cli", "audit", "replay", *arguments]
    return subprocess.run(command, input=b"".join(log), capture_output=True, check=False, timeout=60, env=environment())


REMOVED: Final = next(each for each in whole_life() if isinstance(each.event, Hidden))


def departed() -> list[bytes]:
    """The log with another charter in its first removal."""
    other = replace(REMOVED, event=replace(REMOVED.event, charter=7))
    return [line_of(other) if each.position == REMOVED.position else line_of(each) for each in whole_life()]


def test_a_clean_log_prints_no_departure() -> None:
    ended = replay("--from", "-", log=LINES)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode() == (
        f"{HEAD} events read, 9 contributions, 32 assignments checked, 0 not yet verifiable: no departures from the rules\n"
    )


def test_departures_are_printed_under_their_rule_and_said_by_the_exit_code() -> None:
    ended = replay("--from", "-", log=departed())
    first, second, empty, summary = ended.stdout.decode().splitlines()
    assert ended.returncode == 1
    assert first == "charter-not-consented (1): the charter named is not the one that the contributor consented to"
    assert second.startswith(f"  position {REMOVED.position}, culture, stream ")
    assert second.endswith(": field charter, found 7, expected 1")
    assert (empty, summary.rpartition(": ")[2]) == ("", "1 departure from the rules")


def test_departures_are_one_object_of_json() -> None:
    ended = replay("--from", "-", "--json", log=departed())
    said: dict[str, Any] = msgspec.json.decode(ended.stdout)
    assert ended.returncode == 1
    assert (said["events"], said["by_rule"], said["broken"]) == (HEAD, {"charter-not-consented": 1}, None)
    assert [(each["position"], each["rule"]) for each in said["departures"]] == [(REMOVED.position, "charter-not-consented")]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ([*LINES[:40], LINES[40][:-3]], "the log breaks off behind position 40"),
        ([*LINES[:40], b"null\n"], "line 41, behind position 40"),
        ([], "the log holds no event"),
        ([*LINES[:40], LINES[40].replace(b'"culture"', b'"cult\xffure"')], "line 41, behind position 40"),
        ([*LINES[:40], LINES[40][:-2] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"], "line 41, behind position 40"),
        ([*LINES[:40], LINES[40][:-3] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n"], "line 41, "),
    ],
)
def test_a_log_that_cannot_be_read_to_its_end_is_never_called_clean(log: list[bytes], said: str) -> None:
    ended = replay("--from", "-", log=log)
    assert ended.returncode == 2
    assert said in ended.stderr.decode()


def test_a_service_needs_the_token_of_an_auditor(tmp_path: Path) -> None:
    ended = replay("--from", "http://127.0.0.1:9", "--data", str(tmp_path / "nothing"))
    assert ended.returncode == 2
    assert "REGISTRE_TOKEN" in ended.stderr.decode()


def test_an_address_that_is_none_is_told_in_a_sentence() -> None:
    ended = replay("--from", "http://127.0.0.1:x", "--token", "t")
    assert ended.returncode == 2
    assert b"Traceback" not in ended.stderr


def test_what_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    ended = replay("--from", str(tmp_path / "nothing.ndjson"))
    assert ended.returncode == 2
    assert b"Traceback" not in ended.stderr
    assert b"nothing.ndjson" in ended.stderr
