"""Another process at the store, until its standard input ends; it answers in JSON lines on its standard output.

`python -m tests.adapters.appending write URL NAME WRITERS SEED` prints one Attempt for each request that it made;
`python -m tests.adapters.appending follow URL AFTER` reads the position to reach from its standard input, and prints what it Saw on the way.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

import msgspec
from eventsourcing.persistence import IntegrityError

from adapters.postgres.store import PostgresStore
from adapters.store import Draft, Entry, Unavailable

STREAMS: Final = tuple(UUID(int=number) for number in range(1, 25))
"""Few enough that writers meet."""
READY: Final = b"ready\n"
TOPIC: Final = "noun.happened.v1"
LONGEST_WAIT_S: Final = 0.004
"""Before a request is cancelled: about as long as a commit takes, so that some are cancelled before it, some in it, some after."""
AWAY_S: Final = 0.02

Outcome = Literal["acknowledged", "refused", "uncertain"]


class Attempt(msgspec.Struct):
    """A request and what its writer was told. The state of each of its events is its name, so that the log tells whose they are."""

    name: str
    places: list[tuple[UUID, int]]
    """Stream and version of each event."""
    given: dict[UUID, int]
    hopeless: bool
    """Made to be refused."""
    outcome: Outcome = "uncertain"
    positions: list[int] = []


class Saw(msgspec.Struct):
    after: int
    positions: list[int]
    digest: str
    """SHA-256 of what was read, see `told`."""


class Writer:
    """Makes requests one after the other, some of them sure to be refused, some abandoned while they are written."""

    def __init__(self, store: PostgresStore, name: str, seed: int) -> None:
        self._store = store
        self._name = name
        self._random = random.Random(f"{seed}-{name}")

    async def run(self, stop: asyncio.Event, made: list[Attempt]) -> None:
        while not stop.is_set():
            try:
                attempt = await self._planned(f"{self._name}-{len(made)}")
            except Unavailable:
                await asyncio.sleep(AWAY_S)  # hammering a server that starts would delay it
                continue
            made.append(attempt)
            await self._make(attempt)

    async def _planned(self, name: str) -> Attempt:
        *written, watched = self._random.sample(STREAMS, self._random.choice((2, 2, 2, 3, 4)))
        versions = {stream: await self._version(stream) for stream in (*written, watched)}
        places = [
            (stream, versions[stream] + number) for stream in written for number in range(1, self._random.choice((2, 2, 4)))
        ]
        given = {watched: versions[watched]} if self._random.random() < 0.3 else {}
        stale = self._random.random()
        if stale < 0.1 and versions[written[-1]]:
            places[-1] = (written[-1], versions[written[-1]])
        elif stale < 0.2 and versions[watched]:
            given = {watched: versions[watched] - 1}
        else:
            return Attempt(name, places, given, hopeless=False)
        return Attempt(name, places, given, hopeless=True)

    async def _version(self, stream: UUID) -> int:
        latest = await self._store.stream(stream, limit=1, latest=True)
        return latest[0].originator_version if latest else 0

    async def _make(self, attempt: Attempt) -> None:
        drafts = [Draft(stream, version, TOPIC, attempt.name.encode(), "culture") for stream, version in attempt.places]
        patience_s = self._random.random() * LONGEST_WAIT_S if self._random.random() < 0.15 else None
        try:
            async with asyncio.timeout(patience_s):
                attempt.positions = await self._store.append(drafts, attempt.given)
            attempt.outcome = "acknowledged"
        except IntegrityError:
            attempt.outcome = "refused"
        except Unavailable as error:
            attempt.outcome = "uncertain" if error.uncertain else "refused"
        except TimeoutError:
            attempt.outcome = "uncertain"


class Follower:
    """Follows from a position, and remembers."""

    def __init__(self, store: PostgresStore, after: int) -> None:
        self._store = store
        self._after = after
        self._entries: list[Entry] = []
        self.at = after

    async def run(self) -> None:
        async for entries in self._store.follow(self._after):
            self._entries += entries
            self.at = entries[-1].id

    def saw(self) -> Saw:
        return Saw(self._after, [entry.id for entry in self._entries], told(self._entries))


def told(entries: Sequence[Entry]) -> str:
    """A digest of everything that entries say."""
    facts = [(entry.id, str(entry.originator_id), entry.originator_version, entry.state) for entry in entries]
    return sha256(msgspec.json.encode(facts)).hexdigest()


async def write(url: str, name: str, writers: int, seed: int) -> None:
    store = await PostgresStore.connect(url)
    stop = asyncio.Event()
    made: list[list[Attempt]] = [[] for _ in range(writers)]
    writing = [
        asyncio.create_task(Writer(store, f"{name}-{number}", seed).run(stop, attempts)) for number, attempts in enumerate(made)
    ]
    await _stdin()
    stop.set()
    await asyncio.gather(*writing)
    await store.close()
    for attempts in made:
        sys.stdout.buffer.writelines(msgspec.json.encode(attempt) + b"\n" for attempt in attempts)


async def follow(url: str, after: int) -> None:
    store = await PostgresStore.connect(url, connections=1)
    follower = Follower(store, after)
    following = asyncio.create_task(follower.run())
    head = int(await _stdin())
    while follower.at < head:
        await asyncio.sleep(0.005)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    await store.close()
    sys.stdout.buffer.write(msgspec.json.encode(follower.saw()) + b"\n")


async def _stdin() -> bytes:
    """Everything that the process that started this one has to say."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    return await asyncio.to_thread(sys.stdin.buffer.read)


def main(role: str, url: str, *arguments: str) -> None:
    if role == "write":
        name, writers, seed = arguments
        asyncio.run(write(url, name, int(writers), int(seed)))
    else:
        asyncio.run(follow(url, int(arguments[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
