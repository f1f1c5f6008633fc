"""The two queues of every consultation as the log tells them, and whether each assignment took what was next."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from math import inf
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from domain import consultation
from domain.consultation import ReadingsFinished
from domain.contribution import Contested, Disputed, Present, ReadingAssigned, ReviewAssigned, State, has_read, look, reading_owed
from domain.contribution.states import Gone
from domain.record import Recorded
from domain.treatment.conformity import Verdict, verdicts
from domain.treatment.deciding import decided_at
from domain.treatment.departures import OUT_OF_ORDER, Departure
from domain.treatment.journal import Journal

Kind = Literal["review", "reading"]
_NOBODY: Final[frozenset[str]] = frozenset()


def rank(seed: bytes, round_: int, stream: UUID) -> bytes:
    """The place of a contribution in the order of a round: HMAC-SHA-256(seed, round as 4 bytes, big endian || contribution id)."""
    return hmac.digest(seed, round_.to_bytes(4, "big") + stream.bytes, "sha256")


def revealed(state: consultation.State, event: ReadingsFinished) -> bytes | None:
    """The seed that an event reveals; None where it is not the one whose digest was recorded at opening."""
    recorded = state.adopted.queue_seed_digest if state else b""
    return event.queue_seed if hmac.compare_digest(sha256(event.queue_seed).digest(), recorded) else None


class Checked(Struct, frozen=True):
    """The assignments of one queue of one consultation."""

    consultation: str
    kind: Kind
    checked: int
    unverifiable: int
    """Those whose order rests on a seed that is still sealed."""
    departures: tuple[Departure, ...]
    """In order of position."""


class Conformity(Struct, frozen=True):
    queues: tuple[Checked, ...]

    @property
    def checked(self) -> int:
        return sum(queue.checked for queue in self.queues)

    @property
    def unverifiable(self) -> int:
        return sum(queue.unverifiable for queue in self.queues)

    @property
    def departures(self) -> tuple[Departure, ...]:
        """Of every queue, in order of position."""
        return tuple(sorted((each for queue in self.queues for each in queue.departures), key=lambda each: each.position))


class Queues:
    """Told every event of every contribution in the order of the log; keeps what changes in the queues, and nothing else."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}

    def policy(self, consultation: str, readers: int, lease_s: int) -> None:
        """How many readings a contribution gets, and how long a lease is, by the consultation's policy: said before its contributions arrive."""
        book = self._book(consultation)
        book.readers, book.lease_s = readers, lease_s

    def moved(self, recorded: Recorded, before: State, after: State) -> None:
        """A contribution was moved by an event, from one state to the next as the domain folds them."""
        if after is not None:
            self._book(after.dossier.consultation).moved(recorded, before, after)

    def conformity(self, seeds: Mapping[str, bytes]) -> Conformity:
        """What became of every assignment so far; `seeds` are those revealed, by consultation. Asking changes nothing."""
        books = self._books.items()
        return Conformity(tuple(checked for slug, book in books for checked in book.checked(slug, seeds.get(slug))))

    def _book(self, consultation: str) -> "_Book":
        book = self._books.get(consultation)
        if book is None:
            book = self._books[consultation] = _Book()
        return book


class _Book:
    """The queues of one consultation. Contributions are numbered in order of arrival."""

    def __init__(self) -> None:
        self.readers = 0
        self.lease_s = 0
        self._numbers: dict[UUID, int] = {}
        self._streams: list[UUID] = []
        self._reviews = Journal()
        self._readings = Journal()

    def moved(self, recorded: Recorded, before: State, after: Present | Gone) -> None:
        item = self._numbers.get(recorded.stream)
        if item is None:
            item = self._numbers[recorded.stream] = len(self._streams)
            self._streams.append(recorded.stream)
        event, now = recorded.event, after.dossier
        if isinstance(event, ReviewAssigned):
            self._reviews.take(recorded.position, event.seen, item, event.reviewer, self._moment(recorded, event.expires))
        elif isinstance(event, ReadingAssigned):
            self._readings.take(recorded.position, event.seen, item, event.reader, self._moment(recorded, event.expires))
        # What an event leaves as it was is the same object: most events concern one queue or none.
        was = before.dossier if before is not None and type(before) is type(after) else None
        if was is None or was.review is not now.review or was.took_part is not now.took_part:
            free = look(after) is not None and now.review is None
            # A removal that nobody confirmed in time waits for no look any more, but for the clock to lift it.
            until = after.confirm_by.timestamp() if isinstance(after, Contested | Disputed) else inf
            self._reviews.change(recorded.position, item, int(free), now.took_part, until)
        if was is None or was.leases is not now.leases or was.readings is not now.readings:
            owed = reading_owed(after, self.readers)
            self._readings.change(recorded.position, item, owed or 0, has_read(now) if owed else _NOBODY)

    def _moment(self, recorded: Recorded, expires: datetime) -> float:
        """When something was handed out until `expires`."""
        try:
            return decided_at(recorded.recorded_at, expires, self.lease_s).timestamp()
        except OverflowError:  # a policy that nobody could have adopted
            return recorded.recorded_at.timestamp()

    def checked(self, slug: str, seed: bytes | None) -> tuple[Checked, Checked]:
        arrival = verdicts(self._reviews, lambda item, _: item)
        reviews = self._told(slug, "review", self._reviews, arrival)
        if seed is None:
            return reviews, Checked(slug, "reading", 0, len(self._readings.seen), ())
        drawn = verdicts(self._readings, lambda item, round_: (round_, rank(seed, round_, self._streams[item])))
        return reviews, self._told(slug, "reading", self._readings, drawn)

    def _told(self, slug: str, kind: Kind, journal: Journal, found: Iterable[Verdict]) -> Checked:
        departures = sorted((self._departure(slug, kind, journal, verdict) for verdict in found), key=lambda each: each.position)
        return Checked(slug, kind, len(journal.seen), 0, tuple(departures))

    def _departure(self, slug: str, kind: Kind, journal: Journal, verdict: Verdict) -> Departure:
        said: dict[str, str | int] = {"queue": kind, "holder": journal.holders[verdict.take], "seen": journal.seen[verdict.take]}
        said["why"] = verdict.why
        if verdict.waited is not None:
            said["waited"] = str(self._streams[verdict.waited])
        stream = self._streams[journal.taken[verdict.take]]
        return Departure(journal.taken_at[verdict.take], OUT_OF_ORDER, stream, slug, said)
