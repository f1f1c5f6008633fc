"""After an erasure the words are nowhere, whatever was killed meanwhile and whatever is rebuilt; and all the rest still holds."""

import asyncio
import io
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from adapters.embedded import DataFolder
from adapters.nats.relay import last_sequence, log_digest, stream_digest
from adapters.sealing import commitment
from domain.contribution import Submitted
from domain.record import topic
from projections.building import NAMES
from service.located import Located, locate, read_run
from service.settings import Settings
from service.upkeep import opened
from tests.e2e.asking import Asking, code, problem
from tests.e2e.running import Running, environment, served
from tests.e2e.test_publishing import publish, withdraw
from tests.e2e.test_readings import coded, taken

WAIT_S: Final = 30.0
WHY: Final = {"clause": "2.cordialite"}
REASON: Final = "Ordonnance au nom de "


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A service of its own: its processes are killed, and its folder is searched."""
    with served(tmp_path / "data") as service:
        yield service


@pytest.fixture
def asking(running: Running) -> Iterator[Asking]:
    asking = Asking(running, "oubli")
    asking.prepare()
    yield asking
    asking.close()


def until(reached: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError, KeyError, FileNotFoundError, ValueError):
            if found := reached():
                return found
        time.sleep(0.02)
    raise TimeoutError(f"{what}: not within {WAIT_S} s")


def forms(word: str) -> set[bytes]:
    """How a word may stand in a file or a dump: as it is, in hexadecimal, in base64 at each of its three offsets."""
    plain = word.encode()
    coded64 = {b64encode(b"\0" * offset + plain)[offset + 2 : -4] for offset in range(3)}
    return {plain, plain.hex().encode(), plain.hex().upper().encode(), word.encode("utf-16-le"), *coded64}


def found(words: set[str], haystack: dict[str, bytes]) -> set[tuple[str, str]]:
    return {(word, name) for word in words for form in forms(word) for name, content in haystack.items() if form in content}


def everything(running: Running) -> dict[str, bytes]:
    """A dump of every database, and every file of the data folder with what its zips hold, beside the supervisor's log.

    Left out is the folder of PostgreSQL, whose WAL and dead rows keep what was deleted until they are reused: docs/privacy.md says so.
    """
    programs = next(Path(sys.prefix).rglob("pginstall/bin/pg_dump"))
    data, folder = running.data, DataFolder(running.data)
    server = f"postgresql://postgres:{folder.password('postgres')}@127.0.0.1:{read_run(data).ports['postgres']}"
    haystack: dict[str, bytes] = {}
    for name in ("registre", "registre_keyring", "postgres"):
        dumped = subprocess.run([programs, "--inserts", f"{server}/{name}"], check=False, capture_output=True)
        assert dumped.returncode == 0, dumped.stderr.decode()
        haystack[name] = dumped.stdout
    for path in [*data.rglob("*"), data.parent / f"{data.name}.log"]:
        if path.is_file() and path.relative_to(data.parent).parts[1:2] != ("postgres",):
            haystack[str(path)] = path.read_bytes()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    haystack |= {f"{path}/{name}": archive.read(name) for name in archive.namelist()}
    return haystack


def registre(running: Running, *arguments: str) -> str:
    command = [sys.executable, "-m", "service.cli", *arguments, "--data", str(running.data)]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


class Canaries:
    """Words that stand nowhere else, each in a text of its own."""

    def __init__(self) -> None:
        self.words: set[str] = set()

    def text(self, said: str) -> str:
        word = f"zorglub{secrets.token_hex(8)}"
        self.words.add(word)
        return f"{said} {word} {word}@exemple.fr, ouvrir le dimanche avec du personnel et des horaires plus larges."


def lived(asking: Asking, sings: Canaries) -> dict[str, Any]:
    """A contribution that everything happens to: hidden, confirmed, appealed, reinstated, read, coded, asked, answered, linked."""
    receipt = asking.receipt(sings.text("Une idée."))
    path, mine = f"/v1/moderation/{receipt['contribution']}", {"Receipt-Code": receipt["code"]}
    mona, nina, otto = (asking.staff("moderator", name) for name in ("mona", "nina", "otto"))
    asking.review(receipt, mona)
    assert mona.post(f"{path}/hidden", json=WHY | {"statement": sings.text("Motifs :")}).status_code == 200
    asking.review(receipt, nina)
    assert nina.post(f"{path}/reviewed", json={"agrees": True}).status_code == 200
    own = f"/v1/receipts/{receipt['contribution']}"
    assert asking.public.post(f"{own}/appeal", json={"text": sings.text("Je conteste.")}, headers=mine).status_code == 200
    asking.review(receipt, otto)
    assert otto.post(f"{path}/appeal", json={"granted": True, "statement": sings.text("Accordé.")}).status_code == 200
    analyst = asking.staff("analyst", "elise")
    asked = analyst.post(f"/v1/contributions/{receipt['contribution']}/questions", json={"text": sings.text("Où ?")})
    answer = {"question": asked.json()["question"], "text": sings.text("Ici.")}
    assert asking.public.post(f"{own}/answers", json=answer, headers=mine).status_code == 200
    for name in ("ada", "bob"):
        reader = asking.staff("analyst", name)
        assert coded(reader, taken(asking, reader).json(), "horaires").status_code == 200
    body = {"theme": "bibliotheques", "title": "Le dimanche", "text": "Ouvrir."}
    proposal = analyst.post(f"{asking.base}/proposals", json=body).json()["proposal"]
    linked = analyst.post(f"/v1/proposals/{proposal}/links", json={"contributions": [receipt["contribution"]]})
    assert linked.status_code == 200
    return receipt


def published(asking: Asking) -> str:
    publisher = asking.staff("publisher", "karim")
    prepared = publisher.post("/v1/publications", json={"consultation": asking.slug, "kind": "snapshot"}, timeout=120)
    assert prepared.status_code == 201, prepared.text
    publication = str(prepared.json()["publication"])
    assert publish(publisher, publication).status_code == 200
    until(lambda: asking.public.get(f"/v1/publications/{publication}/bundle").status_code == 200, "the bundle")
    return publication


def order(asking: Asking, receipt: dict[str, Any], reason: str) -> httpx.Response:
    body = {"cause": "legal-order", "reason": reason}
    return asking.staff("publisher", "karim").post(f"/v1/contributions/{receipt['contribution']}/erasure", json=body)


def refused_bundle(asking: Asking, publication: str) -> dict[str, Any] | None:
    answer = asking.public.get(f"/v1/publications/{publication}/bundle")
    return problem(answer, 410) if answer.status_code == 410 else None


def test_after_erasures_and_a_rebuild_of_everything_the_words_are_nowhere(running: Running, asking: Asking) -> None:
    gone, kept, reason = Canaries(), Canaries(), Canaries()
    by_code, by_order, survivor = lived(asking, gone), lived(asking, gone), lived(asking, kept)
    others = [asking.receipt(f"Une autre idée, numéro {number}, pour la bibliothèque.") for number in range(3)]
    located = locate(Settings(data=running.data))
    first = published(asking)
    before = everything(running)
    assert found(gone.words, before), "the search would find them: the public was shown two of the texts"

    withdraw(asking, by_code)
    assert order(asking, by_order, reason.text(REASON)).status_code == 200
    problem_told = until(lambda: refused_bundle(asking, first), "the bundle to be served no more")
    assert problem_told["type"].endswith("bundle-withdrawn")
    assert problem_told["successor"] is None
    second = published(asking)
    publisher = asking.staff("publisher", "karim")
    by = {"by": second, "reason": "Deux textes ont été effacés."}
    assert publisher.post(f"/v1/publications/{first}/supersession", json=by).status_code == 200
    successor = until(lambda: (refused_bundle(asking, first) or {})["successor"], "the successor")
    asked = {"contribution": by_order["contribution"], "cause": "legal-order"}
    told = asking.staff("auditor", "lea").get(f"/v1/contributions/{by_order['contribution']}/erasure").json()
    assert asked.items() < told.items()
    assert told["reason"].startswith(REASON)

    for name in NAMES:
        registre(running, "rebuild", name)
    after = everything(running)
    assert found(gone.words | reason.words, after) == set()
    assert found(kept.words, after), "what is public is still there"

    with zipfile.ZipFile(io.BytesIO(asking.public.get(successor).content)) as bundle:
        withdrawn = bundle.read("withdrawals.csv").decode().splitlines()
    assert {line.split(",")[0] for line in withdrawn[1:]} == {by_code["contribution"], by_order["contribution"]}
    notice = asking.public.get(f"{asking.base}/withdrawals").json()
    assert [set(item) for item in notice["items"]] == [{"contribution", "day"}] * 2
    assert [item["contribution"] for item in notice["items"]] == sorted([by_code["contribution"], by_order["contribution"]])

    listed = asking.public.get(f"/v1/publications/{first}").json()
    assert (listed["status"], listed["available"]) == ("superseded", False)
    for receipt in (survivor, *others):
        text = asking.status(receipt)["text"]
        sealed = commitment(topic(Submitted), {"text": text}, b64decode(receipt["blind"]))
        assert sealed == b64decode(receipt["commitment"])
    for receipt in (by_code, by_order):
        assert (asking.status(receipt)["status"], asking.status(receipt)["text"]) == ("withdrawn", None)
        assert code(order(asking, receipt, "Encore."), 410) == "erased"
    asyncio.run(_stream_equals_log(located))
    assert '"departures":[]' in registre(running, "audit", "replay", "--json").replace(" ", "").replace("\n", "")


async def _stream_equals_log(located: Located) -> None:
    async with opened(located) as on:
        head = await on.store.head()
        while await last_sequence(located.nats_url) < head:
            await asyncio.sleep(0.05)
        assert await stream_digest(located.nats_url, head) == await log_digest(on.store, head)


def finished(asking: Asking, receipt: dict[str, Any], publication: str) -> None:
    """Everything that an erasure asks for has come about."""
    contribution, page = receipt["contribution"], f"{asking.base}/themes/bibliotheques/contributions"
    until(lambda: asking.public.get(f"/v1/contributions/{contribution}").json()["status"] == "withdrawn", "the read model")
    until(lambda: contribution not in asking.public.get(page, params={"limit": 500}).text, "the public page")
    until(lambda: contribution in asking.public.get(f"{asking.base}/withdrawals", params={"limit": 500}).text, "the notice")
    until(lambda: refused_bundle(asking, publication), "the bundle")
    until(lambda: not list((asking.running.data / "bundles").glob(f"{publication}*")), "its files to be gone")
    destroyed = asyncio.run(_destroyed(locate(Settings(data=asking.running.data))))
    assert UUID(contribution) in destroyed


async def _destroyed(located: Located) -> list[UUID]:
    async with opened(located) as on:
        return await on.sealer.destroyed_streams()


def test_a_worker_killed_with_an_erasure_before_it_finishes_it_when_it_is_back(running: Running, asking: Asking) -> None:
    receipt = asking.receipt("Un texte à retirer pendant que personne ne travaille.")
    publication, worker = published(asking), running.pids["worker"]
    os.kill(worker, signal.SIGSTOP)
    withdraw(asking, receipt)
    assert asking.status(receipt)["text"] is None, "the keys are gone already"
    assert (running.data / "bundles" / f"{publication}.zip").exists(), "the worker has not seen it"
    os.kill(worker, signal.SIGKILL)

    finished(asking, receipt, publication)


@pytest.mark.parametrize("victims", [("http",), ("worker", "http"), ("postgres",)], ids="+".join)
def test_an_erasure_under_way_when_processes_are_killed_is_whole_or_not_at_all(
    running: Running, asking: Asking, victims: tuple[str, ...]
) -> None:
    receipts = [asking.receipt(f"Un texte à retirer, numéro {number}.") for number in range(4)]
    publication = published(asking)
    for number, receipt in enumerate(receipts):
        thread = threading.Thread(target=_withdraws, args=(running.url, receipt))
        thread.start()
        time.sleep(0.004 * number)  # another moment of the request each time
        for victim in victims:
            os.kill(running.pids[victim], signal.SIGKILL)
        thread.join()
        until(lambda: httpx.get(f"{running.url}/health/ready").status_code == 200, "the service")
        until(partial(_withdrawn, asking, receipt), "an answer")

    for receipt in receipts:
        finished(asking, receipt, publication)


def _withdraws(url: str, receipt: dict[str, Any]) -> None:
    with suppress(httpx.HTTPError):
        headers = {"Receipt-Code": receipt["code"]}
        httpx.post(f"{url}/v1/receipts/{receipt['contribution']}/withdrawal", json={}, headers=headers, timeout=20)


def _withdrawn(asking: Asking, receipt: dict[str, Any]) -> bool:
    """Whether the service answers again that it is withdrawn, now or before."""
    headers = {"Receipt-Code": receipt["code"]}
    answer = asking.public.post(f"/v1/receipts/{receipt['contribution']}/withdrawal", json={}, headers=headers)
    return answer.status_code in {200, 410}
