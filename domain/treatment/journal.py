"""One queue of one consultation as the log tells it, kept compact: a log holds hundreds of thousands of changes."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from typing import Final

_NOBODY: Final[frozenset[str]] = frozenset()
_TAKEN: Final = -1


class Journal:
    """What waited in a queue from each position on, and what was handed out from it. Items are numbered from 0 in the order of their arrival.

    `rounds` is 0 where the item waits for nobody from that position on; `barred` names, as a number of `sets`, those who may not take it.
    """

    def __init__(self) -> None:
        self.positions = array("q")
        self.items = array("I")
        self.rounds = array("H")
        self.barred = array("I")
        self.sets: list[frozenset[str]] = []
        self.until: dict[int, float] = {}
        """By change: the moment from which nobody may take the item any more, where there is one."""
        self.taken_at = array("q")
        self.seen = array("q")
        self.taken = array("I")
        self.holders: list[str] = []
        self.moments = array("d")
        """When each was handed out, in seconds since 1970."""
        self._numbers: dict[frozenset[str], int] = {}
        self._latest = array("q")
        """By item: its round and those barred as of the last change, in one number; or that it has been taken since."""
        self._until: dict[int, float] = {}
        """By item, as of the last change."""
        self._number(_NOBODY)

    def change(self, position: int, item: int, round_: int, barred: frozenset[str], until: float = inf) -> None:
        """From `position` on the item waits in this round, `until` a moment; nothing is kept where nothing has changed."""
        number = self._number(barred if round_ else _NOBODY)
        latest = number << 16 | round_
        if latest == self._latest_of(item) and until == self._until.get(item, inf):
            return
        self._latest[item] = latest
        self._until.pop(item, None)
        if until < inf:
            self._until[item] = self.until[len(self.positions)] = until
        self.positions.append(position)
        self.items.append(item)
        self.rounds.append(round_)
        self.barred.append(number)

    def take(self, position: int, seen: int, item: int, holder: str, moment: float) -> None:
        """The item was handed out at `position`, from the queue as it had been read at `seen`; what it is from then on is said by `change`."""
        self._latest_of(item)
        self._latest[item] = _TAKEN
        self.taken_at.append(position)
        self.seen.append(max(0, min(seen, position)))  # whatever lies ahead of its own position is a departure, however far
        self.taken.append(item)
        self.holders.append(holder)
        self.moments.append(moment)

    def _latest_of(self, item: int) -> int:
        if item >= len(self._latest):
            self._latest.frombytes(bytes(self._latest.itemsize * (item + 1 - len(self._latest))))
        return self._latest[item]

    def _number(self, barred: frozenset[str]) -> int:
        number = self._numbers.get(barred)
        if number is None:
            number = self._numbers[barred] = len(self.sets)
            self.sets.append(barred)
        return number

    @property
    def known(self) -> int:
        """How many items have been told of."""
        return len(self._latest)


class ByItem:
    """Entries of a journal grouped by item, those of one item in order of position."""

    def __init__(self, known: int, items: Sequence[int], positions: Sequence[int]) -> None:
        counts = array("I", bytes(4 * (known + 1)))
        for item in items:
            counts[item + 1] += 1
        self._starts = array("I", accumulate(counts))
        self._entries = array("I", bytes(4 * len(items)))
        free = self._starts[:]
        for entry, item in enumerate(items):
            self._entries[free[item]] = entry
            free[item] += 1
        self._position = positions.__getitem__

    def last(self, item: int, position: int) -> int | None:
        """The item's last entry at or before a position."""
        start = self._starts[item]
        place = bisect_right(self._entries, position, start, self._starts[item + 1], key=self._position)
        return self._entries[place - 1] if place > start else None

    def between(self, item: int, after: int, before: int) -> bool:
        """Whether the item has an entry at a position between two others, both left out."""
        end = self._starts[item + 1]
        place = bisect_right(self._entries, after, self._starts[item], end, key=self._position)
        return place < end and self._position(self._entries[place]) < before
