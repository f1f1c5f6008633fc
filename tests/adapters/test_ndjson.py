"""Lines of a log become events again, or say where they are malformed."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest

from adapters.ndjson import Malformed, line_of, recorded
from domain.contribution import Kept
from domain.record import Recorded

KEPT: Final = Recorded(7, UUID(int=1), 3, "culture", datetime(2026, 9, 10, 12, tzinfo=UTC), Kept("mona"), "contribution.kept.v1")


def changed(**fields: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(line_of(KEPT)) | fields)


def test_a_line_becomes_the_event_that_it_was() -> None:
    assert recorded(line_of(KEPT), 1) == KEPT


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 4, behind position 6"),
        (b"[]", "line 4, behind position 6"),
        (changed(position=0), "position"),
        (changed(recorded_at="2026-09-10T12:00:00"), "recorded_at"),
        (changed(extra=1), "extra"),
        (changed(topic="contribution.kept.v9"), "line 4, position 7, contribution.kept.v9: unknown topic"),
        (changed(event={}), "line 4, position 7, contribution.kept.v1: Object missing required field `reviewer`"),
    ],
)
def test_a_malformed_line_names_its_place(line: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=r"line 4") as refusal:
        recorded(line, 4, after=6)
    assert said in str(refusal.value)
