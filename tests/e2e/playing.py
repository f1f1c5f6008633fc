"""The demo as a person would start it, with hands on the processes it runs."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from tests.e2e.running import environment, served

ENDS_S: Final = 120
STEP_S: Final = 60
CORPUS: Final = Path(__file__).parents[2] / "service" / "corpus.csv"


class Played:
    """A demo under way in the folder `data`, or at its end."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes]) -> None:
        self.data = data
        self.process = process

    @property
    def log(self) -> str:
        """What the demo said, then what its service said, from the end."""
        own, service = self.data.parent / f"{self.data.name}.log", self.data / "demo" / "serve.log"
        return "\n".join(file.read_text(errors="replace")[-4_000:] for file in (own, service) if file.exists())

    @property
    def acts(self) -> list[str]:
        """Those that have been played to their end."""
        try:
            done: list[str] = msgspec.json.decode((self.data / "demo" / "state.json").read_bytes())["done"]
        except FileNotFoundError:
            return []
        return done

    @property
    def pids(self) -> dict[str, int]:
        try:
            pids: dict[str, int] = msgspec.json.decode((self.data / "run.json").read_bytes())["pids"]
        except FileNotFoundError:
            return {}
        return pids

    def receipts(self) -> list[dict[str, Any]]:
        """Those that the client has written to disk, each with its row."""
        path = self.data / "demo" / "receipts.ndjson"
        whole = path.read_bytes() if path.exists() else b""
        return [msgspec.json.decode(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]

    def wait_until(self, reached: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + STEP_S
        while not reached():
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended with {self.process.returncode} before {what}\n{self.log}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {STEP_S} s\n{self.log}")
            time.sleep(0.005)

    def kill(self, *names: str) -> None:
        """SIGKILL to parts of the service by name."""
        pids = self.pids
        for name in names:
            os.kill(pids[name], signal.SIGKILL)

    def summary(self) -> dict[str, Any]:
        """What the demo says in its last line, once it has ended well."""
        out, _ = self.process.communicate(timeout=ENDS_S)
        assert self.process.returncode == 0, f"{out.decode()}\n{self.log}"
        said: dict[str, Any] = msgspec.json.decode(out.splitlines()[-1])
        return said


@contextmanager
def demo(data: Path, *options: str) -> Iterator[Played]:
    """`registre demo --json` in the folder `data`; killed with its service should the test leave it running."""
    command = [sys.executable, "-m", "service.cli", "demo", "--json", "--data", str(data), *options]
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=log)
    played = Played(data, process)
    try:
        yield played
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(played.pids.get("supervisor", process.pid), signal.SIGTERM)
            process.kill()
        process.communicate()


PECULIAR: Final = (
    "L&#39;accès &amp; la m&eacute;moire &lt;des&gt; œuvres.",
    "L&#39;accès &amp; la m&eacute;moire &lt;des&gt; œuvres.",
    "  =1+1; une formule, des blancs autour, un e\u0301 décomposé  ",
    'Deux lignes,\r\npuis une autre,\n\tet « trois » "guillemets".',
    "Un long texte. " * 1_290,
)
"""What must come back as it was deposited: entities, twice the same text, blanks, ends of line, 19,350 characters."""


def rows_file(path: Path, count: int) -> list[str]:
    """Write the first rows of the corpus and some that are peculiar, `count` in all, to a file of their own; returns their texts."""
    with CORPUS.open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count - len(PECULIAR)), strict=False)]
    rows += [{"theme": rows[number]["theme"], "text": text} for number, text in enumerate(PECULIAR)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["theme", "text"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return [row["text"] for row in rows]


def adds_up(summary: dict[str, Any], rows: int) -> None:
    """The equalities that every demo ends with."""
    assert summary["rows"] == rows == summary["received"] + summary["refused"]
    assert summary["received"] == summary["visible"] + summary["withheld"] + summary["withdrawn"] + summary["pending"]
    assert summary["pending"] == 0
    assert summary["replay_equal"] is True
    assert summary["stream_equal"] is True
    assert summary["erased"] == summary["withdrawn"]
    assert summary["canary_found"] == 0


def looked_up(played: Played, texts: list[str]) -> dict[str, int]:
    """Start the service again and open every receipt on disk by its code: how many stand where, each with its own text."""
    standings: dict[str, int] = {}
    with served(played.data) as service, httpx.Client(base_url=service.url, timeout=30) as client:
        for kept in played.receipts():
            receipt = kept["receipt"]
            answer = client.get(f"/v1/receipts/{receipt['contribution']}", headers={"Receipt-Code": receipt["code"]})
            answer.raise_for_status()
            status = answer.json()
            assert status["text"] == (None if status["status"] == "withdrawn" else texts[kept["row"] - 1])
            standings[status["status"]] = standings.get(status["status"], 0) + 1
    return standings
