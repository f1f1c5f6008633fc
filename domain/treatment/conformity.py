"""Whether each assignment took the lowest item eligible at `seen`, leaving out those assigned between `seen` and itself, and those that nobody could take any more."""

from array import array
from collections.abc import Callable, Iterator
from math import inf
from typing import Generic, Literal

from msgspec import Struct

from domain.treatment.journal import ByItem, Journal
from domain.treatment.waiting import K, Waiting

Why = Literal["seen-ahead", "not-waiting", "taken-since", "passed-over"]
"""Read at a position that had not come; not eligible for its holder when the queue was read; assigned to somebody since; a lower one waited."""


class Verdict(Struct, frozen=True, gc=False):
    """An assignment that does not conform."""

    take: int
    """Which of the journal."""
    why: Why
    waited: int | None = None
    """The item that should have been taken."""


def verdicts(journal: Journal, order: Callable[[int, int], K]) -> Iterator[Verdict]:
    """Every assignment that does not conform; `order` gives the key of an item in a round, of which the lowest goes first.

    Assignments are walked in the order of the positions at which the queue had been read, beside the changes of the queue: one pass over each.
    """
    walk = _Walk(journal, order)
    turns = array("I", sorted(range(len(journal.seen)), key=journal.seen.__getitem__))  # stable: by position where `seen` is one
    for take, floor in zip(turns, reversed(_lowest_behind(journal, turns)), strict=True):
        if verdict := walk.judged(take, floor):
            yield verdict


def _lowest_behind(journal: Journal, turns: "array[int]") -> "array[int]":
    """For each turn, the last one first, the lowest position of an assignment from that turn on."""
    floors = array("q")
    for take in reversed(turns):
        position = journal.taken_at[take]
        floors.append(min(position, floors[-1]) if floors else position)
    return floors


class _Walk(Generic[K]):
    """The queue as of the latest `seen`, less what every assignment still to be judged finds taken since."""

    def __init__(self, journal: Journal, order: Callable[[int, int], K]) -> None:
        self._journal = journal
        self._order = order
        self._changes = ByItem(journal.known, journal.items, journal.positions)
        self._takes = ByItem(journal.known, journal.taken, journal.taken_at)
        self._waiting: Waiting[K] = Waiting(journal.known, journal.sets)
        self._taken_until = array("q", bytes(8 * journal.known))
        """By item: a position at which it was taken, before which nothing can make it wait again for anybody still to be judged."""
        self._next_change = 0
        self._next_take = 0

    def judged(self, take: int, floor: int) -> Verdict | None:
        """The verdict on an assignment that does not conform; `floor` is the lowest position of those still to be judged, this one included."""
        journal = self._journal
        seen, position, item, holder = journal.seen[take], journal.taken_at[take], journal.taken[take], journal.holders[take]
        if seen >= position:
            return Verdict(take, "seen-ahead")
        self._advance(seen, floor)
        change = self._changes.last(item, seen)
        if change is None or not self._open(change, holder):
            return Verdict(take, "not-waiting")
        if self._takes.between(item, seen, position):
            return Verdict(take, "taken-since")

        def skips(other: int) -> bool:
            latest = self._changes.last(other, position - 1)
            if latest is None or not self._open(latest, holder) or self._takes.between(other, seen, position):
                return True
            return journal.until.get(latest, inf) <= journal.moments[take]

        waited = self._waiting.first(self._order(item, journal.rounds[change]), holder, skips)
        return None if waited is None else Verdict(take, "passed-over", waited)

    def _open(self, change: int, holder: str) -> bool:
        """Whether the item waits for a holder from a change on."""
        journal = self._journal
        return journal.rounds[change] > 0 and holder not in journal.sets[journal.barred[change]]

    def _advance(self, seen: int, floor: int) -> None:
        """Move to the position `seen`, then take out what was taken behind it and before `floor`: whoever is still to be judged skips it.

        Such an item waits again when `seen` passes the position at which it was taken.
        """
        journal, waiting, until = self._journal, self._waiting, self._taken_until
        while self._next_change < len(journal.positions) and journal.positions[self._next_change] <= seen:
            change, self._next_change = self._next_change, self._next_change + 1
            item, round_ = journal.items[change], journal.rounds[change]
            if journal.positions[change] < until[item]:
                continue
            if round_:
                waiting.put(item, self._order(item, round_), journal.barred[change])
            else:
                waiting.drop(item)
        while self._next_take < len(journal.taken_at) and journal.taken_at[self._next_take] < floor:
            taken, self._next_take = self._next_take, self._next_take + 1
            if journal.taken_at[taken] > seen:
                waiting.drop(journal.taken[taken])
                until[journal.taken[taken]] = journal.taken_at[taken]
