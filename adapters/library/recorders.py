"""The package's recorders, each a thin synchronous face of the store."""

from asyncio import CancelledError as AsyncCancelledError
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InterfaceError,
    Notification,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

from adapters.library.connections import Connections
from adapters.postgres.processing import Connection, Snapshots
from adapters.store import NO_STREAMS, Chosen, Draft, Entry

T = TypeVar("T")


class LogAggregateRecorder(AggregateRecorder):
    """Streams of the log, without their positions."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """All or none. `given` maps streams to the versions that they must still be at. Raises IntegrityError, OperationalError."""
        self._insert(stored_events, **kwargs)
        return None

    def _insert(
        self, stored_events: Sequence[StoredEvent], given: Mapping[UUID, int] = NO_STREAMS, **_: Any
    ) -> Sequence[int] | None:
        if not stored_events:
            return None
        return self._connections.call(lambda store: store.append(stored_events, given))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream = UUID(str(originator_id))
        after = -1 if gt is None else gt
        entries = self._connections.call(lambda store: store.stream(stream, after=after, up_to=lte, limit=limit, latest=desc))
        return [_unplaced(entry) for entry in entries]


class SnapshotRecorder(AggregateRecorder):
    """Snapshots, apart from the log: whoever replays it never meets them."""

    def __init__(self, connections: Connections, purpose: str) -> None:
        self._connections = connections
        self._purpose = purpose

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        if stored_events:
            self._connections.call(lambda store: Snapshots(store.pool, self._purpose).insert(stored_events))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        return self._connections.call(
            lambda store: Snapshots(store.pool, self._purpose).select(originator_id, gt, lte, limit, latest=desc)
        )


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """The whole log: a notification's id is its position."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """The positions of the events, consecutive and in order. Raises as LogAggregateRecorder does."""
        return self._insert(stored_events, **kwargs)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = max(0, (start or 0) - (1 if inclusive_of_start else 0))
        chosen = Chosen(topics=tuple(topics))
        return self._connections.call(lambda store: store.page(after, limit=limit, up_to=stop, chosen=chosen))

    def max_notification_id(self) -> int | None:
        return self._connections.call(lambda store: store.head()) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LogSubscription":
        return LogSubscription(self, self._connections, gt, topics)


class LogTrackingRecorder(TrackingRecorder):
    """How far an application has come with the notifications of others."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def insert_tracking(self, tracking: Tracking) -> None:
        self._connections.call(lambda store: self._connections.processing(store).track(tracking))

    def transact(self, tracking: Tracking, effects: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `effects` on a connection and record `tracking`, in one transaction: what a view shows and how far it has come, together.

        Raises IntegrityError for a notification that has been processed: nothing has happened then.
        """
        return self._connections.call(lambda store: self._connections.processing(store).transact(tracking, effects))

    def ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """The answer to a question, asked on a connection to the database."""
        return self._connections.call(lambda store: self._connections.processing(store).ask(question))

    def max_tracking_id(self, application_name: str) -> int | None:
        return self._connections.call(lambda store: self._connections.processing(store).tracked(application_name))


class LogProcessRecorder(LogTrackingRecorder, LogApplicationRecorder, ProcessRecorder):
    """Events together with the notification that they were caused by, both or neither."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As LogApplicationRecorder; IntegrityError also for a `tracking` that has been recorded, or passed.

        ProgrammingError for `tracking` and `given` together: what a process does depends on what it follows, and on nothing else.
        """
        tracking: Tracking | None = kwargs.pop("tracking", None)
        if tracking is None:
            return super().insert_events(stored_events, **kwargs)
        if kwargs.get("given"):
            raise ProgrammingError(
                "events that are recorded together with a tracking depend on no other stream: `given` is refused"
            )
        return self._connections.call(lambda store: self._connections.processing(store).append(stored_events, tracking))


class LogSubscription(Subscription[LogApplicationRecorder]):
    """Every notification after a position, for ever: each once, in order, woken after each commit."""

    def __init__(self, recorder: LogApplicationRecorder, connections: Connections, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._followed = connections.followed(gt or 0)
        self._page: Iterator[Entry] = iter(())
        self._waiting: Future[list[Entry]] | None = None

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            for entry in self._page:
                if not self._topics or entry.topic in self._topics:
                    return entry
            try:
                self._waiting = self._followed.next()
                if self._has_been_stopped:  # by another thread, before it could see what is waited for
                    self._waiting.cancel()
                self._page = iter(self._waiting.result())
            except (CancelledError, AsyncCancelledError, InterfaceError):
                break  # stopped, or the recorders have been closed: the one ends like the other
        raise StopIteration

    def stop(self) -> None:
        super().stop()
        if self._waiting is not None:
            self._waiting.cancel()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._followed.end()


def _unplaced(entry: Entry) -> StoredEvent:
    """Equal to what was inserted: the package's own events belong to no consultation."""
    stored = entry.originator_id, entry.originator_version, entry.topic, entry.state
    return Draft(*stored, entry.consultation) if entry.consultation else StoredEvent(*stored)
