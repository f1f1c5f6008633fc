"""Moments of the log as people write them: nothing that means another moment than the one written, and nothing that no clock can hold."""

from datetime import UTC, datetime

import pytest

from service.moments import moment


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("17", 17),
        ("2026-11-25", datetime(2026, 11, 25, 23, 59, 59, 999_999, UTC)),
        ("2026-11-25T10:00:00Z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25t10:00:00z", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25 10:00:00", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("2026-11-25T10:00:00+02:00", datetime(2026, 11, 25, 8, tzinfo=UTC)),
    ],
)
def test_a_position_a_day_or_a_time_is_read(written: str, meant: int | datetime) -> None:
    assert moment(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "", "-1", "1e3", "1_000", "yesterday", "2026-13-01", "2026-W48-3", "2026-11-25x10:00", "2026-11-25_10:00:00Z", "2026-11-25T10",
        "20261125T100000Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-25\n", "\x00",
    ],
)  # fmt: skip
def test_whatever_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its message is for whoever wrote it
        moment(written)
