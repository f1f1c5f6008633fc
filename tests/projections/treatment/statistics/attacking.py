"""Somebody who has a published table and its totals, and solves for what is hidden. Shares no code with what hides it."""

from itertools import product

import numpy as np
from numpy import typing as npt
from scipy.optimize import linprog

Sizes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def equations(table: Sizes, hidden: Mask) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What binds the hidden cells, in the order of np.argwhere: a line each for every scope's total and every group's sum."""
    unknown = {tuple(cell): number for number, cell in enumerate(np.argwhere(hidden).tolist())}
    scopes, groups = table.shape
    shown = np.where(hidden, 0, table)
    lines, sums = [], []
    for scope in range(scopes):
        lines.append([float(cell[0] == scope) for cell in unknown])
        sums.append(float(table[scope].sum() - shown[scope].sum()))
    for group in range(groups):
        lines.append([(1.0 if cell[0] < scopes - 1 else -1.0) * (cell[1] == group) for cell in unknown])
        sums.append(float(shown[-1, group] - shown[:-1, group].sum()))
    return np.array(lines), np.array(sums)


def ranges(table: Sizes, hidden: Mask) -> dict[tuple[int, int], tuple[int, int]]:
    """The lowest and the highest size of each hidden cell, by linear programming."""
    lines, sums = equations(table, hidden)
    found = {}
    for number, (scope, group) in enumerate(np.argwhere(hidden).tolist()):
        goal = np.zeros(lines.shape[1])
        goal[number] = 1
        low, high = (linprog(sign * goal, A_eq=lines, b_eq=sums, bounds=(0, None), method="highs") for sign in (1, -1))
        assert low.fun is not None
        assert high.fun is not None
        found[scope, group] = (int(np.ceil(low.fun - 1e-6)), int(np.floor(-high.fun + 1e-6)))
    return found


def enumerated(table: Sizes, hidden: Mask) -> dict[tuple[int, int], tuple[int, int]]:
    """The same by trying every table of whole numbers: for few hidden cells and small totals."""
    lines, sums = equations(table, hidden)
    cells = [(scope, group) for scope, group in np.argwhere(hidden).tolist()]
    tries = np.array(list(product(*(range(table[scope].sum() + 1) for scope, _ in cells))))
    fitting = tries[(tries @ lines.T == sums).all(axis=1)]
    return {cell: (int(low), int(high)) for cell, low, high in zip(cells, fitting.min(axis=0), fitting.max(axis=0), strict=True)}
