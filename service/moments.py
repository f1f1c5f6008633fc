"""Moments of the log as people write them."""

import re
from datetime import UTC, date, datetime, time
from typing import Final

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:")


def moment(written: str) -> int | datetime:
    """A position, a time in RFC 3339, UTC where it does not say, or the end of a day, UTC. Raises ValueError."""
    if written.isascii() and written.isdigit():
        return int(written)
    if _DAY.fullmatch(written):
        return datetime.combine(date.fromisoformat(written), time.max, UTC)
    if not _TIME.match(written):
        raise ValueError("neither a position, nor a day, nor a time in RFC 3339")
    when = datetime.fromisoformat(written.upper())
    try:
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("a time that no calendar has in UTC") from error
