"""Moments of the log as people write them."""

from datetime import UTC, datetime, time


def moment(written: str) -> int | datetime:
    """A position, a time in RFC 3339, or the end of a day, UTC. Raises ValueError."""
    if written.isascii() and written.isdigit():
        return int(written)
    when = datetime.fromisoformat(written)
    if "T" not in written and " " not in written:
        when = datetime.combine(when.date(), time.max)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
