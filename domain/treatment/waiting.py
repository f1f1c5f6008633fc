"""What waits in a queue at a position, and who may not take it: the lowest item for a holder without looking at every one."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Any)
"""What orders the queue: unique in it."""


class Waiting(Generic[K]):
    """Items grouped by those who may not take them: a few distinct sets, each a heap from which what is stale is dropped when it is met.

    Above them stands one heap of the groups' first keys, so that a search meets the groups in the order of what waits in them.
    """

    def __init__(self, items: int, barred: Sequence[frozenset[str]]) -> None:
        self._barred = barred
        self._now: list[tuple[K, int] | None] = [None] * items
        """By item: its key and its group, while it waits."""
        self._heaps: dict[int, list[tuple[K, int]]] = {}
        self._tops: list[tuple[K, int]] = []
        """At least one entry for each group in which something waits, its key no higher than that of the group's first item."""

    def put(self, item: int, key: K, group: int) -> None:
        """The item waits, for anybody but those whom the group bars."""
        self._now[item] = (key, group)
        heap = self._heaps.setdefault(group, [])
        heappush(heap, (key, item))
        if heap[0][1] == item:
            heappush(self._tops, (key, group))

    def drop(self, item: int) -> None:
        """The item waits no more."""
        self._now[item] = None

    def first(self, below: K, holder: str, skips: Callable[[int], bool]) -> int | None:
        """The lowest item with a key below `below` that `holder` may take and that is not skipped."""
        searched: set[int] = set()
        here: list[tuple[K, int]] = []
        aside: list[tuple[int, tuple[K, int]]] = []
        found = None
        while found is None and (self._tops or here):
            if self._tops and (not here or self._tops[0] < here[0]):
                if self._tops[0][0] >= below:
                    break
                group = heappop(self._tops)[1]
                if group not in searched:
                    searched.add(group)
                    if holder not in self._barred[group]:
                        self._offer(here, group)
            else:
                key, group = heappop(here)
                if key >= below:
                    break
                item = self._heaps[group][0][1]
                if skips(item):
                    aside.append((group, heappop(self._heaps[group])))
                    self._offer(here, group)
                else:
                    found = item
        for group, entry in aside:
            heappush(self._heaps[group], entry)
        for group in searched:
            self._offer(self._tops, group)
        return found

    def _offer(self, heads: list[tuple[K, int]], group: int) -> None:
        """Add the group's first key to `heads`, if anything waits in it."""
        heap = self._heaps[group]
        while heap and self._now[heap[0][1]] != (heap[0][0], group):
            heappop(heap)
        if heap:
            heappush(heads, (heap[0][0], group))
