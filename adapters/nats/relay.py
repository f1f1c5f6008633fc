"""The relay: every event to JetStream, in order, so that the stream's sequence is the log's position.

Each message states the last sequence that it expects. Two relays, a retry or a restart can therefore neither duplicate nor reorder:
the server refuses the message, and the relay goes on from where the stream itself says it is.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import nats
import structlog
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from adapters.nats.messages import headers, subject, topic_of
from adapters.store import Entry, EventStore, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client
    from nats.js import JetStreamContext

STREAM: Final = "REGISTRE"
WINDOW: Final = 500
"""Messages under way before the relay waits for their acknowledgements."""
RETRY_S: Final = 0.5
ACK_S: Final = 10.0

_log = structlog.get_logger()


class StreamDiffers(RuntimeError):  # noqa: N818 - says what was found
    """The stream holds something that the log does not: publishing on would break the promise that sequence is position."""


def configuration() -> StreamConfig:
    """Kept for ever, in files; nothing can be deleted or purged."""
    return StreamConfig(
        name=STREAM,
        subjects=["registre.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        deny_delete=True,
        deny_purge=True,
        allow_direct=True,
        description="Every event of the log, in order: the sequence is the position.",
    )


class Relay:
    """Publishes the log for ever; whoever runs it has been elected."""

    def __init__(self, store: EventStore, url: str) -> None:
        self._store = store
        self._url = url
        self.published = 0
        """The last sequence acknowledged."""

    async def run(self) -> None:
        """Until cancelled. Goes on by itself when NATS or the store come back. Raises StreamDiffers."""
        while True:
            try:
                async with connected(self._url) as link:
                    await self._publish(link)
            except (NatsError, OSError, TimeoutError, Unavailable) as error:
                _heed_cancellation()
                _log.warning("relay waits", reason=type(error).__name__, published=self.published)
                await asyncio.sleep(RETRY_S)

    async def _publish(self, link: "Link") -> None:
        stream = link.client.jetstream(timeout=ACK_S)
        self.published = await self._resumed(stream)
        _heed_cancellation()
        async for entries in self._store.follow(self.published):
            for start in range(0, len(entries), WINDOW):
                await self._window(link, stream, entries[start : start + WINDOW])
                _heed_cancellation()

    async def _window(self, link: "Link", stream: "JetStreamContext", entries: Sequence[Entry]) -> None:
        """Send a window, then wait for every acknowledgement; one refusal makes the relay ask the stream where it is."""
        sent = [
            await stream.publish_async(subject(entry), entry.state, headers=headers(entry), wait_stall=ACK_S) for entry in entries
        ]
        acknowledged = asyncio.gather(*sent)
        acknowledged.add_done_callback(_seen)
        try:
            awaited: set[asyncio.Future[Any]] = {acknowledged, link.refusal}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED, timeout=ACK_S)
            if link.refusal.done():
                link.refusal.result()
            if not acknowledged.done():
                raise TimeoutError
            for entry, acknowledgement in zip(entries, acknowledged.result(), strict=True):
                if acknowledgement.seq != entry.id:
                    raise StreamDiffers(f"position {entry.id} was stored as sequence {acknowledgement.seq}")
        finally:
            acknowledged.cancel()
        self.published = entries[-1].id

    async def _resumed(self, stream: "JetStreamContext") -> int:
        """Where to go on, as the stream itself says. Raises StreamDiffers when its last message is not the log's event there."""
        try:
            info = await stream.stream_info(STREAM)
        except NotFoundError:
            info = await stream.add_stream(configuration())
        return await _agreed(self._store, stream, info.state.last_seq)


class Link(NamedTuple):
    client: "Client"
    refusal: asyncio.Future[None]
    """Fails when the server refuses a message: nats-py tells that to the connection, and leaves the message's own future pending."""


@asynccontextmanager
async def connected(url: str) -> "AsyncIterator[Link]":
    """A connection that gives up at once when the server is gone: its user starts anew from a known state."""
    refusal: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def told(error: Exception) -> None:
        _log.debug("nats", error=type(error).__name__)
        if isinstance(error, APIError) and not refusal.done():
            refusal.set_exception(error)
            refusal.exception()  # seen, even where nobody waits for it

    client = await nats.connect(url, allow_reconnect=False, connect_timeout=5, max_reconnect_attempts=1, error_cb=told)
    try:
        yield Link(client, refusal)
    finally:
        await client.close()


def _heed_cancellation() -> None:
    """Raise a cancellation that nats-py has swallowed, as it does while it waits for room to publish."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _seen(future: "asyncio.Future[Any]") -> None:
    """Whoever gave up waiting has said why already."""
    if not future.cancelled():
        future.exception()


async def stream_digest(url: str, up_to: int) -> str:
    """SHA-256, in hexadecimal, over sequence, topic and payload of every message up to a sequence, as the stream holds them."""
    digest = sha256()
    async with connected(url) as (client, _):
        stream = client.jetstream(timeout=ACK_S)
        consumer = await stream.subscribe("registre.>", stream=STREAM, ordered_consumer=True)
        for _ in range(up_to):
            message = await consumer.next_msg(timeout=ACK_S)
            digest.update(_line(message.metadata.sequence.stream, topic_of(message.headers or {}), message.data))
        await consumer.unsubscribe()
    return digest.hexdigest()


async def log_digest(store: EventStore, up_to: int) -> str:
    """The same over the log."""
    digest = sha256()
    async with aclosing(store.pages(limit=2_000, up_to=up_to)) as pages:
        async for entries in pages:
            for entry in entries:
                digest.update(_line(entry.id, entry.topic, entry.state))
    return digest.hexdigest()


async def compared(store: EventStore, url: str) -> int:
    """The stream's last sequence, 0 before there is a stream. Raises StreamDiffers when the log does not hold its last message there."""
    async with connected(url) as (client, _):
        stream = client.jetstream(timeout=ACK_S)
        return await _agreed(store, stream, await _last(stream))


async def last_sequence(url: str) -> int:
    """The stream's last sequence, 0 before there is a stream."""
    async with connected(url) as (client, _):
        return await _last(client.jetstream(timeout=ACK_S))


async def _last(stream: "JetStreamContext") -> int:
    try:
        return (await stream.stream_info(STREAM)).state.last_seq
    except NotFoundError:
        return 0


async def _agreed(store: EventStore, stream: "JetStreamContext", last: int) -> int:
    """`last` itself. Raises StreamDiffers unless the stream's message there is the log's event at that position."""
    if last == 0:
        return 0
    entries = await store.page(last - 1, limit=1)
    if not entries:
        raise StreamDiffers(f"the stream ends at {last}, beyond the log: was the database restored from an older backup?")
    try:
        message = await stream.get_msg(STREAM, last)
    except NotFoundError:
        raise StreamDiffers(f"the stream's message {last} has been removed: the stream is not whole any more") from None
    stream_id = (message.headers or {}).get("ce-subject")
    if (message.data, message.subject, stream_id) != (entries[0].state, subject(entries[0]), str(entries[0].originator_id)):
        raise StreamDiffers(f"the stream's message {last} is not the event at that position: it belongs to another log")
    return last


def _line(sequence: int, topic: str, payload: bytes) -> bytes:
    return b"%d\x00%s\x00%d\x00%s" % (sequence, topic.encode(), len(payload), payload)
