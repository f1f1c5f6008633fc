"""Which texts resemble each other: likenesses in the keyring's database, where destroying the keys of a stream takes its likeness along."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from adapters.postgres.pool import create_pool, server_may_be_away
from adapters.postgres.queries import load
from adapters.screening.similarity import NEAR, Likeness, estimated

IN_A_BUCKET: Final = 16
"""Texts that are compared of each bucket: the first to arrive. The thousandth copy of a text is told from the first as well as from all."""
TOLD: Final = 3
"""Texts that a finding is made of: the nearest."""
_SQL: Final = load(Path(__file__).with_name("likenesses.sql"))


class Arrived(Struct, frozen=True):
    """A text that has been deposited, and what is kept of it."""

    stream: UUID
    arrival: int
    """Position of the deposit in the log."""
    likeness: Likeness


class Resembling(Struct, frozen=True):
    """An earlier text that is near."""

    stream: UUID
    similarity: float
    exact: bool


class Likenesses:
    """Every method raises Unavailable when the server is away."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> "AsyncIterator[Likenesses]":
        """On the database of the keyring. Raises Unavailable."""
        pool = await create_pool(url, "registre-likenesses", connections=2)
        try:
            yield cls(pool)
        finally:
            await pool.close()

    async def keep(self, arrived: Sequence[Arrived]) -> None:
        """All of them durably, but those of streams that have been destroyed. Exact, as Keyring.destroy is; harmless when repeated."""
        placed = [(each.stream, bucket) for each in arrived for bucket in each.likeness.buckets]
        columns = (
            [each.stream for each in arrived],
            [each.arrival for each in arrived],
            [each.likeness.digest for each in arrived],
            [each.likeness.signature for each in arrived],
            [stream for stream, _ in placed],
            [bucket for _, bucket in placed],
        )
        async with server_may_be_away():
            await self._pool.execute(_SQL["keep"], *columns)

    async def resembling(self, arrived: Sequence[Arrived]) -> list[list[Resembling]]:
        """Of each text those that arrived before it and are near, at most three, the nearest first; of equal ones the earliest first."""
        asked = [(number, each.arrival, bucket) for number, each in enumerate(arrived) for bucket in each.likeness.buckets]
        async with server_may_be_away():
            rows = await self._pool.fetch(_SQL["alike"], *map(list, zip(*asked, strict=True)), IN_A_BUCKET) if asked else []
        near: defaultdict[int, list[Resembling]] = defaultdict(list)
        for number, _, stream, digest, signature in rows:
            own = arrived[number].likeness
            exact, similarity = digest == own.digest, estimated(signature, own.signature)
            if exact or similarity >= NEAR:
                near[number].append(Resembling(stream, round(similarity, 2), exact))
        return [
            sorted(near[number], key=lambda each: (each.exact, each.similarity), reverse=True)[:TOLD]
            for number in range(len(arrived))
        ]

    async def latest(self) -> int:
        """The position of the last deposit whose likeness is kept, 0 where there is none."""
        async with server_may_be_away():
            return int(await self._pool.fetchval(_SQL["latest"]))
