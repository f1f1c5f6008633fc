"""The fast check of a journal finds what a slow one finds that follows the rule word by word."""

from math import inf
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from domain.treatment.conformity import Verdict, verdicts
from domain.treatment.journal import Journal

ITEMS, HOLDERS = 5, ("ada", "bob", "eve")
NOBODY = frozenset[str]()


class Step(NamedTuple):
    """What an item is from a position on, and who was handed it there, by a queue that was read so many positions ago."""

    item: int
    round: int
    barred: frozenset[str] = NOBODY
    holder: str | None = None
    ago: int = 1
    until: float = inf
    """The position from which nobody may be handed it any more, whatever the log says by then."""


ITEM, ROUND = st.integers(0, ITEMS - 1), st.sampled_from((1, 2, 1, 0))
BARRED = st.frozensets(st.sampled_from(HOLDERS), max_size=2)
CHANGE = st.builds(Step, ITEM, ROUND, BARRED, until=st.sampled_from((inf, inf, 5, 12, 30)))
TAKE = st.builds(Step, ITEM, ROUND, BARRED, st.sampled_from(HOLDERS), st.sampled_from((1, 2, 4, 6, 9, 0)))
STEPS = st.lists(CHANGE | TAKE, max_size=60)


def order(item: int, round_: int) -> tuple[int, int]:
    """Within a round the items go by some order of their own."""
    return round_, (item * 3 + round_) % 7


def kept(steps: list[Step]) -> Journal:
    journal = Journal()
    for position, step in enumerate(steps, start=1):
        if step.holder is not None:
            journal.take(position, position - step.ago, step.item, step.holder, position)
        journal.change(position, step.item, step.round, step.barred, step.until)
    return journal


def slowly(steps: list[Step]) -> list[Verdict]:
    """The rule, word by word, on the whole queue at every position."""
    queue: list[dict[int, Step]] = [{}]
    for step in steps:
        queue.append(queue[-1] | {step.item: step})
    takes = [(position, step.holder, step) for position, step in enumerate(steps, start=1) if step.holder is not None]
    found = []
    for number, (position, holder, step) in enumerate(takes):
        seen = max(position - step.ago, 0)
        if seen >= position:
            found.append(Verdict(number, "seen-ahead"))
            continue

        def eligible(at: int, holder: str = holder) -> set[int]:
            return {item for item, was in queue[at].items() if was.round and holder not in was.barred}

        def key(item: int, seen: int = seen) -> tuple[int, int]:
            return order(item, queue[seen][item].round)

        since = {other.item for at, _, other in takes if seen < at < position}
        left = {item for item in (eligible(seen) & eligible(position - 1)) - since if queue[position - 1][item].until > position}
        if step.item not in eligible(seen):
            found.append(Verdict(number, "not-waiting"))
        elif step.item in since:
            found.append(Verdict(number, "taken-since"))
        elif lower := [item for item in left if key(item) < key(step.item)]:
            found.append(Verdict(number, "passed-over", min(lower, key=key)))
    return found


@given(STEPS)
@example([Step(0, 1, until=3), Step(1, 1), Step(1, 0, holder="ada")])
@example([Step(0, 1), Step(1, 1), Step(0, 0, holder="ada"), Step(1, 0, holder="bob", ago=2)])
@example([Step(0, 1), Step(1, 1), Step(1, 0, holder="ada")])
@example([Step(0, 1), Step(2, 1), Step(2, 0, holder="ada"), Step(0, 1, holder="ada"), Step(0, 0, holder="ada", ago=3)])
def test_the_fast_check_finds_what_the_rule_word_by_word_finds(steps: list[Step]) -> None:
    assert sorted(verdicts(kept(steps), order), key=lambda verdict: verdict.take) == slowly(steps)


@given(STEPS)
def test_asking_changes_nothing(steps: list[Step]) -> None:
    journal = kept(steps)
    assert list(verdicts(journal, order)) == list(verdicts(journal, order))
