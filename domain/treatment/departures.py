"""A departure from the rules: what it is, where in the log it stands, and what the log says there."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

Said = Mapping[str, str | int]
"""What the log says at that place, and what it should have said."""

OUT_OF_ORDER: Final = "assignment-out-of-order"


class Departure(Struct, frozen=True):
    position: int
    """Of the event that departs, or that nothing followed in time."""
    rule: str
    """A stable code: one of `titles.TITLES`."""
    stream: UUID
    consultation: str
    said: Said = {}
