"""How long things took: the median, the time within which nine in ten were done, the longest."""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy import typing as npt

_QUANTILES: Final = (0.5, 0.9, 1.0)


class Spread(Struct, frozen=True):
    """In the unit of the delays. Quantiles are linear interpolations between the two nearest delays: type 7 of Hyndman and Fan (1996)."""

    n: int
    median: float
    p90: float
    max: float


def spread(delays: npt.ArrayLike) -> Spread | None:
    """Of no delays at all, None. Raises ValueError for a delay that is negative or no number."""
    known = np.asarray(delays, dtype=np.float64)
    if not (np.isfinite(known) & (known >= 0)).all():
        raise ValueError("delays: holds one that is negative or no number")
    if not known.size:
        return None
    median, p90, longest = np.quantile(known, _QUANTILES, method="linear").tolist()
    return Spread(known.size, median, p90, longest)
