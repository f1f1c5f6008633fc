"""Load on a store from several processes, and the proof afterwards that it kept every promise: derived anew from the whole log."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from adapters.postgres.store import PostgresStore
from adapters.store import Entry, Unavailable
from tests.adapters.appending import READY, Attempt, Follower, Saw, told

ROOT: Final = Path(__file__).parents[2]
BOUND_S: Final = 120.0


class Load:
    """Writers and followers in processes of their own, and followers in this one."""

    def __init__(self, url: str, store: PostgresStore) -> None:
        self._url = url
        self._store = store
        self._writing: list[Process] = []
        self._following: list[Process] = []
        self._here: list[tuple[Follower, asyncio.Task[None]]] = []

    async def write(self, name: str, writers: int, seed: int) -> None:
        self._writing.append(await _started("write", self._url, name, str(writers), str(seed)))

    async def follow(self, after: int) -> None:
        self._following.append(await _started("follow", self._url, str(after)))

    def follow_here(self, after: int) -> None:
        follower = Follower(self._store, after)
        self._here.append((follower, asyncio.create_task(follower.run())))

    async def ended(self) -> tuple[list[Attempt], list[Saw]]:
        """What every writer was told, and what every follower saw once it had reached the head of the log."""
        lines = await asyncio.gather(*(_answered(process, b"") for process in self._writing))
        attempts = [msgspec.json.decode(line, type=Attempt) for line in b"".join(lines).splitlines()]
        head = await self._store.head()
        seen = await asyncio.gather(*(_answered(process, str(head).encode()) for process in self._following))
        await self.reached_here(head)
        here = [follower.saw() for follower, _ in self._here]
        return attempts, [*here, *(msgspec.json.decode(line, type=Saw) for line in seen)]

    async def reached_here(self, position: int, bound_s: float = BOUND_S) -> None:
        """Return once every follower of this process has come as far."""

        async def reached() -> bool:
            return all(follower.at >= position for follower, _ in self._here)

        await until(reached, f"followers at {position}", bound_s)

    async def close(self) -> None:
        for _, task in self._here:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._here), return_exceptions=True)
        for process in (*self._writing, *self._following):
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def load(url: str) -> AsyncIterator[tuple[PostgresStore, Load]]:
    """A store to look at, and a load without anybody yet; at the end nobody is left."""
    async with AsyncExitStack() as stack:
        store = await PostgresStore.connect(url)
        stack.push_async_callback(store.close)
        under_way = Load(url, store)
        stack.push_async_callback(under_way.close)
        yield store, under_way


async def _started(*arguments: str) -> Process:
    command = (sys.executable, "-m", "tests.adapters.appending", *arguments)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    if process.stdout is None or await process.stdout.readline() != READY:
        raise RuntimeError(f"{arguments[0]} ended before it was ready")
    return process


async def _answered(process: Process, said: bytes) -> bytes:
    async with asyncio.timeout(BOUND_S):
        answer, _ = await process.communicate(said)
    assert process.returncode == 0
    return answer


async def until(reached: Callable[[], Awaitable[bool]], what: str, bound_s: float = BOUND_S) -> None:
    """Return once something is so, whatever is away meanwhile."""
    deadline = time.monotonic() + bound_s
    while True:
        try:
            if await reached():
                return
        except Unavailable:
            pass
        assert time.monotonic() < deadline, f"{what}: not within {bound_s} s"
        await asyncio.sleep(0.002)


async def head_passes(store: PostgresStore, position: int) -> None:
    async def passed() -> bool:
        return await store.head() > position

    await until(passed, f"position {position + 1}")


class Proof(NamedTuple):
    events: int
    outcomes: Counter[str]
    uncertain_written: int


async def proven(store: PostgresStore, attempts: Sequence[Attempt], seen: Sequence[Saw]) -> Proof:
    """Read the whole log and hold every promise against it."""
    log = [entry async for page in store.pages() for entry in page]
    assert [entry.id for entry in log] == list(range(1, await store.head() + 1)), "positions have gaps"
    assert [entry.recorded_at for entry in log] == sorted(entry.recorded_at for entry in log), "stamps decrease"
    _versions_are_contiguous(log)
    for saw in seen:
        assert saw.positions == list(range(saw.after + 1, len(log) + 1)), f"a follower from {saw.after} missed or repeated events"
        assert saw.digest == told(log[saw.after :]), f"a follower from {saw.after} saw other events than the log holds"
    written = _by_request(log)
    assert set(written) <= {attempt.name for attempt in attempts}, "events that nobody asked for"
    for attempt in attempts:
        _was_told_the_truth(attempt, written.get(attempt.name, []), log)
    uncertain = sum(attempt.outcome == "uncertain" and attempt.name in written for attempt in attempts)
    return Proof(len(log), Counter(attempt.outcome for attempt in attempts), uncertain)


def _versions_are_contiguous(log: Iterable[Entry]) -> None:
    last: defaultdict[UUID | str, int] = defaultdict(int)
    for entry in log:
        assert entry.originator_version == last[entry.originator_id] + 1, (
            f"stream {entry.originator_id} skips or repeats a version"
        )
        last[entry.originator_id] += 1


def _by_request(log: Iterable[Entry]) -> dict[str, list[Entry]]:
    written: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in log:
        written[entry.state.decode()].append(entry)
    return dict(written)


def _was_told_the_truth(attempt: Attempt, written: Sequence[Entry], log: Sequence[Entry]) -> None:
    if attempt.outcome == "refused" or attempt.hopeless:
        assert attempt.outcome != "acknowledged", f"acknowledged against a version that had passed: {attempt}"
        assert not written, f"refused, yet written: {attempt}"
    elif attempt.outcome == "acknowledged":
        assert [entry.id for entry in written] == attempt.positions, f"acknowledged, yet not there: {attempt}"
    if written:
        assert [(entry.originator_id, entry.originator_version) for entry in written] == attempt.places, f"torn: {attempt}"
        assert written[-1].id - written[0].id == len(written) - 1, f"others stand between its events: {attempt}"
        for stream, version in attempt.given.items():
            before = sum(entry.originator_id == stream for entry in log[: written[0].id - 1])
            assert before == version, f"written though {stream} had moved: {attempt}"
