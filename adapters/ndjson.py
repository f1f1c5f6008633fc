"""The log as auditors take it home: newline-delimited JSON, one event a line, the stored bytes unchanged in their restricted envelope."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from domain.definition import Moment
from domain.record import CODEC, Recorded

LINE_BYTES: Final = 4 * 2**20
"""No line of a log is nearly as long: an event holds at most the body of one request."""
Number = Annotated[int, Meta(ge=1, le=2**62)]


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    position: Number
    stream: UUID
    version: Number
    topic: str
    consultation: str
    recorded_at: Moment
    event: Raw


class Malformed(ValueError):  # noqa: N818 - says what the line is
    """A line is no event of a log, or one that this release does not know. The message names its place."""


_DECODER: Final = msgspec.json.Decoder(Line)
ENCODER: Final = msgspec.json.Encoder()


def recorded(line: bytes, number: int, after: int = 0) -> Recorded:
    """The event of a line; `number` counts lines from 1, `after` is the position of the line before. Raises Malformed."""
    try:
        entry = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"line {number}, behind position {after}: {error}") from error
    try:
        event = CODEC.decode(entry.topic, bytes(entry.event))
    except (ValueError, RecursionError) as error:  # UnknownTopic, or bytes that are not of the topic
        raise Malformed(f"line {number}, position {entry.position}, {entry.topic}: {error}") from error
    return Recorded(entry.position, entry.stream, entry.version, entry.consultation, entry.recorded_at, event, entry.topic)


def line_of(entry: Recorded) -> bytes:
    """The line of an event in today's shape, its line break included."""
    event = Raw(CODEC.encode(entry.event))
    line = Line(entry.position, entry.stream, entry.version, entry.topic, entry.consultation, entry.recorded_at, event)
    return ENCODER.encode(line) + b"\n"
