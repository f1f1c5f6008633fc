"""How delays are summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.treatment.statistics.delays import DAY_S, Days, Delays, delays, in_days

SECONDS = st.lists(st.integers(0, 10**9).map(lambda microseconds: microseconds / 1000), min_size=1, max_size=50)


def test_quantiles_are_those_that_r_gives_by_default() -> None:
    # quantile(c(1, 2, 3, 4, 10), c(.5, .9, 1)) and quantile(c(15, 20, 35, 40, 50), c(.5, .9, 1)), type 7
    assert delays([10, 1, 3, 2, 4]) == Delays(5, 3.0, pytest.approx(7.6), 10.0)  # type: ignore[arg-type]  # approx stands for a float
    assert delays([15, 20, 35, 40, 50]) == Delays(5, 35.0, 46.0, 50.0)


def test_of_no_delay_nothing_is_said() -> None:
    assert delays([]) == Delays(0, None, None, None)
    assert in_days([]) == Days(0, None, None, None)


def test_days_are_those_within_which_the_delay_fits() -> None:
    assert in_days([0]) == Days(1, 0, 0, 0)
    assert in_days([0.000001]) == Days(1, 1, 1, 1)
    assert in_days([DAY_S]) == Days(1, 1, 1, 1)
    assert in_days([3 * DAY_S + 1]) == Days(1, 4, 4, 4)
    assert in_days([DAY_S, 2 * DAY_S]) == Days(2, 2, 2, 2)


@pytest.mark.parametrize("delay", [-1.0, float("nan"), float("inf")])
def test_a_delay_that_cannot_be_is_refused(delay: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        delays([1.0, delay])


@given(SECONDS)
def test_days_never_promise_more_than_the_seconds_kept(seconds: list[float]) -> None:
    exact, public = delays(seconds), in_days(seconds)
    assert exact.median_s is not None
    assert exact.p90_s is not None
    assert exact.max_s == max(seconds)
    assert public.median_days is not None
    assert public.max_days is not None
    assert exact.median_s <= exact.p90_s <= exact.max_s
    assert exact.median_s <= public.median_days * DAY_S + 1e-6
    assert (public.max_days - 1) * DAY_S < exact.max_s or public.max_days == 0


@given(SECONDS)
def test_the_order_of_delays_does_not_matter(seconds: list[float]) -> None:
    shuffled = sorted(seconds, reverse=True)
    assert delays(shuffled) == delays(seconds)
