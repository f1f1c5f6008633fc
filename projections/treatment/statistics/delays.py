"""How long things took: the median, the time within which nine in ten were done, the longest."""

from collections.abc import Sequence
from math import ceil, isfinite
from typing import Final

import numpy as np
from msgspec import Struct

DAY_S: Final = 86_400
_QUANTILES: Final = (0.5, 0.9, 1.0)


class Delays(Struct, frozen=True):
    """Quantiles are linear interpolations between the two nearest delays: type 7 of Hyndman and Fan (1996), numpy's default."""

    n: int
    median_s: float | None
    p90_s: float | None
    max_s: float | None


class Days(Struct, frozen=True):
    """The same in whole days, for the public: each is the least number of days within which the delay fits.

    So a promise of three days is seen to be kept exactly where it was kept, and no time of day can be read from a figure.
    """

    n: int
    median_days: int | None
    p90_days: int | None
    max_days: int | None


def delays(seconds: Sequence[float]) -> Delays:
    """Of no delays at all, None. Raises ValueError for a delay that is negative or no number."""
    if not all(isfinite(delay) and delay >= 0 for delay in seconds):
        raise ValueError("seconds: holds a delay that is negative or no number")
    if not seconds:
        return Delays(0, None, None, None)
    median, p90, longest = np.quantile(np.asarray(seconds, dtype=np.float64), _QUANTILES, method="linear").tolist()
    return Delays(len(seconds), median, p90, longest)


def in_days(seconds: Sequence[float]) -> Days:
    """The quantiles of `delays`, each in whole days."""
    exact = delays(seconds)
    return Days(exact.n, _days(exact.median_s), _days(exact.p90_s), _days(exact.max_s))


def _days(delay_s: float | None) -> int | None:
    """Clocks tell microseconds: what lies beyond is left over from interpolating, and no reason to begin another day."""
    return None if delay_s is None else ceil(round(delay_s, 6) / DAY_S)
