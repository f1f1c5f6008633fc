"""Scarcity is read from what the kernel says of this thread, and is none where nobody can tell."""

from pathlib import Path

import pytest

from adapters import processors
from adapters.processors import Scarcity


@pytest.fixture
def statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "schedstat"
    file.write_text("1000 500 7\n")
    monkeypatch.setattr(processors, "STATISTICS", file)
    return file


def test_the_share_is_that_of_the_time_since_it_was_last_asked(statistics: Path) -> None:
    scarcity = Scarcity()
    assert scarcity.share() == 0
    statistics.write_text("4000 1500 9\n")
    assert scarcity.share() == 0.25
    statistics.write_text("5000 1500 10\n")
    assert scarcity.share() == 0


@pytest.mark.parametrize("told", [None, "", "what is this"])
def test_where_nobody_can_tell_nothing_is_scarce(statistics: Path, told: str | None) -> None:
    if told is None:
        statistics.unlink()
    else:
        statistics.write_text(told)
    assert Scarcity().share() == 0
    assert Scarcity().share() == 0
