"""Whether processors are scarce: how long this thread has lately been ready to run and had none."""

from pathlib import Path
from typing import Final

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


def _so_far() -> tuple[int, int]:
    try:
        ran, waited, _ = map(int, STATISTICS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 0, 0
    return ran, waited
