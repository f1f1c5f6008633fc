"""The port of the event store: what every store promises, whether PostgreSQL or memory is behind it.

It speaks the eventsourcing package's StoredEvent, Notification, Tracking and IntegrityError, so that the package's own recorder cases and
tools can be run against it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from eventsourcing.persistence import IntegrityError, InternalError, Notification, OperationalError, StoredEvent

NO_STREAMS: Final[Mapping[UUID, int]] = {}


@dataclass(frozen=True)
class Draft(StoredEvent):
    """An event about to be appended. `originator_version` counts from 1 in each stream."""

    consultation: str = ""
    """Slug of the consultation it belongs to: the second part of its subject on the broker."""
    claim: bytes | None = None
    """A value that no other event may carry: taken, it is a conflict on this event's own stream."""


@dataclass(frozen=True)
class Entry(Notification):
    """An event as the store holds it. `id` is its position: 1, 2, 3 ... without a gap."""

    consultation: str
    recorded_at: datetime
    """Stamped under the counter lock; never decreases with position. Restricted: never shown to the public."""


@dataclass(frozen=True)
class Chosen:
    """Which events a reader wants: those that satisfy every part that is given."""

    consultation: str | None = None
    topics: tuple[str, ...] = ()
    """Empty: all."""


EVERYTHING: Final = Chosen()


class Conflict(IntegrityError):  # noqa: N818 - says what was met
    """A stream is not at the version that the append relied on."""

    def __init__(self, stream: UUID | str) -> None:
        super().__init__(f"stream {stream} has moved")
        self.stream = stream


class Unavailable(OperationalError):  # noqa: N818 - says what the store is
    """The store cannot take the append now: nothing is known to be written unless `uncertain`.

    `uncertain` means that the connection broke while the commit was under way: a caller who needs to know looks the stream up again.
    """

    def __init__(self, reason: str, *, uncertain: bool = False) -> None:
        super().__init__(reason)
        self.uncertain = uncertain


class Rewound(InternalError):  # noqa: N818 - says what was met
    """The log no longer holds what a reader has read of it: it was restored from a backup, or a replica that lacked the end has taken over."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the log has been rewound: it does not hold what was read at position {position}")
        self.position = position


class EventStore(Protocol):
    """Append-only, gap-free, all-or-nothing across streams."""

    async def append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int] = NO_STREAMS) -> list[int]:
        """Write `events` atomically and return their positions, consecutive and in order; durable once it returns. None is nothing to do.

        `given` names streams that must still be at that version (0: no event yet). Raises Conflict when a (stream, version) exists already or
        a given stream has moved, also when it moved through an earlier request of the same batch; DataError for what no store can hold, also
        one claim twice or a precondition without a version; Unavailable when the server is away. A caller who is cancelled takes nothing back.
        """
        ...

    async def stream(
        self, stream: UUID, *, after: int = -1, up_to: int | None = None, limit: int | None = None, latest: bool = False
    ) -> list[Entry]:
        """The events of one stream with `after` < version <= `up_to`, in order of version; with `latest` in the opposite order."""
        ...

    async def streams(self, streams: Collection[UUID]) -> dict[UUID, list[Entry]]:
        """The events of several streams, each in order of version; nothing for a stream that has none."""
        ...

    async def page(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> list[Entry]:
        """At most `limit` of the chosen events with `after` < position <= `up_to`, in order of position."""
        ...

    def pages(
        self, after: int = 0, *, limit: int = 1_000, up_to: int | None = None, chosen: Chosen = EVERYTHING
    ) -> AsyncGenerator[list[Entry], None]:
        """The same, page by page until there is none; each is fetched while its caller works on the one before."""
        ...

    async def head(self) -> int:
        """The last position, 0 in an empty log."""
        ...

    async def position_at(self, moment: datetime) -> int:
        """The last position recorded at or before `moment`, 0 if there is none."""
        ...

    def follow(self, after: int = 0) -> AsyncIterator[list[Entry]]:
        """Every event after a position, in batches, for ever: each once, in order, woken after each commit.

        Raises Rewound once the log is not a continuation of what was read.
        """
        ...

    async def close(self) -> None:
        """Finish what is queued and let go of the connections."""
        ...
