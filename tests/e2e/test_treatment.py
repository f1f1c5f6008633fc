"""The measures over HTTP: public for everybody, internal for auditors, at any past moment once somebody has had it computed."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asking import Asking, fields, problem
from tests.e2e.running import Running

COMPUTED_S = 60.0


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    asking = Asking(running, "treated")
    asking.prepare()
    for number in range(3):
        asking.receipt(f"Un texte de plus, le numéro {number}.")
    yield asking
    asking.close()


def answered(client: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    """The document, once it has been computed."""
    deadline = time.monotonic() + COMPUTED_S
    while (answer := client.get(path, params=query)).status_code == 202:
        assert answer.headers["Retry-After"]
        assert time.monotonic() < deadline, "not computed"
        time.sleep(0.2)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def head(asking: Asking) -> int:
    position: int = asking.public.get("/health/ready").json()["position"]
    return position


def test_an_auditor_has_the_past_computed_and_everybody_then_reads_its_public_form(asking: Asking) -> None:
    path, auditor, position = f"{asking.base}/treatment", asking.staff("auditor"), head(asking)
    refused = problem(asking.public.get(path, params={"as_of": position}), 404)
    assert refused["type"].endswith(":not-computed")
    internal = answered(auditor, path, as_of=position)
    public = answered(asking.public, path, as_of=position)
    assert internal["whole"]["coverage"]["received"]["count"] == public["whole"]["coverage"]["received"]["count"] == 3
    assert (internal["audience"], public["audience"]) == ("internal", "public")
    assert internal["queues"] is not None
    assert public["queues"] is None
    assert public["position"] == internal["position"] <= position


def test_a_day_that_has_passed_has_no_deposit_yet_and_one_to_come_is_refused(asking: Asking) -> None:
    path, auditor = f"{asking.base}/treatment", asking.staff("auditor")
    assert fields(auditor.get(path, params={"as_of": "2999-01-01"}), 400) == ["as_of"]
    assert fields(auditor.get(path, params={"as_of": "2001-01-01"}), 400) == ["as_of"]


@pytest.mark.parametrize("as_of", ["0", "-1", "99999999999", "9" * 40, "yesterday", "2026-13-01", ""])
def test_a_moment_that_means_nothing_is_refused_by_name(asking: Asking, as_of: str) -> None:
    assert fields(asking.staff("auditor").get(f"{asking.base}/treatment", params={"as_of": as_of}), 400) == ["as_of"]


def test_the_latest_measures_say_at_which_position_they_are_true(asking: Asking) -> None:
    latest = answered(asking.public, f"{asking.base}/treatment")
    assert latest["position"] > 0
    assert latest["whole"]["coverage"]["moderated"]["of"] == latest["whole"]["coverage"]["received"]["count"]


def test_measures_of_a_consultation_that_is_not_there_are_missing(asking: Asking) -> None:
    problem(asking.public.get("/v1/consultations/nowhere/treatment"), 404)


def test_a_token_that_is_no_token_is_refused_and_not_taken_for_the_public(asking: Asking) -> None:
    problem(asking.public.get(f"{asking.base}/treatment", headers={"Authorization": "Bearer nothing"}), 401)
