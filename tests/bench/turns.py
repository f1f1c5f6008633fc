"""A store's turn: appending from so many writers at once for some seconds, each sending its next append when the last was answered."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from adapters.postgres.store import PostgresStore
from adapters.store import NO_STREAMS, Conflict, Draft

PAYLOAD: Final = os.urandom(300).hex().encode()
TOPIC: Final = "contribution.submitted.v1"
REPEAT: Final = 10
"""With conflicts, one append of so many repeats the stream of the one before; writers begin at different counts, so that they do not do so at once."""


class Turn(NamedTuple):
    """What one store did with its turn."""

    acknowledged: int
    refused: int
    seconds: float
    latencies: list[float]
    """Of each append that was answered, in seconds."""

    @property
    def per_s(self) -> float:
        """Acknowledged appends a second."""
        return self.acknowledged / self.seconds


async def written(
    store: PostgresStore,
    writers: int,
    seconds: float,
    *,
    conflicts: bool = False,
    streams: int = 1,
    given: dict[UUID, int] | None = None,
) -> Turn:
    """Append from so many tasks, `streams` events of fresh streams at a time."""
    await store.append([fresh(uuid4())])  # connects
    latencies, refused = list[float](), 0
    began = time.perf_counter()
    deadline = began + seconds

    async def write(phase: int) -> None:
        nonlocal refused
        named = [uuid4()]
        for number in count(phase):
            if not (conflicts and number % REPEAT == 0):
                named = [uuid4() for _ in range(streams)]
            sent = time.perf_counter()
            if sent >= deadline:
                return
            try:
                await store.append([fresh(stream) for stream in named], NO_STREAMS if given is None else given)
            except Conflict:
                refused += 1
            latencies.append(time.perf_counter() - sent)

    await asyncio.gather(*(write(phase) for phase in range(writers)))
    return Turn(len(latencies) - refused, refused, time.perf_counter() - began, latencies)


def fresh(stream: UUID) -> Draft:
    """The first event of a stream."""
    return Draft(stream, 1, TOPIC, PAYLOAD, "culture")


def threaded(writers: "list[Callable[[UUID], bool]]", seconds: float, *, conflicts: bool) -> Turn:
    """Append from a thread for each writer, which says whether its append was taken."""
    together = Barrier(len(writers) + 1)
    ends: list[float] = []

    def write(append: Callable[[UUID], bool], phase: int) -> tuple[int, list[float]]:
        latencies, refused, stream = list[float](), 0, uuid4()
        together.wait()
        deadline = time.perf_counter() + seconds
        for number in count(phase):
            if not (conflicts and number % REPEAT == 0):
                stream = uuid4()
            sent = time.perf_counter()
            if sent >= deadline:
                break
            refused += not append(stream)
            latencies.append(time.perf_counter() - sent)
        ends.append(time.perf_counter())
        return refused, latencies

    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(write, append, phase) for phase, append in enumerate(writers)]
        together.wait()
        began = time.perf_counter()
        done = [future.result() for future in running]
    refused = sum(refused for refused, _ in done)
    latencies = [latency for _, some in done for latency in some]
    return Turn(len(latencies) - refused, refused, max(ends) - began, latencies)
