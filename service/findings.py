"""What the doctor makes of what it measures on the log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

GUARDS: Final = 2
"""Triggers that refuse changes to events."""
AHEAD: Final = timedelta(minutes=1)
"""A stamp further in the future than clocks usually differ."""


class Finding(Struct, frozen=True):
    check: str
    ok: bool
    finding: str
    mend: str = ""


def append_only(rights: Mapping[str, bool], guards: int) -> Finding:
    """`rights` that the service's role has over events, by name, and how many triggers refuse changes."""
    if any(rights.values()):
        mend = "connect the service as a role that owns nothing, and run `registre migrate`"
        return Finding("append-only", ok=False, finding=f"too many rights: {dict(rights)}", mend=mend)
    if guards < GUARDS:
        mend = "as the owner: ALTER TABLE registre.events ENABLE TRIGGER ALL; and ask who disabled them, and why"
        return Finding("append-only", ok=False, finding="the triggers that refuse changes to events are not in force", mend=mend)
    return Finding("append-only", ok=True, finding="the service may neither change nor remove events")


def end(counter: int, last: int) -> Finding:
    """The counter that positions are taken from, and the position of the last event."""
    if counter != last:
        said = f"the counter stands at {counter}, but the log ends at {last}"
        return Finding("head", ok=False, finding=said, mend="restore a whole backup: a part of the database was changed by hand")
    return Finding("head", ok=True, finding=f"the log ends at position {last}")


def stamps(shift: timedelta | None, ahead: timedelta, *, moves: bool) -> Finding:
    """The clock of the stamps: its shift from real time, whether it may have one, how far the last stamp is `ahead` of it."""
    if shift and not moves:
        mend = "UPDATE registre.clock SET shift = '0': nobody but a demo moves the clock"
        return Finding("clock", ok=False, finding=f"events are stamped {shift} from real time", mend=mend)
    if ahead > AHEAD:
        said = f"the last event is stamped {ahead} ahead of the clock: until then all that follow carry its time"
        return Finding("clock", ok=False, finding=said, mend="mend the clock of PostgreSQL's machine; stamps never decrease")
    return Finding("clock", ok=True, finding=f"stands {shift} from real time" if shift else "follows real time")
