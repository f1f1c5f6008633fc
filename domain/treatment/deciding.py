"""When something was decided: the log records only when it was appended, and whatever delay begins with the decision."""

from datetime import datetime, timedelta
from typing import Final

GRACE: Final = timedelta(seconds=60)
"""How far the moment of deciding may lie from that of recording: a request is given up after half a minute, and clocks differ a little."""


def decided_at(recorded_at: datetime, due: datetime, length_s: int) -> datetime:
    """The moment from which a delay runs to `due`; that of recording where it cannot be. Raises OverflowError."""
    now = due - timedelta(seconds=length_s)
    return now if abs(now - recorded_at) <= GRACE else recorded_at
