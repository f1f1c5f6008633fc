"""What screening found reaches the reviewer who holds the text, and nobody else."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.e2e.asking import Asking
from tests.e2e.running import Running

TEXT: Final = "Écrivez à serin@exemple.fr : je suis <b>diab&eacute;tique</b> et j'aime lire le dimanche, comme tous mes voisins."


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    asking = Asking(running, "screened")
    asking.prepare()
    yield asking
    asking.close()


def held(asking: Asking, receipt: dict[str, Any]) -> dict[str, Any]:
    return asking.review(receipt, asking.staff("moderator", "mona"))


def test_a_reviewer_sees_what_was_found_and_nobody_else_does(asking: Asking) -> None:
    first = asking.receipt(TEXT)
    item = held(asking, first)

    assert item["text"] == TEXT
    assert [(flag["rule"], flag["version"], TEXT[flag["start"] : flag["end"]]) for flag in item["flags"]] == [
        ("email", 1, "serin@exemple.fr"),
        ("sensitive", 1, "diab&eacute;tique"),
    ]
    assert item["flags"][1]["category"] == "health"
    kept = asking.staff("moderator", "mona").post(f"/v1/moderation/{first['contribution']}/kept", json={})
    assert kept.status_code == 200

    second = asking.receipt(f"{TEXT} Merci.")
    (near,) = [flag for flag in held(asking, second)["flags"] if flag["rule"] == "duplicate"]
    assert near["other"] == first["contribution"]
    assert 0.7 <= near["similarity"] < 1

    reading = asking.staff("analyst", "ada").post(f"{asking.base}/readings/next")
    public = asking.public.get(f"/v1/contributions/{first['contribution']}")
    status = asking.status(first)
    assert reading.status_code == public.status_code == 200
    assert reading.json()["text"] == public.json()["text"] == TEXT
    assert [decision["kind"] for decision in status["decisions"]] == ["submitted", "kept"]
    for seen in (reading.text, public.text, str(status)):
        for word in ("flag", "health", "similarity", "screening"):
            assert word not in seen


def test_the_history_says_that_a_text_was_screened_and_not_what_was_found(asking: Asking) -> None:
    telling, plain = asking.receipt(f"Appelez le 06 12 34 56 78. {TEXT}"), asking.receipt("Des chaises au soleil.")
    for receipt in (telling, plain):
        held(asking, receipt)
        asking.staff("moderator", "mona").post(f"/v1/moderation/{receipt['contribution']}/kept", json={})
    lines = asking.staff("auditor").get("/v1/audit/events", params={"consultation": "screened"}).text.splitlines()
    flagged = [line for line in lines if '"contribution.flagged.v1"' in line]

    sizes = {
        len(line.partition('"event":')[2]) for line in flagged if any(each["contribution"] in line for each in (telling, plain))
    }
    assert len(sizes) == 1
    assert not any(word in line for line in lines for word in ("06 12", "serin", "health", "similarity"))
