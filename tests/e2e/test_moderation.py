"""Removals over HTTP: under a clause and with reasons, at once, confirmed by another in time or lifted, and followed by their author."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.asking import SHOWN_S, Asking, code, fields
from tests.e2e.running import Running

WHY = {"clause": "2.cordialite", "statement": "Le ton est injurieux."}


@contextmanager
def consulting(running: Running, slug: str, **policies: Any) -> Iterator[Asking]:
    asking = Asking(running, slug)
    asking.prepare(**policies)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    with consulting(running, "moderated") as asking:
        yield asking


def hide(asking: Asking, receipt: dict[str, Any], moderator: httpx.Client, **more: Any) -> httpx.Response:
    asking.review(receipt, moderator)
    return moderator.post(f"/v1/moderation/{receipt['contribution']}/hidden", json=WHY | more)


def look_again(asking: Asking, receipt: dict[str, Any], name: str, *, agrees: bool) -> str:
    """What the queue called the look, which is then taken."""
    moderator = asking.staff("moderator", name)
    look: str = asking.review(receipt, moderator)["look"]
    reviewed = moderator.post(f"/v1/moderation/{receipt['contribution']}/reviewed", json={"agrees": agrees})
    assert reviewed.status_code == 200, reviewed.text
    return look


def public(asking: Asking, receipt: dict[str, Any], enough: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
    """What the public sees of it, once its read model has come so far."""
    deadline = time.monotonic() + SHOWN_S
    while time.monotonic() < deadline:
        answer = asking.public.get(f"/v1/contributions/{receipt['contribution']}")
        if answer.status_code == 200 and enough(answer.json()):
            view: dict[str, Any] = answer.json()
            return view
        time.sleep(0.02)
    raise TimeoutError(f"the public does not see {receipt['contribution']} so")


def decisions(asking: Asking, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    """What the author is told, without the day."""
    told = asking.status(receipt)["decisions"]
    return [{name: value for name, value in decision.items() if name != "day"} for decision in told]


def test_a_removal_takes_effect_before_it_is_answered(asking: Asking) -> None:
    receipt = asking.receipt("Une bande d'incapables.")
    public(asking, receipt, lambda view: view["status"] == "visible")

    assert hide(asking, receipt, asking.staff("moderator", "mona")).status_code == 200

    view = asking.public.get(f"/v1/contributions/{receipt['contribution']}").json()
    assert (view["status"], view["text"], view["hidden_under"]) == ("withheld", None, "2.cordialite")


@pytest.mark.parametrize(
    ("said", "origin"), [({}, "human"), ({"origin": "human"}, "human"), ({"origin": "automated"}, "automated")]
)
def test_an_author_is_told_whether_a_tool_proposed_the_removal(asking: Asking, said: dict[str, str], origin: str) -> None:
    receipt = asking.receipt("Des fainéants.")
    assert hide(asking, receipt, asking.staff("moderator", "mona"), analysed=False, **said).status_code == 200

    assert decisions(asking, receipt)[-1] == WHY | {"kind": "hidden", "charter": 1, "analysed": False, "origin": origin}
    second = asking.review(receipt, asking.staff("moderator", "nils"))
    assert second["hidden"] == WHY | {"analysed": False, "origin": origin}


def test_reasons_have_up_to_two_thousand_characters(asking: Asking) -> None:
    receipt, moderator = asking.receipt("Des fainéants, vous dis-je."), asking.staff("moderator", "mona")

    assert fields(hide(asking, receipt, moderator, statement="é" * 2_001), 400) == ["statement"]
    assert fields(hide(asking, receipt, moderator, origin="robot"), 400) == ["origin"]
    assert hide(asking, receipt, moderator, statement="é" * 2_000).status_code == 200
    assert decisions(asking, receipt)[-1]["statement"] == "é" * 2_000


def test_a_disagreement_goes_to_a_third_reviewer_whose_word_the_author_reads(asking: Asking) -> None:
    receipt = asking.receipt("Des paresseux.")
    assert hide(asking, receipt, asking.staff("moderator", "mona")).status_code == 200

    assert look_again(asking, receipt, "nils", agrees=False) == "second"
    assert public(asking, receipt)["status"] == "withheld"
    assert look_again(asking, receipt, "olga", agrees=False) == "third"

    assert decisions(asking, receipt)[-2:] == [{"kind": "hiding-disputed"}, {"kind": "reinstated", "cause": "third-look"}]
    assert asking.status(receipt)["status"] == "visible"
    assert public(asking, receipt, lambda view: view["status"] == "visible")["text"] == "Des paresseux."


def test_a_removal_that_nobody_confirms_in_time_is_lifted_and_its_author_told_why(running: Running) -> None:
    with consulting(running, "hurried", second_look_s=1) as asking:
        receipt = asking.receipt("Des lambins.")
        assert hide(asking, receipt, asking.staff("moderator", "mona")).status_code == 200

        view = public(asking, receipt, lambda view: view["status"] == "visible")

        assert (view["text"], view["hidden_under"]) == ("Des lambins.", None)
        assert decisions(asking, receipt)[-1] == {"kind": "reinstated", "cause": "unconfirmed"}
        assert (asking.status(receipt)["status"], asking.status(receipt)["analysed"]) == ("visible", True)


def test_an_appeal_comes_within_the_policys_delay(running: Running) -> None:
    with consulting(running, "strict", appeal_s=1) as asking:
        receipt = asking.receipt("Des tire-au-flanc.")
        assert hide(asking, receipt, asking.staff("moderator", "mona")).status_code == 200
        assert look_again(asking, receipt, "nils", agrees=True) == "second"
        deadline = time.monotonic() + SHOWN_S
        while asking.status(receipt)["appeal_by"] is not None and time.monotonic() < deadline:
            time.sleep(0.05)

        path, headers = f"/v1/receipts/{receipt['contribution']}/appeal", {"Receipt-Code": receipt["code"]}
        assert code(asking.public.post(path, json={"text": "Je conteste."}, headers=headers), 409) == "appeal-too-late"


def test_moderation_before_publication_shows_nothing_until_a_first_look(running: Running) -> None:
    with consulting(running, "beforehand", mode="before") as asking:
        moderator = asking.staff("moderator", "mona")
        kept, hidden = asking.receipt("Des jardins partagés."), asking.receipt("Des vauriens.")
        for receipt in (kept, hidden):
            assert public(asking, receipt) | {"status": "awaiting-review", "text": None} == public(asking, receipt)
            assert asking.status(receipt)["status"] == "awaiting-review"

        asking.review(kept, moderator)
        assert moderator.post(f"/v1/moderation/{kept['contribution']}/kept", json={}).status_code == 200
        assert hide(asking, hidden, moderator).status_code == 200

        assert public(asking, kept, lambda view: view["status"] == "visible")["text"] == "Des jardins partagés."
        assert public(asking, hidden, lambda view: view["status"] == "withheld")["text"] is None
