"""A whole consultation, from an empty folder to published results that hold every text that was deposited."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import psutil
import pytest

from adapters.embedded import DataFolder
from adapters.ndjson import recorded
from adapters.tokens import DevelopmentIssuer
from domain.treatment.trail import Trail
from service.cli.measures import measured
from service.settings import Settings
from tests.bench.planting import PLANTS, Copy, planted
from tests.e2e.playing import CORPUS, Played, adds_up, demo
from tests.e2e.recording import Recording
from tests.e2e.running import Running, environment, served

REAL: Final = Path(__file__).parents[3] / "shared" / "data" / "republique_numerique_contributions.csv"
FOUR_MINUTES_S: Final = 240


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The demo of the project's own corpus, under way."""
    with demo(tmp_path_factory.mktemp("demo") / "data") as played:
        yield played


@pytest.fixture(scope="module")
def recording(played: Played) -> Iterator[Recording]:
    """The measures that the service gives while the demo goes on."""
    recording = Recording(played.data)
    recording.start()
    yield recording
    recording.stop()


@pytest.fixture(scope="module")
def pids(played: Played) -> dict[str, int]:
    """Those of the service, seen while it ran."""
    played.wait_until(lambda: len(played.acts) > 1 and len(played.pids) == 5, "the deposits")
    return played.pids


@pytest.fixture(scope="module")
def summary(played: Played, pids: dict[str, int], recording: Recording) -> dict[str, Any]:
    assert recording.is_alive()
    assert set(pids) == {"supervisor", "http", "worker", "postgres", "nats"}
    return played.summary()


@pytest.fixture(scope="module")
def bundle(summary: dict[str, Any]) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(summary["bundle"]) as bundle:
        yield bundle


def corpus() -> list[dict[str, str]]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(bundle: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle.read(name).decode("utf-8-sig"), newline="")))


def test_the_corpus_is_played_to_its_end_and_adds_up(summary: dict[str, Any]) -> None:
    rows = corpus()

    adds_up(summary, len(rows))
    assert len(rows) >= 120
    assert summary["refused_reasons"] == {}
    assert summary["receipts_found"] == summary["receipts_verified"] == len(rows)
    assert summary["withheld"] > 0
    assert summary["withdrawn"] > 0
    assert summary["read_twice"] >= summary["visible"]
    assert summary["arbitrated"] == summary["proposals"] > 0
    assert summary["commitments"] == 4


def test_every_text_that_the_public_may_see_is_published_byte_for_byte(summary: dict[str, Any], bundle: zipfile.ZipFile) -> None:
    deposited = Counter((row["theme"], row["text"]) for row in corpus())
    published = table(bundle, "contributions.csv")

    shown = Counter((row["theme"], row["text"]) for row in published if row["status"] == "visible")
    assert len(published) == summary["received"]
    assert sum(shown.values()) == summary["visible"]
    assert not shown - deposited


def test_what_is_withheld_is_in_the_bundle_with_its_reason_and_without_its_text(
    summary: dict[str, Any], bundle: zipfile.ZipFile
) -> None:
    withheld = [row for row in table(bundle, "contributions.csv") if row["status"] == "withheld"]

    assert len(withheld) == summary["withheld"]
    assert all(row["text"] == "" for row in withheld)
    assert all(row["hidden_under"] for row in withheld)


def test_the_manifest_vouches_for_every_file(summary: dict[str, Any], bundle: zipfile.ZipFile) -> None:
    manifest = bundle.read("manifest.json")
    files = json.loads(manifest)["files"]

    assert sha256(manifest).hexdigest() == summary["bundle_digest"]
    assert {file["name"] for file in files} == {name for name in bundle.namelist() if name != "manifest.json"}
    for file in files:
        assert sha256(bundle.read(file["name"])).hexdigest() == file["sha256"]


def test_the_demo_leaves_no_process_behind(summary: dict[str, Any], pids: dict[str, int]) -> None:
    assert summary
    assert [name for name, pid in pids.items() if psutil.pid_exists(pid)] == []


@pytest.fixture(scope="module")
def log(played: Played, summary: dict[str, Any]) -> Iterator[tuple[Running, str, list[bytes]]]:
    """The service started again, an auditor's token for it, and the log as the auditor takes it home."""
    assert summary
    with served(played.data) as running:
        token = DevelopmentIssuer(DataFolder(played.data).secret("token.key")).mint(["auditor"], "lea", 3_600)
        answer = httpx.get(f"{running.url}/v1/audit/events", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        yield running, token, answer.raise_for_status().content.splitlines(keepends=True)


def test_an_auditor_with_nothing_but_a_token_replays_the_log_and_finds_no_departure(
    summary: dict[str, Any], log: tuple[Running, str, list[bytes]]
) -> None:
    running, token, lines = log
    command = [sys.executable, "-m", "service.cli", "audit", "replay", "--from", running.url, "--json"]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment(REGISTRE_TOKEN=token))
    found = json.loads(ended.stdout)

    assert (ended.returncode, found["departures"], found["broken"]) == (0, [], None)
    assert found["events"] == len(lines) >= summary["events"]
    assert found["contributions"] == summary["received"]
    assert found["assignments"] > 2 * summary["visible"]
    assert found["unverifiable"] == 0


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_departure_planted_in_a_copy_of_the_log_is_found(
    plant: Callable[[Copy], tuple[str, int]], log: tuple[Running, str, list[bytes]]
) -> None:
    found, trail = planted(log[2], plant), Trail()
    for number, line in enumerate(found.lines, start=1):
        trail.follow(recorded(line, number))

    assert (found.rule, found.position) in {(each.rule, each.position) for each in trail.departures()}


def test_what_the_service_said_of_the_treatment_at_ten_moments_is_computed_again_from_the_log(
    log: tuple[Running, str, list[bytes]], played: Played, recording: Recording
) -> None:
    assert recording.answers
    recording.also(len(log[2]) * tenth // 10 for tenth in range(1, 11))
    recording.stop()
    assert len(recording.answers) >= 10
    every = sorted(recording.answers)
    chosen = [every[number * (len(every) - 1) // 9] for number in range(10)]
    again = {position: internal(played.data, recording.slug, position) for position in chosen}
    assert again == {position: recording.answers[position] for position in chosen}


def internal(data: Path, slug: str, position: int) -> bytes:
    """What `registre audit treatment` computes, as the service would say it."""
    return msgspec.json.encode(asyncio.run(measured(Settings(data=data), slug, position))["internal"])


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/republique_numerique_contributions.csv beside the project")
def test_the_real_contributions_of_a_national_consultation_are_played_in_four_minutes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "demo", "--json", "--data", str(tmp_path / "data"), "--input", str(REAL)]
    command += ["--text-column", "body", "--theme-column", "theme"]
    with REAL.open(encoding="utf-8", newline="") as file:
        texts = Counter(row["body"] for row in csv.DictReader(file))

    ended = subprocess.run(command, capture_output=True, check=True, timeout=500, env=os.environ)
    summary = json.loads(ended.stdout.splitlines()[-1])

    adds_up(summary, 4_690)
    assert summary["refused"] == 0
    assert summary["receipts_found"] == summary["receipts_verified"] == 4_690
    assert summary["duration_s"] < FOUR_MINUTES_S
    with zipfile.ZipFile(summary["bundle"]) as bundle:
        shown = Counter(row["text"] for row in table(bundle, "contributions.csv") if row["status"] == "visible")
    assert not shown - texts
    assert max(map(len, shown)) > 19_000
