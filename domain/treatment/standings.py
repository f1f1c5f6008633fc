"""How the contributions of a consultation stand, now and at any position before: what coverage and publications are judged by."""

from array import array
from collections import defaultdict
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from domain.contribution import Gone, State, analysed, read_enough, settled, visible

ANALYSED: Final = 1
READ: Final = 2
"""Under analysis, with every reading that the policy asks for."""
OWED: Final = 4
"""Lacks a reading, or its moderation is not settled."""
PENDING: Final = 8
"""Moderation is not settled: neither published nor withheld with a reason."""
VISIBLE: Final = 16
GONE: Final = 32


class Counted(NamedTuple):
    read: int
    analysed: int
    changed: datetime | None
    """When one of them first changed behind the position asked for."""


def standing(state: State, readers: int) -> int:
    """The marks above that apply to a contribution; none before it arrives."""
    if state is None:
        return 0
    if isinstance(state, Gone):
        return GONE
    counts, enough, decided = analysed(state), read_enough(state, readers), settled(state)
    marks = ANALYSED * counts | READ * (counts and enough) | VISIBLE * visible(state) | PENDING * (not decided)
    return marks | OWED * (not decided or (counts and not enough))


class Standings:
    """Keeps how each contribution stands, and the way back: every change with what stood before it."""

    def __init__(self) -> None:
        self.readers = 0
        self._numbers: dict[UUID, int] = {}
        self._themes: list[str] = []
        self._now = bytearray()
        self._totals: defaultdict[tuple[str, int], int] = defaultdict(int)
        """By theme and mark."""
        self._positions = array("q")
        self._changed = array("I")
        self._before = bytearray()
        self._moments = array("d")

    def moved(self, position: int, moment: datetime, stream: UUID, before: State, after: State) -> None:
        if after is None or _alike(before, after):
            return
        number = self._numbers.get(stream)
        if number is None:
            number = self._numbers[stream] = len(self._now)
            self._now.append(0)
            self._themes.append(after.dossier.theme)
        was, now = self._now[number], standing(after, self.readers)
        if was == now:
            return
        self._now[number] = now
        self._positions.append(position)
        self._changed.append(number)
        self._before.append(was)
        self._moments.append(moment.timestamp())
        for mark in (ANALYSED, READ, OWED, PENDING):
            self._totals[self._themes[number], mark] += bool(now & mark) - bool(was & mark)

    def coverage(self, theme: str, position: int) -> Counted:
        """How much of a theme had been read at a position."""
        ago = self._ago(position)
        alike = {number: marks for number, marks in ago.items() if self._themes[number] == theme}
        read, counted = (self._then(alike, self._totals[theme, mark], mark) for mark in (READ, ANALYSED))
        touched = [number for number, marks in alike.items() if (marks ^ self._now[number]) & (READ | ANALYSED)]
        return Counted(read, counted, self._first_change(set(touched), position))

    def owed(self, position: int) -> int:
        """Contributions that lacked a reading, or whose moderation was not settled, at a position."""
        total = sum(count for (_, mark), count in self._totals.items() if mark == OWED)
        return self._then(self._ago(position), total, OWED)

    def outstanding(self, position: int) -> int:
        """Contributions that were neither published nor withheld with a reason at a position, and have not been erased since."""
        total = sum(count for (_, mark), count in self._totals.items() if mark == PENDING)
        ago = {number: marks for number, marks in self._ago(position).items() if not self._now[number] & GONE}
        return self._then(ago, total, PENDING)

    def concealed(self, position: int, seen: int) -> int:
        """Contributions that the public saw at a position and saw no more at another behind it; what has been erased left out."""
        ago, then = self._ago(position), self._ago(seen)
        return sum(
            bool(marks & VISIBLE) and not (then.get(number, self._now[number]) & VISIBLE or self._now[number] & GONE)
            for number, marks in ago.items()
        )

    def concealed_since(self, position: int, seen: int) -> int:
        """Contributions that the public saw at a position and still at another behind it, and that it sees no more now."""
        ago, then = self._ago(position), self._ago(seen)
        return sum(
            bool(marks & then.get(number, self._now[number]) & VISIBLE and not self._now[number] & VISIBLE)
            for number, marks in ago.items()
        )

    def _ago(self, position: int) -> dict[int, int]:
        """How those stood at a position that have changed since: the way back, as far as it is needed."""
        ago: dict[int, int] = {}
        for entry in reversed(range(len(self._positions))):
            if self._positions[entry] <= position:
                break
            ago[self._changed[entry]] = self._before[entry]
        return ago

    def _then(self, ago: dict[int, int], total: int, mark: int) -> int:
        """What a total was before those changed."""
        return total + sum(bool(marks & mark) - bool(self._now[number] & mark) for number, marks in ago.items())

    def _first_change(self, touched: set[int], position: int) -> datetime | None:
        moment = None
        for entry in reversed(range(len(self._positions))):
            if self._positions[entry] <= position:
                break
            if self._changed[entry] in touched:
                moment = self._moments[entry]
        return None if moment is None else datetime.fromtimestamp(moment, UTC)


def _alike(before: State, after: State) -> bool:
    """Whether nothing has changed that a standing depends on."""
    return before is not None and type(before) is type(after) and before.dossier.readings is after.dossier.readings
