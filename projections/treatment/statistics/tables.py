"""Tables of groups x (yes, no): what every comparison of an outcome between groups is computed from."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy import typing as npt

Outcomes: TypeAlias = Mapping[str, tuple[int, int]]
"""Group -> (of how many the outcome held, how many there were)."""
Counts: TypeAlias = npt.NDArray[np.int64]


def checked(outcomes: Outcomes, where: str = "outcomes") -> dict[str, tuple[int, int]]:
    """The same in the order of the groups' names, so that no result depends on the order of a mapping. Raises ValueError."""
    for group, (yes, total) in outcomes.items():
        if not 0 <= yes <= total:
            raise ValueError(f"{where}: {group!r} has {yes} of {total}")
    return dict(sorted(outcomes.items()))


def arrays(outcomes: Outcomes) -> tuple[Counts, Counts]:
    """(yes, total), each with one entry a group that has anybody in it, in the order of `outcomes`."""
    present = [pair for pair in outcomes.values() if pair[1]]
    yes, total = np.array(present, dtype=np.int64).reshape(-1, 2).T
    return yes, total
