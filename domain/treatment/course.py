"""The course of one contribution through the consultation, as its events tell it: what the measures of equal treatment count.

A course is moved in place: a hundred thousand of them are folded from a log of a million events.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from domain import contribution
from domain.contribution import (
    Appealed,
    AppealSettled,
    Coded,
    Hidden,
    HidingConfirmed,
    HidingDisputed,
    Kept,
    Reinstated,
    Submitted,
)  # fmt: skip

Look = Literal["agrees", "disagrees"]


class Removal(Struct, gc=False):
    """A removal and what became of it. A contribution is hidden at most once: reinstated, it is cleared for good."""

    by: str
    at: datetime
    second: Look | None = None
    """What the second look said of the removal; a third follows when it disagrees."""
    third: Look | None = None
    concluded: datetime | None = None
    """Confirmed, or lifted by a third look or by the passing of its delay."""
    lifted: bool = False
    """Nobody confirmed it in time."""
    appealed: datetime | None = None
    appeal_settled: datetime | None = None
    granted: bool = False

    @property
    def overturned(self) -> bool:
        """Whether a later look or the appeal decided against it."""
        return self.third == "disagrees" or self.granted


class Course(Struct):
    position: int
    """Of its deposit in the log: the order of arrival."""
    received: datetime
    theme: str
    channel: str
    actor: str
    language: str
    length: int
    contact_left: bool
    decided: datetime | None = None
    """Its first look."""
    removal: Removal | None = None
    settled: datetime | None = None
    """Moderation had nothing left to do, for the first time."""
    read: datetime | None = None
    """Its first reading."""
    read_enough: datetime | None = None
    """Every reading that the policy asks for."""
    linked: datetime | None = None
    """A proposal came to rest on it, for the first time."""
    accounted: int | None = None
    """The position from which on the public sees it, or the reason why not."""
    arbitrated: datetime | None = None
    """The first decision on a proposal that rests on it."""
    state: contribution.Present | contribution.Gone | None = None
    """As the rules fold it."""

    @property
    def withdrawn(self) -> bool:
        return isinstance(self.state, contribution.Gone)

    @property
    def codings(self) -> list[tuple[str, ...]]:
        """The codes of each reading, in order; the latest where a reader has coded anew."""
        return [reading.codes for reading in self.state.dossier.readings] if self.state else []

    @property
    def hidden(self) -> bool:
        return self.removal is not None

    @property
    def excluded(self) -> bool:
        """Moderation has settled that it is not analysed."""
        return contribution.settled(self.state) and not contribution.analysed(self.state)

    @property
    def included(self) -> bool:
        """Moderation has settled, and it is analysed."""
        return contribution.settled(self.state) and contribution.analysed(self.state)


def begun(position: int, at: datetime, event: Submitted) -> Course:
    return Course(
        position, at, event.theme, event.channel, event.actor, event.language, event.length, event.contact_left,
        accounted=None if event.held else position, state=contribution.evolve(None, event),
    )  # fmt: skip


def moved(course: Course, position: int, at: datetime, event: contribution.Event, readers: int) -> None:
    """Move a course by an event, of which the policy asks `readers` readings. Raises CorruptHistory."""
    course.state = contribution.evolve(course.state, event)
    if step := _STEPS.get(type(event)):
        step(course, at, event)
    if course.accounted is None and course.decided is not None:
        course.accounted = position
    if course.settled is None and contribution.settled(course.state):
        course.settled = at
    if course.read_enough is None and course.read is not None and contribution.read_enough(course.state, readers):
        course.read_enough = at


def _kept(course: Course, at: datetime, _: Kept) -> None:
    course.decided = at


def _hidden(course: Course, at: datetime, event: Hidden) -> None:
    course.decided = at
    course.removal = Removal(event.reviewer, at)


def _confirmed(course: Course, at: datetime, _: HidingConfirmed) -> None:
    removal = _removal(course)
    if removal.second is None:
        removal.second = "agrees"
    else:
        removal.third = "agrees"
    removal.concluded = at


def _disputed(course: Course, _: datetime, __: HidingDisputed) -> None:
    _removal(course).second = "disagrees"


def _reinstated(course: Course, at: datetime, event: Reinstated) -> None:
    removal = _removal(course)
    removal.concluded = at
    if event.cause == "unconfirmed":
        removal.lifted = True
    else:
        removal.third = "disagrees"


def _appealed(course: Course, at: datetime, _: Appealed) -> None:
    _removal(course).appealed = at


def _appeal_settled(course: Course, at: datetime, event: AppealSettled) -> None:
    removal = _removal(course)
    removal.appeal_settled, removal.granted = at, event.granted


def _coded(course: Course, at: datetime, _: Coded) -> None:
    if course.read is None:
        course.read = at


def _removal(course: Course) -> Removal:
    """The rules have folded the event already: there is a removal."""
    if course.removal is None:
        raise LookupError("an event about a removal where there was none")
    return course.removal


_STEPS: Final[dict[type, Callable[[Course, datetime, Any], None]]] = {
    Kept: _kept, Hidden: _hidden, HidingConfirmed: _confirmed, HidingDisputed: _disputed, Reinstated: _reinstated,
    Appealed: _appealed, AppealSettled: _appeal_settled, Coded: _coded,
}  # fmt: skip
