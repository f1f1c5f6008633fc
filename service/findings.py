"""What the doctor makes of what it measures on the log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from adapters.postgres.rewrapping import Standing

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


def wrapping(standing: Standing) -> Finding:
    """Under which key-encryption keys the keyring's keys stand."""
    check = "keyring keys"
    if standing.unknown:
        said = f"cannot be unwrapped, as their key-encryption keys are not configured: {_counted(standing.unknown)}"
        mend = (
            "name them in REGISTRE_KEK_PREVIOUS, or put secrets/kek.key of the data folder back; then `registre keyring rotate`"
        )
        return Finding(check, ok=False, finding=said, mend=mend)
    if standing.retired:
        said = f"nothing can be sealed: the current key-encryption key {standing.current} was retired by a rotation"
        return Finding(check, ok=False, finding=said, mend="name its successor in REGISTRE_KEK or REGISTRE_KEK_FILE")
    rest = f"; under previous ones, until `registre keyring rotate`: {_counted(standing.previous)}" if standing.previous else ""
    return Finding(check, ok=True, finding=f"{standing.keys} under the current key-encryption key {standing.current}{rest}")


def _counted(keys: Mapping[str, int]) -> str:
    return ", ".join(f"{count} under {kek}" for kek, count in sorted(keys.items()))
