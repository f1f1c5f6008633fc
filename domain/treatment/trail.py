"""The whole trail, re-derived from the raw events alone: told each event in order, it knows every departure from the rules."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain import consultation
from domain.consultation import (
    Closed,
    CommitmentKept,
    CommitmentMade,
    PoliciesAdopted,
    ReadingsFinished,
    promise,
)  # fmt: skip
from domain.contribution import Contested, Disputed, Gone, Present, State, Submitted
from domain.errors import CorruptHistory
from domain.record import Recorded
from domain.treatment.deciding import GRACE
from domain.treatment.departures import Departure, departs
from domain.treatment.known import Followed, Known
from domain.treatment.queues import Queues, revealed
from domain.treatment.rules import RULES, Scene, mistaken, moments


class Findings(Struct, frozen=True):
    """What a replay found."""

    events: int
    contributions: int
    assignments: int
    """Those whose order was checked."""
    unverifiable: int
    """Those whose order rests on a seed that is still sealed."""
    departures: tuple[Departure, ...]
    """In order of position."""


class Trail:
    """Tolerant: what cannot follow is a departure, and reading goes on with the stream as it was before.

    `whole` says that every event is told from the first on; otherwise positions may leave some out, as those of other consultations.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self.queues = Queues()
        self.latest: datetime | None = None
        """The log's last moment."""
        self._whole = whole
        self._known = Known()
        self._position = 0
        self._events = 0
        self._contributions = 0
        self._found: list[Departure] = []
        self._removals: dict[UUID, tuple[Recorded, datetime]] = {}
        """Those without a second look, each with the moment by which it must be confirmed."""
        self._promises: dict[tuple[str, str], tuple[Recorded, date]] = {}
        """By consultation and commitment: where it was made, and when it is due."""
        self._kept: dict[tuple[str, str], date] = {}
        self._seeds: dict[str, bytes] = {}

    def follow(self, recorded: Recorded) -> None:
        """The next event of the log."""
        self._events += 1
        if recorded.position <= self._position:  # what repeats a position has no place in the order of things
            self._found.append(departs(recorded, "position-gap", after=self._position))
            return
        stream = self._known.followed(recorded)
        self._in_sequence(stream, recorded)
        if found := [*moments(recorded), *mistaken(stream, recorded)]:
            self._found += found
            return
        after, follows = _evolved(stream, recorded)
        scene = Scene(recorded, stream.concept, stream.state, follows, self._known)
        for rule in RULES:
            self._found += rule(scene)
        if follows:
            before, stream.state = stream.state, after
            self._moved(recorded, before, after)

    def departures(self, now: datetime | None = None) -> tuple[Departure, ...]:
        """Every departure so far, in order of position; `now` is the moment at which is asked, the log's last one when nothing is said."""
        return self.findings(now).departures

    def findings(self, now: datetime | None = None) -> Findings:
        """The same beside what was read. Asking changes nothing."""
        conformity = self.queues.conformity(self._seeds)
        moment = now or self.latest
        late = [] if moment is None else [*self._unconfirmed(moment), *self._broken(moment)]
        found = sorted([*self._found, *late, *conformity.departures], key=lambda each: each.position)
        return Findings(self._events, self._contributions, conformity.checked, conformity.unverifiable, tuple(found))

    def _in_sequence(self, stream: Followed, recorded: Recorded) -> None:
        """Positions, versions and moments go on from those before."""
        if self._whole and recorded.position != self._position + 1:
            self._found.append(departs(recorded, "position-gap", after=self._position))
        if recorded.version != stream.version + 1:
            self._found.append(departs(recorded, "version-gap", after=stream.version, found=recorded.version))
        if self.latest is not None and recorded.recorded_at < self.latest:
            self._found.append(departs(recorded, "clock-backwards", after=self.latest, found=recorded.recorded_at))
        self._position, stream.version = recorded.position, recorded.version
        self.latest = max(self.latest or recorded.recorded_at, recorded.recorded_at)

    def _moved(self, recorded: Recorded, before: Any, after: Any) -> None:
        """What later events will be judged by."""
        if isinstance(after, Present | Gone):
            self._contribution(recorded, before, after)
        elif isinstance(after, consultation.Present):
            self._consultation(recorded, after)

    def _contribution(self, recorded: Recorded, before: State, after: Present | Gone) -> None:
        self.queues.moved(recorded, before, after)
        standings = self._known.standings[after.dossier.consultation]
        standings.moved(recorded.position, recorded.recorded_at, recorded.stream, before, after)
        if isinstance(recorded.event, Submitted):
            self._contributions += 1
            self._known.commitments.add(recorded.event.commitment)
        if isinstance(after, Contested):
            self._removals.setdefault(recorded.stream, (recorded, after.confirm_by))
        elif type(before) is not type(after) and not isinstance(after, Disputed) and recorded.stream in self._removals:
            hidden, due = self._removals.pop(recorded.stream)
            if recorded.recorded_at > due + GRACE:
                self._found.append(departs(hidden, "removal-unconfirmed", due=due, ended=recorded.recorded_at))

    def _consultation(self, recorded: Recorded, after: consultation.Present) -> None:
        slug, day = after.adopted.slug, _day(recorded.recorded_at)
        match recorded.event:
            case PoliciesAdopted(readers=readers, lease_s=lease_s):
                self.queues.policy(slug, readers, lease_s)
                self._known.standings[slug].readers = readers
            case CommitmentMade(commitment, _, due):
                self._promises.setdefault((slug, commitment), (recorded, due))
            case CommitmentKept(commitment):
                self._kept.setdefault((slug, commitment), day)
            case Closed():
                self._known.closed_at.setdefault(slug, recorded.position)
            case ReadingsFinished() as finished if seed := revealed(after, finished):
                self._seeds[slug] = seed

    def _unconfirmed(self, now: datetime) -> Iterator[Departure]:
        for hidden, due in self._removals.values():
            if now > due + GRACE:
                yield departs(hidden, "removal-unconfirmed", due=due)

    def _broken(self, now: datetime) -> Iterator[Departure]:
        for promised, (made, due) in self._promises.items():
            kept_on = self._kept.get(promised)
            how = promise(due, kept_on, _day(now))
            if how in {"late", "kept-late"}:
                yield departs(made, "commitment-late", commitment=promised[1], due=due, how=how, kept=kept_on or "")


def _evolved(stream: Followed, recorded: Recorded) -> tuple[Any, bool]:
    """The state after an event, and whether there is one."""
    try:
        return stream.concept.evolve(stream.state, recorded.event), True
    except (CorruptHistory, KeyError):  # a theme that was never added
        return None, False


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
