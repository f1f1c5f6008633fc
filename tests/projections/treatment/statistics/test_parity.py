"""One outcome compared between the groups of one attribute."""

from hashlib import sha256
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from projections.treatment.statistics.parity import ChiSquare, Parity, Share, parity
from projections.treatment.statistics.permutation import DRAWS, permuted
from projections.treatment.statistics.tables import Outcomes

OUTCOME = st.integers(0, 40).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
OUTCOMES = st.dictionaries(st.sampled_from("abcde"), OUTCOME, max_size=5)


@pytest.mark.parametrize(
    ("first", "second", "p", "ratio"),
    [((46, 560), (24, 173), 0.0372, 0.592), ((81, 560), (33, 173), 0.1506, 0.758)],
)
def test_two_groups_are_compared_exactly(first: tuple[int, int], second: tuple[int, int], p: float, ratio: float) -> None:
    found = parity({"paper": second, "web": first}, "two groups")
    assert (found.test, found.why) == ("fisher", "two-groups")
    assert found.p == found.fisher_p == pytest.approx(p, abs=5e-5)
    assert found.ratio == pytest.approx(ratio, abs=5e-4)
    assert found.permutation is not None
    assert found.permutation.p == pytest.approx(p, abs=0.02)
    assert found.chi_square is not None
    assert found.n == 733


def test_more_groups_are_compared_by_chi_square_where_the_counts_allow() -> None:
    # chisq.test(matrix(c(20, 30, 40, 80, 70, 60), 3)): X-squared = 9.5238, df = 2, p-value = 0.008549
    found = parity({"c": (40, 100), "a": (20, 100), "b": (30, 100)}, "three groups")
    assert (found.test, found.why) == ("chi-square", "expected-counts-suffice")
    assert found.chi_square == ChiSquare(pytest.approx(9.5238, abs=5e-5), 2, pytest.approx(0.008549, abs=5e-7))  # type: ignore[arg-type]  # approx stands for a float
    assert found.p == found.chi_square.p
    assert found.fisher_p is None
    assert found.smallest_expected == pytest.approx(30)
    assert found.shares == (Share("a", 20, 100, 0.2), Share("b", 30, 100, 0.3), Share("c", 40, 100, 0.4))
    assert (found.lowest, found.highest, found.ratio) == (0.2, 0.4, 0.5)


def test_more_groups_with_small_counts_are_compared_by_permutation_alone() -> None:
    found = parity({"a": (1, 10), "b": (2, 10), "c": (6, 10)}, "small counts")
    assert (found.test, found.why, found.chi_square) == ("permutation", "expected-counts-too-small", None)
    assert found.permutation is not None
    assert found.p == found.permutation.p


def test_where_nothing_can_be_compared_a_reason_is_said() -> None:
    def reasons(outcomes: Outcomes) -> tuple[object, ...]:
        found = parity(outcomes, "nothing")
        assert (found.test, found.p, found.fisher_p, found.chi_square, found.permutation) == (None,) * 5
        return found.why, found.ratio, found.ratio_undefined

    assert reasons({}) == ("fewer-than-two-groups", None, "fewer-than-two-groups")
    assert reasons({"a": (1, 5), "b": (0, 0)}) == ("fewer-than-two-groups", None, "fewer-than-two-groups")
    assert reasons({"a": (0, 5), "b": (0, 6)}) == ("no-variation", None, "no-outcome")
    assert reasons({"a": (5, 5), "b": (6, 6)}) == ("no-variation", 1.0, None)
    with pytest.raises(ValueError, match="outcomes: 'b' has 7 of 6"):
        parity({"a": (1, 5), "b": (7, 6)}, "impossible")


def test_a_permutation_is_drawn_again_from_its_label_alone() -> None:
    outcomes = {"a": (4, 30), "b": (11, 35), "c": (6, 20)}
    assert parity(outcomes, "a label") == parity(dict(reversed(outcomes.items())), "a label")
    assert parity(outcomes, "a label").permutation != parity(outcomes, "another label").permutation
    total = np.array([30, 35, 20])
    found = permuted(np.array([4, 11, 6]), total, "a label")
    assert (found.p, found.draws, found.seed) == (0.2468, 9_999, "a label")
    # The recipe of the docstring, with Pearson's statistic in full.
    random = np.random.Generator(np.random.PCG64(int(sha256(b"a label").hexdigest(), 16)))
    drawn = random.multivariate_hypergeometric(total, 21, size=9_999, method="count")
    expected = total * 21 / 85
    chi_square = ((np.vstack([[4, 11, 6], drawn]) - expected) ** 2 / (expected * 64 / 85)).sum(axis=1)
    assert found.p == np.count_nonzero(chi_square >= chi_square[0] - 1e-9) / 10_000


@pytest.mark.parametrize("other", [(6, 9), (60, 90), (600, 900)])
def test_permutation_approaches_the_exact_p_by_either_way_of_drawing(other: tuple[int, int]) -> None:
    # With two groups and margins fixed, chi-square orders tables by distance from what is expected: summed exactly.
    yes, total = np.array([3, other[0]]), np.array([11, other[1]])
    law = stats.hypergeom(total.sum(), total[0], yes.sum())
    mean, possible = law.mean(), np.arange(total[0] + 1)
    exact = law.pmf(possible[np.abs(possible - mean) >= abs(3 - mean) - 1e-9]).sum()
    assert permuted(yes, total, "exact").p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / DRAWS))


@settings(max_examples=50)
@given(OUTCOMES)
def test_every_figure_is_a_number_in_its_range_or_none_with_its_reason(outcomes: Outcomes) -> None:
    found: Parity = parity(outcomes, "any")
    assert (found.test is None) == (found.p is None) == (found.why in {"fewer-than-two-groups", "no-variation"})
    assert (found.ratio is None) == (found.ratio_undefined is not None)
    for share in (found.p, found.ratio, found.fisher_p, found.lowest, found.highest):
        assert share is None or 0 <= share <= 1
    assert found.n == sum(total for _, total in outcomes.values())


@pytest.mark.parametrize("groups", [2, 6, 20])
def test_a_comparison_takes_little_time(groups: int) -> None:
    outcomes = {f"group {number}": (500 + 10 * number, 5_000) for number in range(groups)}
    parity(outcomes, "warm")
    began = perf_counter()
    parity(outcomes, "timed")
    assert perf_counter() - began < 0.2  # 3, 6 and 23 ms on a quiet machine
