"""Group commit: one task takes everything that queued up while the last commit ran, and writes it in one round trip."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from eventsourcing.persistence import DataError, StoredEvent

from adapters.postgres.pool import AWAY, CONNECT_S, connect
from adapters.postgres.queries import load
from adapters.store import Conflict, Unavailable

SQL: Final = load(Path(__file__).with_name("store.sql"))
BATCH_EVENTS: Final = 2_000
QUEUE_EVENTS: Final = 20_000
QUEUE_BYTES: Final = 64 * 1024 * 1024
"""Of states. A request of more would never have a place: it is refused for good, long before its size could break the connection."""
RECONNECT_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_POISON: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    TypeError,
    AttributeError,
)


class Request:
    """What one caller wants appended, and where the answer goes. `outcome` holds positions or a way to make the caller's own error."""

    def __init__(self, events: Sequence[StoredEvent], given: Mapping[UUID, int]) -> None:
        self.events = events
        self.given = given
        self.size_bytes = len(events[0].state) if len(events) == 1 else sum(len(event.state) for event in events)
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def succeed(self, first: int) -> None:
        if not self.done.done():
            self.done.set_result(first)

    def fail(self, error: Exception) -> None:
        """`error` is this request's own: an exception object is never shared between callers."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # a caller who was cancelled never asks: looked at once, it is no defect to be logged


class Appender:
    """One for each process and loop. `run` starts with the first append and ends with `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queue: deque[Request] = deque()
        self._queued_events = 0
        self._queued_bytes = 0
        self._under_way = 0
        self._wake = asyncio.Event()
        self._connection: asyncpg.Connection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def pending(self) -> int:
        """Requests that wait or are under way."""
        return len(self._queue) + self._under_way

    async def append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int]) -> list[int]:
        """Queue and wait. A caller that is cancelled does not take its request back: it is written all the same."""
        if not events:
            return []
        request = Request(events, given)
        if request.size_bytes > QUEUE_BYTES:
            raise DataError(f"the store cannot hold this: {request.size_bytes} bytes in one request")
        if self._closing:
            raise Unavailable("the store is closing")
        if self._queue and (
            self._queued_events + len(events) > QUEUE_EVENTS or self._queued_bytes + request.size_bytes > QUEUE_BYTES
        ):
            raise Unavailable("too much is waiting to be written")
        self._queue.append(request)
        self._queued_events += len(events)
        self._queued_bytes += request.size_bytes
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="appender")
        self._wake.set()
        first = await request.done  # a future of this request alone: cancelling whoever waits for it cancels nothing else
        return list(range(first, first + len(events)))

    async def close(self) -> None:
        """Write what is queued, then end. May be repeated. A closer that is cancelled waits no longer, and takes nothing back."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.shield(self._task)  # its requests are other callers': to cancel it would leave them waiting for ever

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = self._taken()
                self._under_way = len(batch)
                await self._answer(batch)
                self._under_way = 0
            if self._closing:
                await self._let_go()
                return

    def _taken(self) -> list[Request]:
        """The next batch: everything that waits, up to a bound."""
        batch: list[Request] = []
        events = 0
        while self._queue and (not batch or events + len(self._queue[0].events) <= BATCH_EVENTS):
            request = self._queue.popleft()
            self._queued_events -= len(request.events)
            self._queued_bytes -= request.size_bytes
            events += len(request.events)
            batch.append(request)
        return batch

    async def _answer(self, batch: list[Request]) -> None:
        """Write, and answer every request whatever happens: an error that nobody foresaw must not leave later callers waiting for ever."""
        try:
            await self._write(batch)
        except Exception as error:  # noqa: BLE001 - a task that ended would answer nobody any more
            await self._drop()
            for request in batch:
                request.fail(Unavailable(f"the commit failed: {type(error).__name__}", uncertain=True))

    async def _write(self, batch: list[Request]) -> None:
        connection = await self._connected()
        if connection is None:
            for request in batch:
                request.fail(Unavailable("PostgreSQL is away"))
            return
        try:
            rows = await _appended(connection, batch)
        except AWAY as error:
            await self._drop()
            for request in batch:
                request.fail(Unavailable(f"the connection broke during a commit: {type(error).__name__}", uncertain=True))
        except _POISON as error:
            await self._apart(batch, error)
        except asyncpg.PostgresError as error:
            for request in batch:
                request.fail(Unavailable(f"PostgreSQL refused the batch: {type(error).__name__}"))
        else:
            for number, first, moved in rows:
                if first is None:
                    batch[number].fail(Conflict(moved))
                else:
                    batch[number].succeed(first)

    async def _apart(self, batch: list[Request], error: Exception) -> None:
        """One request poisons its batch: halved until it is alone, it fails alone, and many beside it cost a few round trips more."""
        if len(batch) == 1:
            batch[0].fail(DataError(f"the store cannot hold this: {type(error).__name__}"))
            return
        middle = len(batch) // 2
        await self._write(batch[:middle])
        await self._write(batch[middle:])

    async def _connected(self) -> "asyncpg.Connection[Any] | None":
        """The appender's own connection; None when the server stays away for the length of the back-off."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        for pause_s in RECONNECT_S:
            try:
                self._connection = await connect(self._url, "registre-appender")
            except Unavailable:
                await asyncio.sleep(pause_s)
            else:
                return self._connection
        return None

    async def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(*AWAY):  # what was acknowledged stands, whether or not the server hears that this is the end
                await self._connection.close(timeout=CONNECT_S)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def _appended(connection: "asyncpg.Connection[Any]", batch: Sequence[Request]) -> Sequence[Sequence[Any]]:
    """For each request its number, and the position of its first event or else the stream that has moved."""
    match batch:
        case [Request(events=[event], given=given)] if not given:
            first = await connection.fetchval(SQL["append_one"], *_values(event))
            return [(0, first, None if first else event.originator_id)]
    return await connection.fetch(SQL["append_batch"], *_columns(batch))


def _values(event: StoredEvent) -> tuple[Any, ...]:
    """The arguments of append_one."""
    consultation, claim = getattr(event, "consultation", ""), getattr(event, "claim", None)
    return event.originator_id, event.originator_version, event.topic, event.state, consultation, claim


def _columns(batch: Sequence[Request]) -> tuple[list[Any], ...]:
    """The arguments of append_batch: ten arrays. Raises TypeError for a precondition that names nothing: in SQL it would forbid nothing."""
    events = [(number, event) for number, request in enumerate(batch) for event in request.events]
    given = [(number, stream, version) for number, request in enumerate(batch) for stream, version in request.given.items()]
    if any(None in named for named in given):
        raise TypeError("a precondition needs a stream and a version")
    return (
        [number for number, _ in events],
        [event.originator_id for _, event in events],
        [event.originator_version for _, event in events],
        [event.topic for _, event in events],
        [event.state for _, event in events],
        [getattr(event, "consultation", "") for _, event in events],
        [getattr(event, "claim", None) for _, event in events],
        [number for number, _, _ in given],
        [stream for _, stream, _ in given],
        [version for _, _, version in given],
    )
