"""Moments of the log as people write them."""

import re
from datetime import UTC, date, datetime, time
from typing import Final

NEITHER: Final = "neither a position of the log, nor a day, nor a time in RFC 3339"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:")


def moment(written: str) -> int | datetime:
    """A position, a time in RFC 3339, UTC where it does not say, or the end of a day, UTC. Raises ValueError, which says what would be one."""
    if written.isascii() and written.isdigit():
        return int(written)
    try:
        return _moment(written)
    except (ValueError, OverflowError):
        raise ValueError(NEITHER) from None


def _moment(written: str) -> datetime:
    if _DAY.fullmatch(written):
        return datetime.combine(date.fromisoformat(written), time.max, UTC)
    if not _TIME.match(written):
        raise ValueError(written)
    when = datetime.fromisoformat(written.upper())
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
