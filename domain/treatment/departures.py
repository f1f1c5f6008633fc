"""A departure from the rules: what it is, where in the log it stands, and what the log says there."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from domain.errors import TITLES
from domain.record import Recorded

SAID_CHARACTERS: Final = 200
OUT_OF_ORDER: Final = "assignment-out-of-order"

OF_THE_LOG: Final[dict[str, str]] = {
    OUT_OF_ORDER: "the assignment did not take the lowest item that was eligible when the queue was read",
    "charter-not-consented": "the charter named is not the one that the contributor consented to",
    "clock-backwards": "the moment of recording lies before that of the event before",
    "commitment-late": "a commitment was not kept by its due date",
    "coverage-differs": "the coverage is not what the log says at the position at which it was counted",
    "coverage-stale": "the coverage was not counted at the head of the log",
    "decided-otherwise": "the rules lead to another event than the one recorded",
    "delay-differs": "the delay is not as long as the policy says",
    "impossible-history": "the event cannot follow those before it in its stream",
    "lease-differs": "the lease is not as long as the policy says",
    "position-gap": "positions are 1, 2, 3 ... without a gap",
    "removal-unconfirmed": "a removal stood longer than its delay without a second look",
    "seen-ahead": "a fact was read at a position that had not come",
    "version-gap": "the versions of a stream are 1, 2, 3 ... without a gap",
    "wrong-consultation": "the envelope names another consultation than the stream",
}
"""What only a log can show. Any other departure stands under the code, and the title, under which the rules would have refused it."""


class Departure(Struct, frozen=True):
    position: int
    """Of the event that departs; of the removal or the promise that nothing followed in time."""
    rule: str
    """A stable code: of `OF_THE_LOG`, or of a refusal."""
    stream: UUID
    consultation: str
    said: Mapping[str, str | int] = {}
    """What the log says there, and what it should have said."""

    @property
    def title(self) -> str:
        return OF_THE_LOG.get(self.rule) or TITLES[self.rule]


def departs(recorded: Recorded, rule: str, /, **said: object) -> Departure:
    """A departure of this very event; what it says becomes text, but for numbers."""
    told = {name: value if type(value) is int else _text(value) for name, value in said.items()}
    return Departure(recorded.position, rule, recorded.stream, recorded.consultation, told)


def _text(value: object) -> str:
    """In one line, and not a whole text."""
    if isinstance(value, bytes):
        return value.hex()[:SAID_CHARACTERS]
    several = isinstance(value, Iterable) and not isinstance(value, str)
    text = ", ".join(map(_text, value)) if several else str(value)  # type: ignore[call-overload]  # several
    return " ".join(text.split())[:SAID_CHARACTERS]
