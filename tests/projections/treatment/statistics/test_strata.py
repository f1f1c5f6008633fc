"""Groups compared within strata: a published data set, the classical formula, and tables that leave little to compare."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from projections.treatment.statistics.strata import Association, cochran_mantel_haenszel
from projections.treatment.statistics.tables import Outcomes

# UCBAdmissions of R: admitted and all applicants of six departments (Bickel, Hammel and O'Connell, Science 187, 1975).
# a: men, b: women.
BERKELEY: list[Outcomes] = [
    {"a": (512, 825), "b": (89, 108)},
    {"a": (353, 560), "b": (17, 25)},
    {"a": (120, 325), "b": (202, 593)},
    {"a": (138, 417), "b": (131, 375)},
    {"a": (53, 191), "b": (94, 393)},
    {"a": (22, 373), "b": (24, 341)},
]


def outcome(totals: int = 15) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(0, totals).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def strata_of(*groups: str) -> st.SearchStrategy[list[Outcomes]]:
    return st.lists(st.fixed_dictionaries({group: outcome() for group in groups}), min_size=1, max_size=5)


def classical(strata: list[Outcomes], correction: float = 0.0) -> float | None:
    """Mantel and Haenszel (1959) for two groups, cell by cell."""
    excess = variance = 0.0
    for stratum in strata:
        (yes, first), (other, second) = stratum["a"], stratum["b"]
        held, n = yes + other, first + second
        if n > 1:
            excess += yes - first * held / n
            variance += first * second * held * (n - held) / (n**2 * (n - 1))
    return (abs(excess) - correction) ** 2 / variance if variance else None


def test_berkeley_is_as_r_has_it() -> None:
    found = cochran_mantel_haenszel(BERKELEY)
    # mantelhaen.test(UCBAdmissions, correct = FALSE); with its default, the correction, R prints 1.4269 and 0.2323
    assert found.statistic == pytest.approx(1.5246, abs=5e-5)
    assert found.p == pytest.approx(0.2169, abs=5e-5)
    assert (found.df, found.undefined, found.strata, found.n) == (1, None, 6, 4526)
    corrected = classical(BERKELEY, correction=0.5)
    assert corrected is not None
    assert corrected == pytest.approx(1.4269, abs=5e-5)
    assert stats.chi2.sf(corrected, 1) == pytest.approx(0.2323, abs=5e-5)


@given(strata_of("a", "b"))
def test_of_two_groups_it_is_the_classical_statistic(strata: list[Outcomes]) -> None:
    expected = classical(strata)
    found = cochran_mantel_haenszel(strata)
    if expected is None:
        assert found == Association(None, 0, None, "no-informative-stratum", 0, 0)
    else:
        assert found.statistic == pytest.approx(expected, abs=1e-9)
        assert found.df == 1
        assert found.p == pytest.approx(2 * stats.norm.sf(sqrt(expected)), abs=1e-9)


@given(st.fixed_dictionaries({group: outcome() for group in "abc"}))
def test_of_one_stratum_it_is_pearsons_with_one_less(stratum: Outcomes) -> None:
    found = cochran_mantel_haenszel([stratum])
    table = [(yes, total - yes) for yes, total in stratum.values() if total]
    if found.statistic is None:
        assert len(table) < 2 or not all(map(any, zip(*table, strict=True)))
    else:
        n = sum(map(sum, table))
        pearson = stats.chi2_contingency(table, correction=False)
        assert found.statistic == pytest.approx(pearson.statistic * (n - 1) / n, abs=1e-9)
        assert found.df == pearson.dof


@given(strata_of("a", "b", "c"))
def test_neither_names_nor_empty_groups_change_anything(strata: list[Outcomes]) -> None:
    renamed: list[Outcomes] = [
        {"empty": (0, 0), "z": stratum["a"], "y": stratum["b"], "x": stratum["c"]} for stratum in reversed(strata)
    ]
    first, second = cochran_mantel_haenszel(strata), cochran_mantel_haenszel(renamed)
    assert second.statistic == pytest.approx(first.statistic, abs=1e-8)
    assert (second.df, second.n, second.strata) == (first.df, first.n, first.strata)


def test_groups_that_never_meet_are_compared_apart() -> None:
    pair: Outcomes = {"a": (3, 10), "b": (6, 11)}
    other: Outcomes = {"c": (5, 9), "d": (1, 8)}
    apart = cochran_mantel_haenszel([pair, other])
    halves = [cochran_mantel_haenszel([stratum]).statistic for stratum in (pair, other)]
    assert apart.df == 2
    assert apart.statistic == pytest.approx(sum(half for half in halves if half is not None))


def test_strata_without_both_outcomes_say_nothing() -> None:
    empty: list[Outcomes] = [{}, {"a": (0, 5), "b": (0, 7)}, {"a": (5, 5), "b": (7, 7)}, {"a": (2, 5), "b": (0, 0)}]
    assert cochran_mantel_haenszel(empty).undefined == "no-informative-stratum"
    assert cochran_mantel_haenszel([]).undefined == "no-informative-stratum"
    assert cochran_mantel_haenszel([*empty, *BERKELEY]) == cochran_mantel_haenszel(BERKELEY)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="strata: 'a' has 3 of 2"):
        cochran_mantel_haenszel([{"a": (3, 2), "b": (1, 2)}])
