"""What is hidden of small groups, against somebody who solves for it."""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.treatment.statistics.disclosure import Lookalikes
from projections.treatment.statistics.suppression import Cell, suppressed
from tests.projections.treatment.statistics.attacking import Mask, Sizes, enumerated, ranges

SIZE = st.one_of(st.integers(0, 12), st.integers(0, 40), st.just(0))
TABLE = st.tuples(st.integers(1, 5), st.integers(2, 4)).flatmap(
    lambda shape: st.lists(st.lists(SIZE, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0])
)


def named(rows: list[list[int]]) -> dict[str, dict[str, int]]:
    return {f"theme {number}": dict(zip("abcdefghijklmnopqrstuvwxyz", row, strict=False)) for number, row in enumerate(rows)}


def published(rows: list[list[int]]) -> tuple[Sizes, Mask]:
    """The table with its whole, and what of it is hidden."""
    themes = named(rows)
    cells = suppressed(themes)
    table = np.array(rows, dtype=np.int64)
    scopes: list[str | None] = [*themes, None]
    hidden = np.array([[(scope, group) in cells for group in next(iter(themes.values()))] for scope in scopes])
    return np.vstack([table, table.sum(axis=0)]), hidden


def hidden_of(*cells: str) -> frozenset[Cell]:
    """`3a` is group a of theme 3, `a` that of the whole."""
    return frozenset((f"theme {cell[:-1]}" if cell[:-1] else None, cell[-1]) for cell in cells)


def test_large_groups_are_shown() -> None:
    assert suppressed(named([[10, 11], [12, 13]])) == frozenset()
    assert suppressed({}) == frozenset()
    assert suppressed({"theme 0": {}}) == frozenset()


def test_a_small_group_takes_another_with_it_in_its_theme_and_the_same_two_elsewhere() -> None:
    assert suppressed(named([[9, 30, 50], [20, 40, 60], [25, 45, 70]])) == hidden_of("0a", "0b", "1a", "1b")


def test_two_that_are_fewer_than_ten_together_take_a_third() -> None:
    rows = [[4, 5, 50, 60], [6, 7, 70, 80]]
    assert suppressed(named(rows)) == hidden_of("0a", "0b", "0c", "1a", "1b", "1c")


def test_an_empty_group_is_hidden_as_a_small_one_is_and_takes_nobody_with_it() -> None:
    assert suppressed(named([[0, 30, 50], [20, 40, 60]])) == hidden_of("0a")
    assert suppressed({"one": {"b": 30, "c": 50}, "two": {"a": 20, "b": 40, "c": 60}}) == {("one", "a")}


def test_a_theme_of_few_shows_nothing_of_them() -> None:
    assert hidden_of("0a", "0b", "0c") <= suppressed(named([[3, 0, 0], [40, 50, 60], [45, 55, 65]]))


def test_a_cell_that_two_blocks_of_hidden_cells_would_give_away_is_not_left_alone() -> None:
    """Every line alone hides two cells and ten people, and still 0c is what a and b lack in themes 0 and 1."""
    rows = [[5, 5, 3, 20], [5, 5, 20, 20], [20, 20, 5, 5], [20, 20, 5, 5]]
    table = np.vstack([rows, np.sum(rows, axis=0)])
    assert ranges(table, table < 10)[0, 2] == (3, 3)
    table, hidden = published(rows)
    low, high = ranges(table, hidden)[0, 2]
    assert high - low >= 9
    assert hidden.sum() > (table < 10).sum()


@settings(max_examples=60, deadline=None)
@given(TABLE)
def test_nothing_hidden_can_be_worked_out(rows: list[list[int]]) -> None:
    table, hidden = published(rows)
    assert hidden[table < 10].all()
    for (scope, group), (low, high) in ranges(table, hidden).items():
        size, total = table[scope, group], table[scope].sum()
        assert low <= size <= high
        assert size == 0 or high - low >= min(9, total)


@given(TABLE)
def test_what_a_line_hides_is_nobody_or_two_groups_and_ten_people_or_all_of_it(rows: list[list[int]]) -> None:
    table, hidden = published(rows)
    lines = list(zip(table, hidden, strict=True))
    lines += [(sizes[:-1], unseen[:-1]) for sizes, unseen in zip(table.T, hidden.T, strict=True) if not unseen[-1]]
    for sizes, unseen in lines:
        people, groups = sizes[unseen].sum(), np.count_nonzero(sizes[unseen])
        assert people == 0 or (people >= 10 and groups >= 2) or unseen.all()


@settings(max_examples=60, deadline=None)
@given(TABLE, st.data())
def test_the_range_of_a_hidden_cell_is_what_linear_programming_finds(rows: list[list[int]], data: st.DataObject) -> None:
    table = np.vstack([rows, np.sum(rows, axis=0)])
    cells = st.lists(st.booleans(), min_size=table.size, max_size=table.size)
    hidden = np.array(data.draw(cells)).reshape(table.shape)
    alike = Lookalikes(table.tolist(), hidden.tolist())
    for (scope, group), (low, high) in ranges(table, hidden).items():
        assert alike.width(scope, group, 1_000) == high - low
        assert alike.width(scope, group, 3) == min(3, high - low)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=2), min_size=2, max_size=2))
def test_ranges_over_fractions_and_over_whole_numbers_are_the_same(rows: list[list[int]]) -> None:
    table = np.vstack([rows, np.sum(rows, axis=0)])
    hidden = np.ones_like(table, dtype=bool)
    hidden[-1, 0] = False
    assert ranges(table, hidden) == enumerated(table, hidden)


@given(TABLE)
def test_the_order_of_themes_and_groups_does_not_matter(rows: list[list[int]]) -> None:
    themes = named(rows)
    turned = {theme: dict(reversed(row.items())) for theme, row in reversed(themes.items())}
    assert suppressed(turned) == suppressed(themes)


def test_the_only_group_there_is_hides_what_is_small_and_no_more() -> None:
    assert suppressed(named([[3], [20], [30]])) == hidden_of("0a")


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes: 'a' of 'theme 0' is -1"):
        suppressed(named([[-1, 3]]))


@pytest.mark.parametrize("people", [1_000, 10_000, 100_000])
def test_two_hundred_themes_and_twenty_groups_take_less_than_a_second(people: int) -> None:
    random = np.random.default_rng(people)
    shares = np.outer(random.dirichlet(np.ones(200)), random.dirichlet(np.ones(20)))
    rows = random.multinomial(people, shares.ravel()).reshape(200, 20).tolist()
    began = perf_counter()
    cells = suppressed(named(rows))
    assert perf_counter() - began < 2  # a tenth of a second on a quiet machine
    assert len(cells) >= sum(size < 10 for row in rows for size in row)
