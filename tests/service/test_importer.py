"""Each row of a file is deposited once, however often the import is run, and every one of them is accounted for."""

import csv
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service import client as client_module
from service import importer
from service.answers import Theme
from service.client import Client
from service.importer import Destination, Order, Tally, deposit, import_file, key, themes_by_name, write_report
from service.kept import Receipts, StateDiffers
from service.rows import Columns, FileRefused, Row, read, slugged

COLUMNS = Columns("text", "theme")
SALT = b"s" * 32


class Service:
    """Takes deposits as the service does: the same key and body meet the same receipt."""

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.refuses: dict[str, tuple[int, str]] = {}
        """Text to status and code."""
        self.dies_after = 10**9

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if len(self.by_key) >= self.dies_after:
            raise httpx.ConnectError("refused")
        if request.url.path.endswith("/themes"):
            return httpx.Response(200, json={"items": [theme("fetes", "Fêtes de quartier"), theme("autres", "Autres")]})
        if request.method == "GET":
            return httpx.Response(
                200, json={"slug": "essai", "title": "", "phase": "running", "charter": {"version": 3}, "themes": []}
            )
        body = json.loads(request.content)
        if body["text"] in self.refuses:
            status, code = self.refuses[body["text"]]
            problem = {"type": f"urn:registre:problem:{code}", "title": code, "status": status}
            return httpx.Response(status, json=problem)
        fresh = {"contribution": str(uuid4()), "code": "c", "commitment": "", "blind": "", "theme": body["theme"], "charter": 3}
        content, receipt = self.by_key.setdefault(request.headers["Idempotency-Key"], (request.content, fresh))
        assert content == request.content
        return httpx.Response(201, json=receipt)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(content) for content, _ in self.by_key.values()]


def theme(id_: str, title: str) -> dict[str, Any]:
    return {"id": id_, "title": title, "phase": "open", "received": 0, "visible": 0}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()

    def connected(url: str, **_: object) -> Client:
        http = httpx.AsyncClient(transport=httpx.MockTransport(service), base_url=url)
        return Client(url, http=http, patience_s=0.05)

    monkeypatch.setattr(importer, "Client", connected)
    monkeypatch.setattr(client_module, "PAUSES_S", (0.001, 0.002))
    return service


def written(path: Path, *rows: tuple[str, ...], header: tuple[str, ...] = ("text", "theme")) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def order(file: Path, **changed: Any) -> Order:
    facts: dict[str, Any] = {
        "file": file, "consultation": "essai", "columns": COLUMNS, "channel": "web", "theme_map": {},
        "state": file.with_suffix(".state"), "at_once": 4,
    }  # fmt: skip
    return Order(**facts | changed)


def _silent(*_: object) -> None:
    """Nobody watches."""


async def run(asked: Order) -> Tally:
    return await import_file("http://registre", asked, _silent)


async def test_equal_rows_stay_two_deposits_and_another_run_adds_none(service: Service, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", ("Un bal.", "fetes"), ("Un bal.", "fetes"), ("Un jardin.", "autres"))

    first, second = await run(order(file)), await run(order(file))

    assert first.line == "3 rows = 3 received + 0 already there + 0 refused"
    assert second.line == "3 rows = 0 received + 3 already there + 0 refused"
    assert len(service.by_key) == 3
    assert {body["charter"] for body in service.bodies} == {3}


async def test_keys_tell_nothing_of_the_row_and_differ_between_imports(service: Service, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", ("Un bal.", "fetes"))

    await run(order(file))
    await run(order(file, state=tmp_path / "other.state"))

    assert len(service.by_key) == 2
    assert key(SALT, 1) != key(SALT, 2) != key(b"t" * 32, 2)
    assert len(key(SALT, 1)) == 43


async def test_what_was_received_before_the_service_went_away_is_kept(service: Service, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", *[(f"Idée {number}.", "fetes") for number in range(40)])
    service.dies_after = 17
    with pytest.raises(client_module.Away):
        await run(order(file))
    receipts = (tmp_path / "rows.state.receipts.ndjson").read_bytes().splitlines()
    assert 10 <= len(receipts) <= 17
    service.dies_after = 10**9

    tally = await run(order(file))

    assert (tally.received + tally.already, tally.already) == (40, len(receipts))
    assert len(service.by_key) == 40


async def test_a_line_of_receipts_that_a_crash_cut_off_is_fetched_again(service: Service, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", ("Un bal.", "fetes"), ("Un jardin.", "fetes"))
    await run(order(file))
    receipts = tmp_path / "rows.state.receipts.ndjson"
    whole = receipts.read_bytes()
    receipts.write_bytes(whole[:-20])

    tally = await run(order(file))

    assert (tally.already, tally.received) == (1, 1)
    assert len(service.by_key) == 2
    assert sorted(receipts.read_bytes().splitlines()) == sorted(whole.splitlines())


async def test_every_row_that_is_refused_stands_in_the_report_with_its_reason(service: Service, tmp_path: Path) -> None:
    service.refuses = {"Trop court": (422, "text-length"), "Panne": (500, "defect")}
    file = tmp_path / "rows.csv"
    file.write_text('text,theme\n"Un bal.",fetes\n"Trop court",fetes\n"Seul"\n"a","b","c"\n"Panne",fetes\n', encoding="utf-8")

    tally = await run(order(file))
    write_report(tmp_path / "report.csv", tally)

    assert tally.rows == 5 == tally.received + tally.already + len(tally.refused) + len(tally.failed)
    assert tally.reasons == {"malformed-row": 2, "text-length": 1, "defect": 1}
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as report:
        rows = list(csv.reader(report))
    assert [row[:2] for row in rows] == [
        ["row", "code"], ["2", "text-length"], ["3", "malformed-row"], ["4", "malformed-row"], ["5", "defect"],
    ]  # fmt: skip


async def test_a_row_finds_its_theme_by_id_by_title_or_by_the_map(service: Service, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", ("1", "fetes"), ("2", "Fêtes de Quartier"), ("3", "Divers"), ("4", "musique"))

    await run(order(file, theme_map={"Divers": "autres"}))

    assert {body["text"]: body["theme"] for body in service.bodies} == {"1": "fetes", "2": "fetes", "3": "autres", "4": "musique"}


async def test_a_channel_and_a_kind_of_actor_are_those_of_the_row(service: Service, tmp_path: Path) -> None:
    header = ("text", "theme", "par", "qui")
    rows = (("1", "fetes", "courrier", "Associatif"), ("2", "fetes", "", ""), ("3", "fetes", "email", "public"))
    file = written(tmp_path / "rows.csv", *rows, header=header)

    await run(order(file, columns=Columns("text", "theme", "par", "qui"), channel="paper"))

    assert {body["text"]: (body["channel"], body["actor"]) for body in service.bodies} == {
        "1": ("paper", "associative"),
        "2": ("paper", ""),
        "3": ("email", "public"),
    }


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"consultation": "autre"}, "consultation"),
        ({"channel": "paper"}, "channel"),
        ({"columns": Columns("theme", "text")}, "columns"),
        ({"theme_map": {"a": "b"}}, "theme map"),
    ],
    ids=str,
)
async def test_a_state_begun_otherwise_is_refused_before_anything_is_sent(
    service: Service, tmp_path: Path, changed: dict[str, Any], named: str
) -> None:
    file = written(tmp_path / "rows.csv", ("Un bal.", "fetes"))
    await run(order(file))

    with pytest.raises(StateDiffers, match=named):
        await run(order(file, **changed))
    assert len(service.by_key) == 1


@pytest.mark.usefixtures("service")
async def test_a_file_that_was_changed_is_not_taken_for_the_one_begun(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", ("Un bal.", "fetes"))
    await run(order(file))
    written(file, ("Un jardin.", "fetes"), ("Un bal.", "fetes"))

    with pytest.raises(StateDiffers, match="content of the file"):
        await run(order(file))


def test_receipts_are_nobody_elses(tmp_path: Path) -> None:
    with Receipts(tmp_path / "receipts").writing():
        assert (tmp_path / "receipts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"texte,theme\na,b\n", "no column 'text'"),
        (b"text;theme\na;b\n", "no column 'text'"),
        (b"text,text,theme\na,b,c\n", "several columns 'text'"),
        (b"", "none"),
        (b'text,theme\n"a,b\n', "line"),
        ("text,theme\né,b\n".encode("latin-1"), "UTF-8"),
    ],
    ids=str,
)
def test_a_file_that_is_not_as_said_is_refused_with_what_to_do(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "rows.csv").write_bytes(content)

    with pytest.raises(FileRefused, match=told):
        list(read(tmp_path / "rows.csv", COLUMNS))


def test_a_text_is_read_byte_for_byte(tmp_path: Path) -> None:
    texts = ["  blancs  ", "deux\r\nlignes", 'des "guillemets", des virgules', "&amp;<b>", "x" * 200_000, "e\u0301"]
    file = written(tmp_path / "rows.csv", *((text, "fetes") for text in texts))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    assert [row.text for row in read(file, COLUMNS)] == texts


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Écologie & œuvres", "ecologie-oeuvres"),
        ("fetes", "fetes"),
        ("  ", ""),
        ("A" * 100, "a" * 64),
        ("Æther / 2", "aether-2"),
    ],
)
def test_a_title_becomes_an_id(title: str, slug: str) -> None:
    assert slugged(title) == slug


def test_titles_without_a_letter_that_an_id_can_hold_are_told_apart() -> None:
    assert slugged("数字") != slugged("文化")
    assert slugged("数字").startswith("theme-")


async def test_the_first_error_ends_the_others_and_loses_no_receipt(tmp_path: Path) -> None:
    service = Service()
    service.dies_after = 3
    http = httpx.AsyncClient(transport=httpx.MockTransport(service), base_url="http://registre")
    rows = [Row(number, "fetes", f"Idée {number}.", "web", "", {}) for number in range(1, 21)]
    to = Destination("essai", 3, themes_by_name([Theme("fetes", "Fêtes", "open", 0, 0)], {}))

    with Receipts(tmp_path / "receipts").writing() as receipts:
        async with Client("", http=http, patience_s=0.01) as client:
            with pytest.raises(client_module.Away):
                await deposit(client, to, rows, SALT, receipts, _silent, 2)
        assert len(receipts.by_row) == len(service.by_key) == 3
