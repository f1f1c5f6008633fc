"""The stream holds every event once, in order, under its position, whoever publishes and however often."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from adapters.embedded import Servers
from adapters.memory import MemoryStore
from adapters.nats.messages import headers, subject, topic_of
from adapters.nats.relay import STREAM, Relay, StreamDiffers, compared, connected, last_sequence, log_digest, stream_digest
from adapters.store import Draft, Entry
from domain.record import CODEC

SOON_S = 20.0


@pytest.fixture
async def url(servers: Servers) -> str:
    """The server, without a stream."""
    async with connected(servers.nats_url) as (client, _):
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(STREAM)
    return servers.nats_url


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def drafts(count: int, stream: UUID | None = None) -> list[Draft]:
    chosen = stream or uuid4()
    return [Draft(chosen, number, "noun.happened.v1", b'{"number":%d}' % number, "culture") for number in range(1, count + 1)]


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_S):
        while not await look():
            await asyncio.sleep(0.01)


async def relayed(url: str, position: int) -> None:
    async def reached() -> bool:
        return await last_sequence(url) >= position

    await until(reached)


async def test_a_message_is_the_event_at_its_sequence(url: str, store: MemoryStore) -> None:
    stream = uuid4()
    await store.append(drafts(3, stream))

    async with running(Relay(store, url)):
        await relayed(url, 3)
    async with connected(url) as (client, _):
        message = await client.jetstream().get_msg(STREAM, 2)

    assert message.subject == "registre.culture.noun.happened"
    assert message.data == b'{"number":2}'
    headers = message.headers or {}
    assert (headers["ce-id"], headers["ce-type"], headers["ce-subject"]) == ("2", "noun.happened.v1", str(stream))
    assert headers["ce-time"].endswith("T00:00:00Z")


FOREIGN_TOPICS = (
    "kennel:Dog.TrickAdded",
    "kennel.dogs:Dog.TrickAdded",
    "a.b.c.d:E.F",
    "__main__:Dog",
    "chenil:Événement.Ajouté",
    "with * and > and space",
    "100 % sure\r\nNats-Expected-Last-Sequence: 7",
    "..",
    "",
    "x" * 5_000,
)


@pytest.mark.parametrize("consultation", ["", "culture", "one.two *\n"])
async def test_events_of_other_applications_are_relayed_too(url: str, store: MemoryStore, consultation: str) -> None:
    stream = uuid4()
    await store.append(
        [Draft(stream, number, topic, b"state", consultation) for number, topic in enumerate(FOREIGN_TOPICS, start=1)]
    )
    await store.append(drafts(1))
    last = len(FOREIGN_TOPICS) + 1

    async with running(Relay(store, url)):
        await relayed(url, last)

    assert await stream_digest(url, last) == await log_digest(store, last)
    async with connected(url) as (client, _):
        messages = [await client.jetstream().get_msg(STREAM, number) for number in range(1, last)]
    place = {"": "_", "culture": "culture", "one.two *\n": "one%2Etwo%20%2A%0A"}[consultation]
    assert messages[0].subject == f"registre.{place}.library.kennel%3ADog%2ETrickAdded"
    assert all((message.subject or "").startswith(f"registre.{place}.library.") for message in messages)
    assert [topic_of(message.headers or {}) for message in messages] == list(FOREIGN_TOPICS)
    assert {(message.headers or {})["ce-subject"] for message in messages} == {str(stream)}


@settings(deadline=None)
@given(topic=st.text(), consultation=st.text())
def test_every_subject_has_four_parts_that_the_broker_takes(topic: str, consultation: str) -> None:
    entry = Entry(uuid4(), 1, topic, b"", 1, consultation, datetime(2026, 11, 2, tzinfo=UTC))
    parts = subject(entry).split(".")
    assert len(parts) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_~%-]{1,256}", part) for part in parts)
    assert all(value.isascii() and value.isprintable() for value in headers(entry).values())
    assert topic_of(headers(entry)) == topic


@pytest.mark.parametrize("topic", sorted(CODEC.topics))
def test_a_subject_of_our_own_is_noun_and_verb(topic: str) -> None:
    noun, verb, version = topic.split(".")
    entry = Entry(uuid4(), 1, topic, b"", 1, "culture-2", datetime(2026, 11, 2, tzinfo=UTC))
    assert subject(entry) == f"registre.culture-2.{noun}.{verb}"
    assert headers(entry)["ce-type"] == f"{noun}.{verb}.{version}"


async def test_the_stream_equals_the_log_with_two_relays_and_many_writers(url: str, store: MemoryStore) -> None:
    async with running(Relay(store, url), Relay(store, url)):
        await asyncio.gather(*(store.append(drafts(7)) for _ in range(300)))
        await relayed(url, 2_100)

    assert await last_sequence(url) == 2_100
    assert await stream_digest(url, 2_100) == await log_digest(store, 2_100)


async def test_a_relay_goes_on_where_the_stream_is(url: str, store: MemoryStore) -> None:
    await store.append(drafts(5))
    async with running(Relay(store, url)):
        await relayed(url, 5)
    await store.append(drafts(5))
    async with running(Relay(store, url)):
        await relayed(url, 10)

    assert await last_sequence(url) == 10
    assert await stream_digest(url, 10) == await log_digest(store, 10)


async def test_a_relay_interrupted_again_and_again_neither_skips_nor_repeats(url: str, store: MemoryStore) -> None:
    writing = asyncio.create_task(_trickle(store, 1_000))
    while not writing.done():
        async with running(Relay(store, url)):
            await asyncio.sleep(0.02)
    await writing
    async with running(Relay(store, url)):
        await relayed(url, 1_000)

    assert await stream_digest(url, 1_000) == await log_digest(store, 1_000)


async def _trickle(store: MemoryStore, count: int) -> None:
    for _ in range(count // 5):
        await store.append(drafts(5))
        await asyncio.sleep(0.001)


async def test_a_stream_of_another_log_is_not_published_to(url: str, store: MemoryStore) -> None:
    await store.append(drafts(3))
    async with running(Relay(store, url)):
        await relayed(url, 3)
    other = MemoryStore()
    await other.append(drafts(5))

    for looked in (Relay(other, url).run(), compared(other, url)):
        with pytest.raises(StreamDiffers, match="another log"):
            await looked
    assert await compared(store, url) == 3
    assert await last_sequence(url) == 3


async def test_a_stream_that_is_ahead_of_the_log_is_not_published_to(url: str, store: MemoryStore) -> None:
    await store.append(drafts(3))
    async with running(Relay(store, url)):
        await relayed(url, 3)

    with pytest.raises(StreamDiffers, match="older backup"):
        await Relay(MemoryStore(), url).run()


async def test_a_stream_whose_last_message_was_removed_is_not_published_to(url: str, store: MemoryStore) -> None:
    """Somebody made it without our rules, and took something out: to say that the broker is away would be wrong."""
    await store.append(drafts(3))
    async with connected(url) as (client, _):
        await client.jetstream().add_stream(StreamConfig(name=STREAM, subjects=["registre.>"]))
    async with running(Relay(store, url)):
        await relayed(url, 3)
    async with connected(url) as (client, _):
        await client.jetstream().delete_msg(STREAM, 3)

    with pytest.raises(StreamDiffers, match="3 has been removed"):
        await Relay(store, url).run()


async def test_nobody_takes_a_message_out_of_the_stream(url: str, store: MemoryStore) -> None:
    await store.append(drafts(2))
    async with running(Relay(store, url)):
        await relayed(url, 2)

    async with connected(url) as (client, _):
        stream = client.jetstream()
        with pytest.raises(APIError):
            await stream.delete_msg(STREAM, 1)
        with pytest.raises(APIError):
            await stream.purge_stream(STREAM)
    assert await stream_digest(url, 2) == await log_digest(store, 2)
