"""Whether processors are scarce, and who goes first then.

Scarce is told by how long this thread has lately been ready to run and had no processor.
"""

from pathlib import Path
from typing import Final

GATHER_S: Final = 0.05
"""A follower that has caught up lets the next events gather: many in one batch cost little more than one."""
MANY: Final = 100
"""Events gathered meanwhile that tell a peak from everyday traffic, of which nothing is ever held up."""
SCARCE: Final = 0.05
"""Share of its time that a follower waits for a processor, beyond which it lets writers go first."""
STEP_S: Final = 1.0
LONGEST_S: Final = 30.0
"""In a row it lets them go first for so long, then works through: a peak that does not end must not leave readers behind for ever."""

STATISTICS: Final = Path("/proc/self/schedstat")
"""Nanoseconds on a processor, nanoseconds waiting for one, turns. Linux only, and of the main thread."""


class Scarcity:
    """Looks at the time since it was last asked."""

    def __init__(self) -> None:
        self._ran, self._waited = _so_far()

    def share(self) -> float:
        """Of the time in which there was something to do, the part spent waiting: 0 on an idle machine, and where nobody can tell."""
        ran, waited = _so_far()
        since = (ran - self._ran) + (waited - self._waited)
        share = (waited - self._waited) / since if since else 0.0
        self._ran, self._waited = ran, waited
        return share


class Pace:
    """How long a follower rests after each page."""

    def __init__(self, full_page: int, *, stands_back: bool) -> None:
        self._full_page = full_page
        self._stands_back = stands_back
        self._scarcity = Scarcity()
        self._stood_s = 0.0

    def pause_s(self, events: int) -> float:
        """Seconds of rest after a page of so many events."""
        scarce = self._stands_back and self._scarcity.share() > SCARCE
        if scarce and events >= MANY and self._stood_s < LONGEST_S:
            self._stood_s += STEP_S
            return STEP_S
        if events == self._full_page:
            return 0.0
        self._stood_s = 0.0
        return GATHER_S


def _so_far() -> tuple[int, int]:
    try:
        ran, waited, _ = map(int, STATISTICS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 0, 0
    return ran, waited
