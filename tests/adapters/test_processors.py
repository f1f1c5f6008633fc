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


@pytest.mark.parametrize(
    ("events", "behind", "rests_s"),
    [
        (processors.MANY, 0, processors.STEP_S),
        (1_000, processors.FAR, processors.STEP_S),
        (1_000, processors.FAR + 1, 0.0),
        (processors.MANY - 1, 0, processors.GATHER_S),
        (processors.MANY - 1, 1, 0.0),
    ],
    ids=["caught-up", "near", "far", "everyday", "everyday-behind"],
)
def test_in_a_peak_a_follower_lets_writers_go_first_until_it_is_far_behind(
    statistics: Path, events: int, behind: int, rests_s: float
) -> None:
    pace = Pace(stands_back=True)
    assert [_peak(statistics, pace, turn, events, behind) for turn in range(1, 50)] == [rests_s] * 49


@pytest.mark.parametrize(("behind", "rests_s"), [(0, processors.GATHER_S), (1, 0.0)])
def test_other_followers_are_not_held_up(statistics: Path, behind: int, rests_s: float) -> None:
    assert _peak(statistics, Pace(stands_back=False), 1, 1_000, behind) == rests_s


def test_where_processors_are_not_scarce_nobody_is_held_up(statistics: Path) -> None:
    pace = Pace(stands_back=True)
    statistics.write_text("9000 500 9\n")
    assert pace.pause_s(1_000, 0) == processors.GATHER_S


def _peak(statistics: Path, pace: Pace, turn: int, events: int, behind: int) -> float:
    statistics.write_text(f"{1000 + turn * 1000} {500 + turn * 1000} 9\n")
    return pace.pause_s(events, behind)
