"""The guide to the package on our store is true: its blocks run word for word, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.embedded import Servers
from tests.servers import fresh_database

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- run -->\n```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
async def url(servers: Servers) -> str:
    return (await fresh_database(servers)).owner_url


def test_the_guide_runs_word_for_word(url: str, tmp_path: Path) -> None:
    script = tmp_path / "guide.py"
    script.write_text("\n".join(BLOCKS), encoding="utf-8")
    environment = {**os.environ, "REGISTRE_DATABASE_URL": url}
    ran = subprocess.run(
        [sys.executable, "-W", "error", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    moved, erased = ran.stdout.splitlines()
    assert re.fullmatch(r"stream \S+ has moved", moved)
    assert erased == "6 Erased(by='contributor', cause='withdrawal', commitment=b'', reason=None)"


def test_no_block_of_the_guide_is_left_out() -> None:
    assert len(BLOCKS) == GUIDE.count("```python") == 7


def test_the_readme_leads_to_the_guide() -> None:
    assert "(docs/library.md)" in (ROOT / "README.md").read_text(encoding="utf-8").partition("## Further")[2]
