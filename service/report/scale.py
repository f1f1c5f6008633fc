"""Axes of charts: a top that is a round number, and delays from seconds to years on one line."""

from math import log
from typing import Final, Literal

from msgspec import Struct

DAY_S: Final = 86_400.0
MARKS: Final = {
    "seconds": (1.0, 60.0, 3_600.0, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S),
    "days": (1.0, 7.0, 30.0, 365.0),
}
TOPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
WIDE: Final = 20.0
"""Longest over shortest from which a linear axis would press the short delays together."""
APART: Final = 0.2
"""Of the width: what the words of two marks need between them."""


class Scale(Struct, frozen=True):
    low: float
    high: float
    logarithmic: bool
    marks: tuple[float, ...]

    def at(self, value: float) -> float:
        """From 0 to 1 along the axis; what lies below its start is put there."""
        if not self.logarithmic:
            return value / self.high
        return (log(max(value, self.low)) - log(self.low)) / (log(self.high) - log(self.low))


def top_of(rates: list[float]) -> float:
    """The round share that an axis of rates ends at."""
    highest = max(rates, default=0.0)
    return next((top for top in TOPS if highest <= top), 1.0)


def delays(values: list[float], unit: Literal["seconds", "days"]) -> Scale:
    """An axis that holds all values, logarithmic where they lie far apart."""
    shown = [value for value in values if value > 0] or [MARKS[unit][0]]
    high = max(shown)
    if high / min(shown) <= WIDE:
        return Scale(0.0, high, logarithmic=False, marks=(0.0, high))
    low = max((mark for mark in MARKS[unit] if mark <= min(shown)), default=min(shown))
    scale = Scale(low, high, logarithmic=True, marks=())
    marks: list[float] = []
    for mark in MARKS[unit]:
        if low <= mark <= high and (not marks or scale.at(mark) - scale.at(marks[-1]) >= APART):
            marks.append(mark)
    return Scale(low, high, logarithmic=True, marks=tuple(marks))
