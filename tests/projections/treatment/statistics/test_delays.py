"""How delays are summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.treatment.statistics.delays import Spread, spread

SECONDS = st.lists(st.integers(0, 10**9).map(lambda microseconds: microseconds / 1000), min_size=1, max_size=50)


def test_quantiles_are_those_that_r_gives_by_default() -> None:
    # quantile(c(1, 2, 3, 4, 10), c(.5, .9, 1)) and quantile(c(15, 20, 35, 40, 50), c(.5, .9, 1)), type 7
    assert spread([10, 1, 3, 2, 4]) == Spread(5, 3.0, pytest.approx(7.6), 10.0)  # type: ignore[arg-type]  # approx stands for a float
    assert spread([15, 20, 35, 40, 50]) == Spread(5, 35.0, 46.0, 50.0)


def test_of_no_delay_nothing_is_said() -> None:
    assert spread([]) is None


@pytest.mark.parametrize("delay", [-1.0, float("nan"), float("inf")])
def test_a_delay_that_cannot_be_is_refused(delay: float) -> None:
    with pytest.raises(ValueError, match="delays"):
        spread([1.0, delay])


@given(SECONDS)
def test_the_quantiles_are_in_order_and_do_not_depend_on_that_of_the_delays(seconds: list[float]) -> None:
    found = spread(seconds)
    assert found is not None
    assert found.median <= found.p90 <= found.max == max(seconds)
    assert spread(sorted(seconds, reverse=True)) == found
