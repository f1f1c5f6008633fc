"""How far readers who judged the same texts agree, beyond what chance alone would give."""

from typing import Final, Literal, TypeAlias

import krippendorff
import numpy as np
from msgspec import Struct
from numpy import typing as npt

Counts: TypeAlias = npt.NDArray[np.int64]
WhyNoAgreement = Literal["no-pairs", "no-variation"]
"""`no-pairs`: nothing was judged twice. `no-variation`: every judgement was the same, so that chance alone agrees fully."""

_PAIR: Final = 2


class Alpha(Struct, frozen=True):
    """Krippendorff's alpha, nominal: 1 is full agreement, 0 what chance gives, below 0 is worse than chance."""

    value: float | None
    undefined: WhyNoAgreement | None
    """Set exactly where `value` is None."""
    units: int
    """Those with at least two readings: the others say nothing about agreement and are left out."""
    readings: int
    """The readings of these units."""


class Kappa(Struct, frozen=True):
    """Cohen's kappa, on the same scale as alpha."""

    value: float | None
    undefined: WhyNoAgreement | None
    pairs: int


def alpha(counts: npt.ArrayLike) -> Alpha:
    """Krippendorff's alpha for nominal values (Krippendorff, Content Analysis, 4th ed. 2018, chapter 12).

    `counts`, units x values, says how many readings gave the unit that value. Raises ValueError where it holds anything but
    whole numbers from 0 up.
    """
    table = _whole(counts, "counts", dimensions=2)
    paired = table[table.sum(axis=1) >= _PAIR]
    given = paired[:, paired.any(axis=0)]
    units, values = given.shape
    readings = int(given.sum())
    if units == 0:
        return Alpha(None, "no-pairs", units, readings)
    if values < _PAIR:
        return Alpha(None, "no-variation", units, readings)
    value = krippendorff.alpha(value_counts=_merged(given), level_of_measurement="nominal")
    return Alpha(float(value), None, units, readings)


def code_alpha(readings: npt.ArrayLike, with_code: npt.ArrayLike) -> Alpha:
    """Alpha of one code, given or not given: per unit, how many readings it had and how many of them gave the code.

    Raises ValueError where the two differ in length or more readings gave the code than there were.
    """
    return alpha(_given_or_not(_whole(readings, "readings", dimensions=1), _whole(with_code, "with_code", dimensions=1)))


def alpha_over_all(readings: npt.ArrayLike, with_codes: npt.ArrayLike) -> Alpha:
    """Alpha over all codes: every pair of a unit and a code is one item that each reading answers with yes or no.

    The items are pooled, which is neither the mean of the codes' alphas nor the alpha of the sets that readers chose: codes that
    differ in frequency raise what chance is expected to disagree on, so the pooled alpha may exceed the alpha of every code.
    `readings` has one entry a unit, `with_codes` is units x codes. `units` of the result counts items. Raises ValueError as
    `code_alpha` does.
    """
    given = _whole(with_codes, "with_codes", dimensions=2)
    wanted = _whole(readings, "readings", dimensions=1)
    if len(wanted) != len(given):
        raise ValueError(f"with_codes: {len(given)} units, but readings has {len(wanted)}")
    return alpha(_given_or_not(np.repeat(wanted, given.shape[1]), given.ravel()))


def kappa(matrix: npt.ArrayLike) -> Kappa:
    """Cohen's kappa (A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20, 1960).

    `matrix[i, j]` counts the pairs whose first judgement was i and whose second was j. Raises ValueError where it is not square.
    """
    table = _square(matrix)
    pairs = int(table.sum())
    if pairs == 0:
        return Kappa(None, "no-pairs", pairs)
    by_chance = int(table.sum(axis=1) @ table.sum(axis=0))
    if by_chance == pairs**2:
        return Kappa(None, "no-variation", pairs)
    return Kappa((pairs * int(table.trace()) - by_chance) / (pairs**2 - by_chance), None, pairs)


def agreement(matrix: npt.ArrayLike) -> float | None:
    """The share, 0 to 1, of pairs of which both judgements were the same; None without a pair. `matrix` as for `kappa`."""
    table = _square(matrix)
    pairs = int(table.sum())
    return int(table.trace()) / pairs if pairs else None


def _merged(counts: Counts) -> Counts:
    """The same coincidences from fewer rows: units of which all readings agree are one unit a value.

    A unit of m readings that all gave value v adds m(m-1)/(m-1) = m to the cell (v, v) of the coincidence matrix and nothing else,
    so units of m and n readings add what one unit of m + n adds. The library holds units x values x values floats.
    """
    unanimous = np.count_nonzero(counts, axis=1) == 1
    return np.concatenate([np.diag(counts[unanimous].sum(axis=0)), counts[~unanimous]])


def _given_or_not(readings: Counts, with_code: Counts) -> Counts:
    if readings.shape != with_code.shape:
        raise ValueError(f"with_code: {len(with_code)} units, but readings has {len(readings)}")
    if (with_code > readings).any():
        raise ValueError("with_code: more readings gave the code than there were")
    return np.stack([with_code, readings - with_code], axis=1)


def _square(matrix: npt.ArrayLike) -> Counts:
    table = _whole(matrix, "matrix", dimensions=2)
    if table.shape[0] != table.shape[1]:
        raise ValueError(f"matrix: {table.shape[0]} rows but {table.shape[1]} columns")
    return table


def _whole(counts: npt.ArrayLike, name: str, *, dimensions: int) -> Counts:
    table = np.asarray(counts)
    if table.ndim != dimensions:
        raise ValueError(f"{name}: {table.ndim} dimensions instead of {dimensions}")
    if table.size and not np.issubdtype(table.dtype, np.integer):
        raise ValueError(f"{name}: holds something other than whole numbers")
    if (table < 0).any():
        raise ValueError(f"{name}: holds a negative number")
    return table.astype(np.int64)
