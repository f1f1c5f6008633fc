"""One deal at a time at each queue: whoever asks while one is under way is served by the next, all of them together, in the order in which they asked.

What a deal asks of the database it asks for all of them at once, and its assignments are appended all or none: their positions follow the
queue, and fifty who ask cost little more than one.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from asyncpg import Pool

from adapters.postgres.pool import server_may_be_away
from adapters.postgres.queries import load
from adapters.records import Unreadable
from adapters.store import Conflict, Unavailable
from domain import consultation
from domain.contribution import Present
from domain.errors import Refused
from projections.pages import Database
from projections.treatment.views import Held, Line
from service.choosing import AHEAD, Choice, Chooser, Queue, State
from service.clock import Clock
from service.handler import ATTEMPTS, CONTRIBUTION, Handle, Loaded
from service.problems import Behind, Contended, Failure

SQL: Final = load(Path(__file__).with_name("turns.sql"))
SPARE: Final = 256
"""Places read beyond those dealt since the read model's position: they last until it moves, or for so many who ask."""


class Dealt(NamedTuple):
    taken: Held | None
    seen: int
    """The position at which the queue was read."""


class Dealer:
    """Of one queue of one consultation, in this process."""

    def __init__(self, handle: Handle, pool: Pool, clock: Clock, slug: str, queue: Queue) -> None:
        self._handle = handle
        self._pool = pool
        self._clock = clock
        self._slug = slug
        self._queue = queue
        self._waiting: dict[str, list[asyncio.Future[Dealt]]] = {}
        self._dealing: asyncio.Task[None] | None = None
        self._line = Line(0, {}, whole=False)
        self._recent: dict[UUID, int] = {}
        """What this process has dealt at positions that the read model does not show yet."""

    async def take(self, holder: str) -> Dealt:
        """What the holder has under way, or the first that they may be handed. Raises Refused, Unavailable, Contended, Behind."""
        asked: asyncio.Future[Dealt] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holder, []).append(asked)
        if self._dealing is None or self._dealing.done():
            self._dealing = asyncio.create_task(self._run(), name=f"dealing {self._queue.kind} {self._slug}")
        return await asked

    async def _run(self) -> None:
        while self._waiting:
            served, self._waiting = self._waiting, {}
            try:
                async with server_may_be_away():
                    taken = await self._deal(list(served))
            except Exception as error:  # noqa: BLE001 - whatever happened belongs to those who asked, and the next deal must be tried
                for asked in (each for several in served.values() for each in several if not each.done()):
                    asked.set_exception(_own(error))
                    asked.exception()  # whoever was cancelled never looks: it is no defect to be logged
            else:
                for holder, several in served.items():
                    for asked in (each for each in several if not each.done()):
                        asked.set_result(Dealt(taken.get(holder), self._line.seen))

    async def _deal(self, holders: Sequence[str]) -> dict[str, Held]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["begin"], self._slug, self._queue.kind)
            taken = await self._under_way(connection, holders)
            if idle := [holder for holder in holders if holder not in taken]:
                chosen = await self._assigned(connection, idle)
                turns = [(each.holder, each.taken.assignment, each.taken.contribution) for each in chosen]
                if turns:
                    await connection.execute(SQL["take"], self._slug, self._queue.kind, *map(list, zip(*turns, strict=True)))
                taken |= {each.holder: each.taken for each in chosen}
            return taken

    async def _under_way(self, connection: Database, holders: Sequence[str]) -> dict[str, Held]:
        """What they have neither decided on nor let expire, as the log says: what they took last, and what the read model shows, which lags."""
        rows = await connection.fetch(SQL["last"], self._slug, self._queue.kind, holders)
        claims = [(holder, Held(*taken)) for holder, *taken in rows]
        claims += await self._queue.held(connection, self._slug, holders)
        loaded = await self._handle.load_all(CONTRIBUTION, {held.contribution for _, held in claims})
        taken: dict[str, Held] = {}
        for holder, held in claims:
            if holder not in taken and self._holds(loaded, holder, held):
                taken[holder] = held
        return taken

    def _holds(self, loaded: Mapping[UUID, Loaded[State]], holder: str, held: Held) -> bool:
        state = loaded[held.contribution].state if held.contribution in loaded else None
        lease = self._queue.lease(state, held.assignment) if isinstance(state, Present) else None
        return lease is not None and lease.holder == holder and lease.expires > self._clock.now()

    async def _assigned(self, connection: Database, holders: Sequence[str]) -> list[Choice]:
        """An item for each who can have one. Where somebody else has moved one of them, all are chosen anew on what is there now."""
        state, _ = await self._handle.terms_of(self._slug)
        for _ in range(ATTEMPTS):
            chooser = Chooser(self._handle, self._queue, consultation.policies(state), self._clock.now(), len(holders))
            chosen = await self._chosen(connection, chooser, holders)
            acts = [(each.taken.contribution, each.version, each.events) for each in chosen]
            try:
                positions = await self._handle.together(self._slug, acts)
            except Conflict:
                continue
            self._recent |= {stream: at for (stream, *_), at in zip(acts, positions, strict=True)}
            self._line = self._without(chooser.closed)
            return chosen
        raise Contended

    async def _chosen(self, connection: Database, chooser: Chooser, holders: Sequence[str]) -> list[Choice]:
        await self._read(connection, len(holders))
        chosen: dict[UUID, Choice] = {}
        gone = self._dealt_since(self._line)
        for holder in holders:
            line, used, limit = self._line, gone | chosen.keys(), SPARE
            while (choice := await chooser.first(line, holder, used)) is None and not line.whole:
                limit = 2 * limit + len(used) + len(chooser.closed)
                line = await self._queue.line_for(connection, self._slug, holder, limit)
                used = self._dealt_since(line) | chosen.keys()
            if choice:
                chosen[choice.taken.contribution] = choice
        return list(chosen.values())

    def _dealt_since(self, line: Line) -> set[UUID]:
        return {stream for stream, at in self._recent.items() if at > line.seen}

    async def _read(self, connection: Database, wanted: int) -> None:
        """Have a line as the read model shows it now, long enough for so many."""
        seen = int(await connection.fetchval(SQL["seen"]) or 0)
        self._line = self._without(self._recent)
        if seen != self._line.seen or not (self._line.whole or len(self._line.places) >= wanted + AHEAD):
            self._line = await self._queue.line(connection, self._slug, SPARE + wanted + len(self._recent))
            self._recent = {stream: at for stream, at in self._recent.items() if at > self._line.seen}

    def _without(self, gone: Collection[UUID]) -> Line:
        return self._line._replace(places={stream: place for stream, place in self._line.places.items() if stream not in gone})


def _own(error: Exception) -> Exception:
    """The same for one of several callers: an exception object is never shared between them."""
    match error:
        case Unavailable():
            return Unavailable(str(error), uncertain=error.uncertain)
        case Failure():
            return type(error)(error.detail, **error.details)
        case Refused():
            return Refused(error.code, **error.details)
        case asyncpg.UndefinedTableError():
            return Behind("the worker is building it")
        case Unreadable():
            return Behind(f"this release cannot read position {error.position} of the log")
    fresh = RuntimeError("the deal failed")
    fresh.__cause__ = error
    return fresh
