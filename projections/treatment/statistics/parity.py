"""Whether one outcome came as often in every group of one attribute: rates, their ratio, and what chance alone would do."""

from typing import Final, Literal

import numpy as np
from msgspec import Struct
from scipy import stats

from projections.treatment.statistics.permutation import Permutation, permuted
from projections.treatment.statistics.tables import Counts, Outcomes, arrays, checked

EXPECTED_AT_LEAST: Final = 5
"""Below it the chi-square distribution is no good approximation (Cochran, Some methods for strengthening the common chi-square
tests, Biometrics 10, 1954); his relaxed rule of four cells in five is not used."""

Test = Literal["fisher", "chi-square", "permutation"]
WhyTest = Literal["two-groups", "expected-counts-suffice", "expected-counts-too-small", "fewer-than-two-groups", "no-variation"]
"""The first three say why `test` was chosen, the others why there is none. `no-variation`: the outcome held for all or for nobody."""
WhyNoRatio = Literal["fewer-than-two-groups", "no-outcome"]


class Share(Struct, frozen=True):
    group: str
    yes: int
    total: int
    rate: float | None
    """None where nobody is in the group."""


class ChiSquare(Struct, frozen=True):
    """Pearson's statistic, without a correction for continuity."""

    statistic: float
    df: int
    p: float


class Parity(Struct, frozen=True):
    """Every p is two-sided, exact or approximate, and not adjusted for how many comparisons are made: see `holm`."""

    shares: tuple[Share, ...]
    """In the order of the groups' names, those in which nobody is included."""
    n: int
    yes: int
    lowest: float | None
    highest: float | None
    ratio: float | None
    """The lowest rate divided by the highest: 1 is parity."""
    ratio_undefined: WhyNoRatio | None
    test: Test | None
    why: WhyTest
    p: float | None
    """That of `test`."""
    smallest_expected: float | None
    fisher_p: float | None
    """Of two groups, always."""
    chi_square: ChiSquare | None
    """Where no expected count is below five."""
    permutation: Permutation | None


def parity(outcomes: Outcomes, seed: str) -> Parity:
    """Compare the rates of one outcome. Groups in which nobody is are listed and take no part in ratio and tests.

    Two groups are compared by Fisher's exact test; more by chi-square where every expected count is at least five, else by
    permutation. `seed` is a label from which the permutations can be drawn again. Raises ValueError for counts that cannot be.
    """
    ordered = checked(outcomes)
    yes, total = arrays(ordered)
    shares = tuple(Share(group, held, of, held / of if of else None) for group, (held, of) in ordered.items())
    lowest, highest, ratio, ratio_undefined = _ratio([share.rate for share in shares if share.rate is not None])
    tests = _tests(yes, total, seed)
    return Parity(shares, int(total.sum()), int(yes.sum()), lowest, highest, ratio, ratio_undefined, *tests)


def _ratio(rates: list[float]) -> tuple[float | None, float | None, float | None, WhyNoRatio | None]:
    if len(rates) < 2:
        return None, None, None, "fewer-than-two-groups"
    lowest, highest = min(rates), max(rates)
    return (lowest, highest, lowest / highest, None) if highest else (lowest, highest, None, "no-outcome")


def _tests(
    yes: Counts, total: Counts, seed: str
) -> tuple[Test | None, WhyTest, float | None, float | None, float | None, ChiSquare | None, Permutation | None]:
    """The fields of Parity from `test` on."""
    if len(total) < 2:
        return None, "fewer-than-two-groups", None, None, None, None, None
    if yes.sum() in {0, total.sum()}:
        return None, "no-variation", None, None, None, None, None
    table = np.stack([yes, total - yes], axis=1)
    pearson = stats.chi2_contingency(table, correction=False)
    smallest = float(pearson.expected_freq.min())
    approximate = smallest >= EXPECTED_AT_LEAST
    chi_square = ChiSquare(float(pearson.statistic), int(pearson.dof), float(pearson.pvalue)) if approximate else None
    drawn = permuted(yes, total, seed)
    if len(total) == 2:
        exact = float(stats.fisher_exact(table).pvalue)
        return "fisher", "two-groups", exact, smallest, exact, chi_square, drawn
    if chi_square is not None:
        return "chi-square", "expected-counts-suffice", chi_square.p, smallest, None, chi_square, drawn
    return "permutation", "expected-counts-too-small", drawn.p, smallest, None, None, drawn
