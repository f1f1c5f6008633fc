"""Readers over HTTP: the text and nothing else, in an order nobody chose; and their own readings again under a later codebook."""

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.e2e.asking import SHOWN_S, Asking, code, fields
from tests.e2e.running import Running

TEXTS = ("Ouvrir les bibliothèques le dimanche.", "Un orchestre sur chaque place.", "Prêter des instruments de musique.")
TOLD = {"assignment", "theme", "text", "language", "codebook", "expires"}
HEADERS = {"content-type", "content-length", "cache-control", "date", "server"}
"""None of them is the contribution's: no ETag, no Last-Modified, no Location."""
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    """Three contributions, kept, and read by nobody yet."""
    asking = Asking(running, "read")
    asking.prepare()
    receipts = [asking.receipt(text, channel=channel) for text, channel in zip(TEXTS, ("web", "paper", "email"), strict=True)]
    moderator = asking.staff("moderator", "mona")
    for receipt in receipts:
        asking.review(receipt, moderator)
        assert moderator.post(f"/v1/moderation/{receipt['contribution']}/kept", json={}).status_code == 200
    yield asking
    asking.close()


def taken(asking: Asking, reader: httpx.Client, what: str = "readings") -> httpx.Response:
    """What the queue hands out, once it has come so far."""
    deadline = time.monotonic() + SHOWN_S
    while (answer := reader.post(f"{asking.base}/{what}/next")).status_code == 204 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer.status_code == 200, answer.text
    return answer


def coded(reader: httpx.Client, item: dict[str, Any], *codes: str, what: str = "") -> httpx.Response:
    return reader.post(
        f"/v1/readings/{item['assignment']}{what}", json={"codebook": item["codebook"]["version"], "codes": list(codes)}
    )


def read_all(asking: Asking, name: str, chosen: str) -> list[dict[str, Any]]:
    """Every text that a reader is handed, each answered with one code."""
    reader, items = asking.staff("analyst", name), []
    for _ in TEXTS:
        items.append(taken(asking, reader).json())
        assert coded(reader, items[-1], chosen).status_code == 200
    assert reader.post(f"{asking.base}/readings/next").status_code == 204
    return items


@pytest.fixture(scope="module")
def readings(asking: Asking) -> dict[str, list[dict[str, Any]]]:
    """What two readers were handed, in order."""
    return {name: read_all(asking, name, chosen) for name, chosen in (("ada", "horaires"), ("bob", "horaires"))}


def test_a_reader_is_told_the_text_and_nothing_of_where_it_comes_from(asking: Asking) -> None:
    reader = asking.staff("analyst", "ada")
    answer = taken(asking, reader)

    assert set(answer.json()) == TOLD
    assert set(answer.json()["codebook"]) == {"version", "codes"}
    assert set(answer.headers) <= HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert RANDOM.fullmatch(answer.json()["assignment"])
    assert taken(asking, reader).json() == answer.json()


def test_no_word_of_a_readers_answers_identifies_the_contribution(
    asking: Asking, readings: dict[str, list[dict[str, Any]]]
) -> None:
    listed = asking.public.get(f"{asking.base}/themes/bibliotheques/contributions").json()["items"]
    ids, days = {each["id"] for each in listed}, {each["day"] for each in listed}
    commitments = {each["commitment"] for each in listed}
    assert len(ids) == len(TEXTS)
    for item in (item for items in readings.values() for item in items):
        told = str({name: value for name, value in item.items() if name not in {"text", "codebook", "expires"}})
        assert not any(word in told for word in ids | days | commitments | {"web", "paper", "email"})


def test_two_readers_cannot_match_their_assignments(readings: dict[str, list[dict[str, Any]]]) -> None:
    ada, bob = readings["ada"], readings["bob"]

    assert {item["text"] for item in ada} == {item["text"] for item in bob} == set(TEXTS)
    assignments = [item["assignment"] for item in (*ada, *bob)]
    assert len(set(assignments)) == len(assignments)
    for item in ada:
        (same,) = (other for other in bob if other["text"] == item["text"])
        shared = {name for name in TOLD if item[name] == same[name]}
        assert shared == {"theme", "text", "language", "codebook"}


def test_nobody_answers_for_another(asking: Asking, readings: dict[str, list[dict[str, Any]]]) -> None:
    reader = asking.staff("analyst", "bob")
    refused = [coded(reader, item, "horaires", what="/recoding") for item in readings["ada"]]

    assert {code(answer, 409) for answer in refused} == {"not-the-reader"}
    assert all(set(answer.headers) <= HEADERS for answer in refused)


def test_a_code_keeps_its_meaning_and_readers_code_anew_under_a_later_codebook(
    asking: Asking, readings: dict[str, list[dict[str, Any]]]
) -> None:
    administrator, ada = asking.staff("administrator"), asking.staff("analyst", "ada")
    assert ada.post(f"{asking.base}/recodings/next").status_code == 204
    codes = readings["ada"][0]["codebook"]["codes"]
    anew = {"id": "musique", "label": "Musique", "definition": "Ce qui se joue."}

    changed = [codes[0] | {"definition": "Autre chose."}, *codes[1:]]
    refused = administrator.post(f"{asking.base}/codebook", json={"codes": changed, "reason": "Plus large."})
    assert (code(refused, 422), fields(refused, 422)) == ("code-redefined", ["codes"])
    relabelled = [codes[0] | {"label": "Autrement dit"}, *codes[1:], anew]
    body = {"codes": relabelled, "reason": "Un code de plus."}
    assert administrator.post(f"{asking.base}/codebook", json=body).status_code == 200

    for read in readings["ada"]:
        answer = taken(asking, ada, "recodings")
        item = answer.json()
        assert item == read | {"codebook": {"version": 2, "codes": relabelled}, "expires": None}
        assert set(answer.headers) <= HEADERS
        assert code(coded(ada, read, "musique", what="/recoding"), 422) == "codebook-superseded"
        assert fields(coded(ada, item, "nowhere", what="/recoding"), 422) == ["codes"]
        assert coded(ada, item, "musique", what="/recoding").status_code == 200
        assert code(coded(ada, item, "musique", what="/recoding"), 409) == "already-coded"
    assert ada.post(f"{asking.base}/recodings/next").status_code == 204

    listed = {tuple(each["codes"]) for each in shown(asking)}
    assert listed == {("horaires", "musique")}


def shown(asking: Asking) -> list[dict[str, Any]]:
    """The coded contributions, once their read model knows the new code."""
    analyst, deadline = asking.staff("analyst"), time.monotonic() + SHOWN_S
    while time.monotonic() < deadline:
        items: list[dict[str, Any]] = analyst.get(f"{asking.base}/coded").json()["items"]
        if len(items) == len(TEXTS) and all("musique" in each["codes"] for each in items):
            return items
        time.sleep(0.02)
    raise TimeoutError("the codes are not shown")


def test_the_seed_is_recorded_by_its_digest_and_revealed_when_the_readings_are_finished(running: Running) -> None:
    asking = Asking(running, "revealed")
    asking.prepare(closes=datetime.now(UTC) + timedelta(seconds=1))
    secretary, auditor = asking.staff("secretary"), asking.staff("auditor")

    def told(topic: str) -> list[dict[str, Any]]:
        lines = auditor.get("/v1/audit/events", params={"consultation": asking.slug}).text.splitlines()
        return [event["event"] for event in map(json.loads, lines) if event["topic"] == topic]

    (opened,) = told("consultation.opened.v1")
    deadline = time.monotonic() + SHOWN_S
    while (finished := secretary.post(f"{asking.base}/completion")).status_code != 200 and time.monotonic() < deadline:
        assert code(finished, 409) == "consultation-running"
        assert told("consultation.readings_finished.v1") == []
        time.sleep(0.1)

    (revealed,) = told("consultation.readings_finished.v1")
    seed = base64.b64decode(revealed["queue_seed"])
    assert len(seed) == 32
    assert sha256(seed).digest() == base64.b64decode(opened["queue_seed_digest"])
    assert seed.hex() not in str(opened)
    assert base64.b64encode(seed).decode() not in str(opened)
    asking.close()
