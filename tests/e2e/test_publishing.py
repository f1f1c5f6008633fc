"""What is published holds nothing that the public may not see, and nothing is public before it is published."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import Asking, code, fields, shown
from tests.e2e.running import Running


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    asking = Asking(running, "published")
    asking.prepare()
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def publisher(asking: Asking) -> httpx.Client:
    return asking.staff("publisher", "karim")


def head(asking: Asking) -> int:
    return int(asking.public.get("/health/ready").json()["position"])


def snapshot(asking: Asking, publisher: httpx.Client, **more: Any) -> httpx.Response:
    return publisher.post("/v1/publications", json={"consultation": asking.slug, "kind": "snapshot"} | more)


def prepared(asking: Asking, publisher: httpx.Client, **more: Any) -> str:
    answer = snapshot(asking, publisher, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["publication"])


def publish(publisher: httpx.Client, publication: str) -> httpx.Response:
    return publisher.post(f"/v1/publications/{publication}/publication", json={"location": "https://exemple.fr/1.zip"})


def withdraw(asking: Asking, receipt: dict[str, Any]) -> None:
    answer = asking.public.post(
        f"/v1/receipts/{receipt['contribution']}/withdrawal", json={}, headers={"Receipt-Code": receipt["code"]}
    )
    assert answer.status_code == 200


def hide(asking: Asking, receipt: dict[str, Any]) -> None:
    mona = asking.staff("moderator", "mona")
    asking.review(receipt, mona)
    statement = {"clause": "2.cordialite", "statement": "Le ton."}
    assert mona.post(f"/v1/moderation/{receipt['contribution']}/hidden", json=statement).status_code == 200


def test_a_bundle_is_seen_by_publishers_alone_until_it_is_published(asking: Asking, publisher: httpx.Client) -> None:
    receipt = asking.receipt("Un texte publié.")
    publication = prepared(asking, publisher)
    path, listing = f"/v1/publications/{publication}", f"{asking.base}/publications"

    assert code(asking.public.get(path), 404) == "not-found"
    assert code(asking.public.get(f"{path}/bundle"), 404) == "not-found"
    assert code(asking.staff("analyst").get(path), 404) == "not-found"
    assert publication not in [each["id"] for each in asking.public.get(listing).json()["items"]]
    assert publication in [each["id"] for each in publisher.get(listing).json()["items"]]
    assert publisher.get(f"{path}/bundle").status_code == 200

    assert publish(publisher, publication).status_code == 200
    assert asking.public.get(path).json()["status"] == "published"
    with zipfile.ZipFile(io.BytesIO(asking.public.get(f"{path}/bundle").content)) as bundle:
        assert receipt["contribution"] in bundle.read("contributions.csv").decode()


def test_what_was_withdrawn_after_it_was_prepared_is_not_published(asking: Asking, publisher: httpx.Client) -> None:
    receipt = asking.receipt("Un texte retiré à temps.")
    publication = prepared(asking, publisher)
    withdraw(asking, receipt)

    assert code(publish(publisher, publication), 409) == "bundle-outdated"
    assert code(publisher.get(f"/v1/publications/{publication}/bundle"), 404) == "not-found"
    assert not list((asking.running.data / "bundles").glob(f"{publication}*"))


def test_a_bundle_of_the_past_does_not_show_again_what_has_been_hidden(asking: Asking, publisher: httpx.Client) -> None:
    receipt = asking.receipt("Un texte injurieux, visible d'abord.")
    before = head(asking)
    publication = prepared(asking, publisher)
    hide(asking, receipt)
    files = set((asking.running.data / "bundles").iterdir())

    assert fields(snapshot(asking, publisher, position=before), 409) == ["position"]
    assert code(publish(publisher, publication), 409) == "bundle-outdated"
    assert set((asking.running.data / "bundles").iterdir()) <= files
    again = prepared(asking, publisher)
    assert b"injurieux" not in publisher.get(f"/v1/publications/{again}/bundle").content


def test_results_wait_for_the_closing_at_whatever_position(asking: Asking, publisher: httpx.Client) -> None:
    answer = publisher.post("/v1/publications", json={"consultation": asking.slug, "kind": "results", "position": 1})

    assert code(answer, 409) == "consultation-running"


def test_a_publication_is_superseded_by_another_of_the_same_consultation(asking: Asking, publisher: httpx.Client) -> None:
    first, second, unpublished = [prepared(asking, publisher) for _ in range(3)]
    assert publish(publisher, first).status_code == publish(publisher, second).status_code == 200

    def supersede(by: str) -> httpx.Response:
        return publisher.post(f"/v1/publications/{first}/supersession", json={"by": by, "reason": "Une coquille."})

    for unfit in (first, unpublished, str(uuid4()), asking.receipt("Ceci n'est pas un paquet.")["contribution"]):
        assert fields(supersede(unfit), 422) == ["by"]
    assert supersede(second).status_code == 200
    assert shown(asking.public, f"/v1/publications/{first}", lambda view: view["superseded_by"])["superseded_by"] == second


def test_a_proposal_is_public_once_it_is_before_the_committee(asking: Asking) -> None:
    analyst, secretary = asking.staff("analyst", "elise"), asking.staff("secretary", "jules")
    receipt = asking.receipt("Une idée à retenir.")
    body = {"theme": "fetes", "title": "Un bal", "text": "Chaque été."}
    proposal = analyst.post(f"{asking.base}/proposals", json=body).json()["proposal"]
    path = f"/v1/proposals/{proposal}"
    assert analyst.post(f"{path}/links", json={"contributions": [receipt["contribution"]]}).status_code == 200

    assert analyst.get(path).json()["status"] == "draft"
    assert code(asking.public.get(path), 404) == "not-found"
    assert asking.public.get(f"{asking.base}/proposals").json()["items"] == []

    secretary.post(f"{asking.base}/meetings", json={"meeting": "printemps", "date": "2027-03-01"})
    assert secretary.post(f"{path}/submission", json={"meeting": "printemps"}).status_code == 200
    assert asking.public.get(path).json()["status"] == "before-committee"
