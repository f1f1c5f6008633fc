"""Scarcity is read from what the kernel says of this thread, and is none where nobody can tell."""

from pathlib import Path

import pytest

from adapters import processors
from adapters.processors import Pace, Scarcity


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


def test_a_follower_lets_writers_go_first_in_a_peak_but_not_for_ever(statistics: Path) -> None:
    pace = Pace(1_000, stands_back=True)
    pauses = [_peak(statistics, pace, turn) for turn in range(1, int(processors.LONGEST_S / processors.STEP_S) + 3)]
    assert pauses[:-2] == [processors.STEP_S] * (len(pauses) - 2)
    assert pauses[-2:] == [0.0, 0.0]


def test_having_caught_up_a_follower_may_stand_back_again(statistics: Path) -> None:
    pace = Pace(1_000, stands_back=True)
    for turn in range(1, 40):
        _peak(statistics, pace, turn)
    assert pace.pause_s(3) == processors.GATHER_S
    assert _peak(statistics, pace, 50) == processors.STEP_S


@pytest.mark.parametrize(("events", "stands_back"), [(processors.MANY - 1, True), (1_000, False)])
def test_neither_everyday_traffic_nor_another_follower_is_held_up(statistics: Path, events: int, stands_back: bool) -> None:
    assert _peak(statistics, Pace(1_000, stands_back=stands_back), 1, events) in {0.0, processors.GATHER_S}


def _peak(statistics: Path, pace: Pace, turn: int, events: int = 1_000) -> float:
    statistics.write_text(f"{1000 + turn * 1000} {500 + turn * 1000} 9\n")
    return pace.pause_s(events)
