"""Adjusting p-values for how many comparisons were made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.treatment.statistics.multiplicity import holm

PROBABILITIES = st.lists(st.none() | st.floats(0, 1), max_size=12)


def test_adjusted_values_are_those_that_r_gives() -> None:
    # What p.adjust gives by the method "holm".
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_a_comparison_that_could_not_be_made_counts_for_nothing() -> None:
    assert holm([None, 0.01, None, 0.04]) == [None, pytest.approx(0.02), None, 0.04]
    assert holm([None]) == [None]
    assert holm([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="p_values"):
        holm([0.5, p])


@given(PROBABILITIES)
def test_rejections_are_those_of_the_step_down_procedure(p_values: list[float | None]) -> None:
    level = 0.05
    known = sorted(p for p in p_values if p is not None)
    rejected = 0
    while rejected < len(known) and known[rejected] * (len(known) - rejected) <= level:
        rejected += 1
    adjusted = [p for p in holm(p_values) if p is not None]
    assert sum(p <= level for p in adjusted) == rejected
    assert [p is None for p in holm(p_values)] == [p is None for p in p_values]
