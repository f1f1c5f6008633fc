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
FAR: Final = 2_000
"""Events that a follower may be behind and still let writers go first: readers lag a little through a peak, and never for ever."""

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

    def __init__(self, *, stands_back: bool) -> None:
        self._stands_back = stands_back
        self._scarcity = Scarcity()

    def pause_s(self, events: int, behind: int) -> float:
        """Seconds of rest after a page of so many events, with so many still to come."""
        scarce = self._stands_back and self._scarcity.share() > SCARCE
        if scarce and events >= MANY and behind <= FAR:
            return STEP_S
        return 0.0 if behind else GATHER_S


def _so_far() -> tuple[int, int]:
    try:
        ran, waited, _ = map(int, STATISTICS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 0, 0
    return ran, waited
