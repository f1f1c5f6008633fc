"""The README is true: its tour runs word for word, its settings table is complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

from service.settings import describe
from tests.e2e.running import Running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = re.findall(r"<!-- tour -->\n```sh\n(.*?)```", README, re.DOTALL)


def test_the_tour_runs_word_for_word(running: Running) -> None:
    environment = {
        **os.environ,
        "URL": running.url,
        "REGISTRE_DATA": str(running.data),
        "BIN": str(Path(sys.executable).parent),
    }
    script = "set -euo pipefail\n" + "\n".join(TOUR)
    tour = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert tour.returncode == 0, tour.stdout + tour.stderr
    assert len(TOUR) == 5
    assert '"status":"visible"' in tour.stdout
    assert '"topic":"contribution.kept.v1"' in tour.stdout


def test_every_setting_stands_in_the_table() -> None:
    rows = dict(re.findall(r"^\| `(REGISTRE_\w+)` \| (.*) \|$", README, re.MULTILINE))
    assert rows == {each.name: f"{f'`{each.default}`' if each.default else ''} | {each.description}" for each in describe()}
