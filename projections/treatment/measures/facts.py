"""The courses of a consultation as columns: what every measure is computed from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Final, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from domain import proposal
from domain.treatment.course import Course
from domain.treatment.ledger import Ledger

Booleans: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

INTERNAL: Final = frozenset({"contact"})
"""Attributes that no public form shows."""
UNDECLARED: Final = "undeclared"
DAY_S: Final = 86_400


@dataclass(frozen=True)
class Attribute:
    """A process attribute: `codes` gives for each contribution the index of its group in `groups`, which are sorted."""

    name: str
    groups: list[str]
    codes: Integers

    def sizes(self, chosen: Booleans) -> Integers:
        """How many of the chosen contributions each group has."""
        return np.bincount(self.codes[chosen], minlength=len(self.groups))


@dataclass(frozen=True)
class Facts:
    """One entry a contribution, in order of arrival."""

    ledger: Ledger
    public: bool
    """Whether everybody may read what is made of them: moments are cut to the day, and nothing is told of fewer than ten."""

    @cached_property
    def courses(self) -> list[Course]:
        return list(self.ledger.courses.values())

    @cached_property
    def streams(self) -> list[UUID]:
        return list(self.ledger.courses)

    @cached_property
    def themes(self) -> Attribute:
        return _attribute("theme", [each.theme for each in self.courses])

    @cached_property
    def attributes(self) -> list[Attribute]:
        """Those that groups are told apart by. Nothing that a person is: only what the process knows of a deposit."""
        told: list[tuple[str, Callable[[Course], str]]] = [
            ("channel", lambda each: each.channel),
            ("week", lambda each: week(each.received)),
            ("language", lambda each: each.language),
            ("actor", lambda each: each.actor or UNDECLARED),
            ("contact", lambda each: "left" if each.contact_left else "none"),
        ]
        simple = [_attribute(name, map(tell, self.courses)) for name, tell in told if not (self.public and name in INTERNAL)]
        return [self.themes, self.quartiles, *simple]

    @cached_property
    def length_bounds(self) -> list[float]:
        """The three lengths, in characters, between the quarters of the contributions present; empty without any."""
        lengths = np.array([each.length for each in self.courses], dtype=np.float64)[self.present]
        return [float(bound) for bound in np.quantile(lengths, (0.25, 0.5, 0.75))] if len(lengths) else []

    @cached_property
    def quartiles(self) -> Attribute:
        lengths = np.array([each.length for each in self.courses], dtype=np.float64)
        quarter = np.searchsorted(np.array(self.length_bounds), lengths, side="left")
        return _attribute("length", [f"q{number + 1}" for number in quarter])

    def told(self, question: Callable[[Course], bool]) -> Booleans:
        return np.fromiter(map(question, self.courses), dtype=np.bool_, count=len(self.courses))

    @cached_property
    def present(self) -> Booleans:
        """Not withdrawn: of what is gone nothing is known but that it was."""
        return self.told(lambda each: not each.withdrawn)

    @cached_property
    def decided(self) -> Booleans:
        return self.told(lambda each: each.decided is not None) & self.present

    @cached_property
    def included(self) -> Booleans:
        return self.told(lambda each: each.included)

    @cached_property
    def linked(self) -> Booleans:
        resting = {stream for stream, _ in self.ledger.resting()}
        return self._among(resting) & self.present

    @cached_property
    def arbitrated(self) -> Booleans:
        return self._among({stream for stream, drawn in self.ledger.resting() if drawn.decided}) & self.present

    @cached_property
    def retained(self) -> Booleans:
        return self._among({stream for stream, drawn in self.ledger.resting() if proposal.retained(drawn.state)}) & self.present

    def _among(self, streams: set[UUID]) -> Booleans:
        return np.fromiter((stream in streams for stream in self.streams), dtype=np.bool_, count=len(self.streams))

    def delays(self, begin: Callable[[Course], datetime | None], end: Callable[[Course], datetime | None]) -> Floats:
        """Seconds, or days where moments are cut to the day, from one step to another; NaN where one of them has not been.

        So it is where a step ended before it began: such a log departs from the rules, which the replay tells, and is measured all the same.
        """
        took = self._moments(end) - self._moments(begin)
        return np.where(took < 0, np.nan, took)

    def _moments(self, of: Callable[[Course], datetime | None]) -> Floats:
        as_number = _ordinal if self.public else datetime.timestamp
        moments = (np.nan if (moment := of(each)) is None else as_number(moment) for each in self.courses)
        return np.fromiter(moments, dtype=np.float64, count=len(self.courses))


def week(moment: datetime) -> str:
    """The ISO week of a moment, as `2026-W37`."""
    year, number, _ = moment.isocalendar()
    return f"{year}-W{number:02}"


def _ordinal(moment: datetime) -> int:
    return date.toordinal(moment.date())


def _attribute(name: str, of_each: Iterable[str]) -> Attribute:
    told = np.array(list(of_each), dtype=object)
    groups, codes = (
        np.unique(told, return_inverse=True) if len(told) else (np.array([], dtype=object), np.array([], dtype=np.int64))
    )
    return Attribute(name, [str(group) for group in groups], codes.astype(np.int64))
