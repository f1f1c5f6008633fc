"""Two HTTP processes answer as one: what one has just recorded the other knows, and nobody gains by asking both."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.located import locate
from service.settings import Settings
from tests.bench.deciding import deciding
from tests.e2e.asking import Asking
from tests.e2e.running import served

AT_ONCE = 12


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with served(tmp_path_factory.mktemp("two") / "data", REGISTRE_WORKERS="2") as running:
        asking = Asking(running, "shared")
        asking.prepare()
        yield asking
        asking.close()


def from_new_connections(asking: Asking, like: httpx.Client, method: str, path: str, **more: Any) -> list[httpx.Response]:
    """The same request from many connections at once: the kernel spreads them over the processes."""

    def one(_: int) -> httpx.Response:
        with httpx.Client(base_url=asking.running.url, timeout=30, headers=like.headers) as client:
            return client.request(method, path, **more)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def test_whoever_asks_a_queue_many_times_at_once_holds_one_item(asking: Asking) -> None:
    for number in range(AT_ONCE):
        asking.receipt(f"Une idée parmi d'autres, numéro {number}.")
    asking.shown(AT_ONCE)
    mona = asking.staff("moderator", "mona")

    answers = from_new_connections(asking, mona, "POST", f"{asking.base}/reviews/next")

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["contribution"] for answer in answers}) == 1


def test_fifty_reviewers_are_never_handed_the_same_contribution(asking: Asking) -> None:
    found = deciding(asking.running, locate(Settings(data=asking.running.data)), rounds=1, seconds=2.0)

    assert found["decided"] >= found["reviewers"] == 50
    assert found["handed_out_twice"] == found["out_of_turn"] == 0


def test_a_reading_handed_out_by_one_process_is_coded_at_the_other(asking: Asking) -> None:
    moderator, reader = asking.staff("moderator", "nils"), asking.staff("analyst", "elise")
    for _ in range(4):
        taken = moderator.post(f"{asking.base}/reviews/next").json()
        assert moderator.post(f"/v1/moderation/{taken['contribution']}/kept", json={}).status_code == 200
    for _ in range(4):
        item = from_new_connections(asking, reader, "POST", f"{asking.base}/readings/next")[0].json()
        codes = {"codebook": item["codebook"]["version"], "codes": [item["codebook"]["codes"][0]["id"]]}
        statuses = [
            answer.status_code
            for answer in from_new_connections(asking, reader, "POST", f"/v1/readings/{item['assignment']}", json=codes)
        ]
        assert statuses.count(200) == 1
        assert set(statuses) == {200, 409}


def test_a_charter_adopted_at_one_process_is_known_to_the_other(asking: Asking) -> None:
    clauses = [
        {"id": "1.anonymat", "title": "Anonymat", "text": "Nul ne se nomme."},
        {"id": "2.cordialite", "title": "Ton", "text": "Cordial.", "removal": True},
    ]
    body = {"clauses": clauses, "reason": "Une clause était obscure."}
    assert asking.staff("administrator").post(f"{asking.base}/charter", json=body).status_code == 200
    deposit = {"theme": "fetes", "charter": 2, "text": "Sous la nouvelle charte."}
    for _ in range(AT_ONCE):
        key = {"Idempotency-Key": secrets.token_hex(16)}
        with httpx.Client(base_url=asking.running.url, timeout=30) as client:
            assert client.post(f"{asking.base}/contributions", json=deposit, headers=key).status_code == 201
    olga = asking.staff("moderator", "olga")
    for _ in range(AT_ONCE * 2):
        with httpx.Client(base_url=asking.running.url, timeout=30, headers=olga.headers) as client:
            answer = client.post(f"{asking.base}/reviews/next")
            if answer.status_code == 204:
                break
            assert answer.status_code == 200, answer.text
            kept = client.post(f"/v1/moderation/{answer.json()['contribution']}/kept", json={})
            assert kept.status_code == 200, kept.text
