"""Stored bytes become events again: the one way, for every reader of the log."""

from typing import Any
from uuid import UUID

from adapters.store import Entry
from domain.record import CODEC, Recorded


class Unreadable(ValueError):  # noqa: N818 - says what the event is
    """The log holds an event that this release cannot read. Reading on would skip it: the reader stops."""

    def __init__(self, entry: Entry, reason: Exception) -> None:
        super().__init__(f"position {entry.id}: {reason}")
        self.position = entry.id
        self.topic = entry.topic
        self.reason = reason


def event_of(entry: Entry) -> Any:
    """The event in today's shape, whatever the version under which it was stored. Raises Unreadable."""
    try:
        return CODEC.decode(entry.topic, entry.state)
    except ValueError as error:
        raise Unreadable(entry, error) from error


def recorded(entry: Entry) -> Recorded:
    """An entry with its event. Raises Unreadable."""
    return Recorded(
        entry.id,
        stream_of(entry),
        entry.originator_version,
        entry.consultation,
        entry.recorded_at,
        event_of(entry),
        entry.topic,
    )


def stream_of(entry: Entry) -> UUID:
    """The library's streams may be named by texts; those of this store never are."""
    if not isinstance(entry.originator_id, UUID):
        raise TypeError(f"stream {entry.originator_id!r} is no UUID")
    return entry.originator_id
