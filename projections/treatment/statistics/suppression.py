"""Which groups are too small to be shown, and which others go with them so that differences reveal nothing.

The table is scope x group -> how many; a scope is a theme or the whole, which is the sum of the themes. A scope's total is public.

1. A cell smaller than ten is hidden. So is an empty one, under the same mark: a zero that is shown would say of everybody known to have
   taken part that they are not in that group, and would narrow down where the few of a small group must be.
2. Whatever is hidden in a scope has at least two groups with somebody in them and ten people in all, else the difference between the total
   and what is shown is itself a small group, or a single one. Likewise within a group across the themes where its whole is shown.
   Hidden cells that are all empty may be worked out: there is nobody in them.
3. For all that is shown, the sizes that a hidden cell with somebody in it may have span at least nine, which is what "fewer than ten"
   leaves open; in a scope of fewer than nine in all, they span from nobody to everybody.

More cells are hidden until this holds, always the smallest that helps; at worst all of them, which satisfies 3. Not guarded against: what
the choice of cells tells somebody who knows this rule and tries it on every table that would fit, and the differences
between tables of the same people at two times.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy import typing as npt

from projections.treatment.statistics.disclosure import Lookalikes

SMALLEST: Final = 10
"""The size from which a group may be shown."""

Cell: TypeAlias = tuple[str | None, str]
"""(theme, or None for the whole; group)."""
Sizes: TypeAlias = npt.NDArray[np.int64]
"""Scopes x groups, the whole last."""
Mask: TypeAlias = npt.NDArray[np.bool_]


def suppressed(sizes: Mapping[str, Mapping[str, int]]) -> frozenset[Cell]:
    """The cells that must not be shown, of a table theme -> group -> how many; the whole is added here.

    A group that a theme does not name has nobody in it. Where there is but one group it is as large as the public totals, so that only
    small cells are hidden, which protects nobody: name the empty groups too. Raises ValueError for a negative size.
    """
    themes, groups = sorted(sizes), sorted({group for row in sizes.values() for group in row})
    for theme, row in sizes.items():
        for group, size in row.items():
            if size < 0:
                raise ValueError(f"sizes: {group!r} of {theme!r} is {size}")
    table = np.array([[sizes[theme].get(group, 0) for group in groups] for theme in themes], dtype=np.int64)
    if not table.size:
        return frozenset()
    table = np.vstack([table, table.sum(axis=0)])
    hidden = table < SMALLEST
    if len(groups) > 1:
        _protect(table, hidden)
    scopes = [*themes, None]
    return frozenset((scopes[scope], groups[group]) for scope, group in np.argwhere(hidden).tolist())


def _protect(table: Sizes, hidden: Mask) -> None:
    """Hide more until rules 2 and 3 hold. Hiding more only widens ranges, so what is safe is not looked at again."""
    enough = np.minimum(SMALLEST - 1, table.sum(axis=1)).tolist()
    safe = table == 0
    _complete(table, hidden)
    while (pending := np.argwhere(hidden & ~safe)).size:
        alike = Lookalikes(table.tolist(), hidden.tolist())
        for scope, group in pending.tolist():
            if alike.width(scope, group, enough[scope]) < enough[scope]:
                more = _hide_beside(table, hidden, scope, group)
                assert more, "where all is hidden, every range is as wide as it can be"
                _complete(table, hidden)
                break
            safe[scope, group] = True


def _complete(table: Sizes, hidden: Mask) -> None:
    """Rule 2 for every line, until none lacks anything; a line of which all is hidden has no more to give."""
    whole = len(table) - 1
    changed = True
    while changed:
        changed = False
        for scope in range(len(table)):
            if _lacking(table[scope], hidden[scope]):
                changed |= _hide_smallest(table, hidden, np.s_[scope, :])
        for group in range(table.shape[1]):
            if not hidden[whole, group] and _lacking(table[:whole, group], hidden[:whole, group]):
                changed |= _hide_smallest(table, hidden, np.s_[:, group])


def _lacking(sizes: Sizes, hidden: Mask) -> bool:
    people = sizes[hidden].sum()
    return bool(people > 0 and (people < SMALLEST or np.count_nonzero(sizes[hidden]) < 2))


def _hide_beside(table: Sizes, hidden: Mask, scope: int, group: int) -> bool:
    """One more in the scope, else in the group, else anywhere. False where all is hidden already."""
    return (
        _hide_smallest(table, hidden, np.s_[scope, :])
        or _hide_smallest(table, hidden, np.s_[:, group])
        or _hide_smallest(table, hidden, np.s_[:, :])
    )


def _hide_smallest(table: Sizes, hidden: Mask, where: tuple[int | slice, int | slice]) -> bool:
    """Of equals the first by names of theme, then group, the whole last. False where all is hidden already."""
    eligible = np.zeros_like(hidden)
    eligible[where] = ~hidden[where]
    if not eligible.any():
        return False
    hidden.flat[np.where(eligible, table, np.iinfo(table.dtype).max).argmin()] = True
    return True
