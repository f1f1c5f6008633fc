"""Who is let in by the code of a receipt, and what everybody else is told: the same, after the same work, at the same beat.

Ids of contributions that the public sees are public; that another id exists, or did before it was erased, is nobody's business. So an id that
is not there, one of something else, one that was erased, and a code that is wrong or none at all have one answer.

A code has 160 random bits: nobody guesses one, throttled or not. What is limited is the work that wrong codes cause, by contribution and not by
address, since no address is kept. Nobody can lock the author out: a right code is looked at first, and what is throttled are failing answers.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from adapters import receipts
from adapters.records import event_of
from adapters.store import Entry
from domain.contribution import Submitted
from domain.errors import Refused
from service.handler import CONTRIBUTION, Handle
from service.problems import WrongTooOften

BURST: Final = 10
"""Wrong codes for one contribution, in one process, before the service stops looking them up."""
REFILL_S: Final = 6.0
"""Seconds until one more is looked up."""
BEAT_S: Final = 0.05
"""Failing answers leave at a multiple of this after their request arrived: what they cost meanwhile cannot be told from the time they take."""
MOST: Final = 20_000
"""Contributions that are watched at once; beyond it the one longest without a wrong code is let go."""
TOLD_EVERY: Final = 1_000
_NOBODY: Final = bytes(32)
"""In place of the digest of a contribution that is not there."""
_NO_CODE: Final = b"\xff" * 32
"""In place of the digest of what is no code. Neither is the SHA-256 of anything known."""

_log = structlog.get_logger()


class _Bucket(Struct):
    """Wrong codes of late, for one contribution. It is told the time, in seconds of a clock that never goes back."""

    spent: float
    since: float
    held: bytes | None = None
    """The digest of the right code, once it has been looked up: it never changes."""

    def take(self, now: float) -> bool:
        """Whether one more may be looked up, which is then counted."""
        self.spent, self.since = self.left_of(now), now
        taken = self.spent + 1 <= BURST
        self.spent += taken
        return taken

    def left_of(self, now: float) -> float:
        return max(0.0, self.spent - (now - self.since) / REFILL_S)

    def opens(self, digest: bytes) -> bool:
        """Whether this may be the right code, as far as is known without looking it up."""
        return self.held is None or receipts.same(digest, self.held)


class Codes:
    """Compares codes, for one process. Any number of processes may run: each looks up so many wrong ones."""

    def __init__(
        self,
        handle: Handle,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._handle = handle
        self._now = now
        self._pause = pause
        self._buckets: OrderedDict[UUID, _Bucket] = OrderedDict()
        self.let_go: int = 0
        """How often a contribution was no longer watched for want of room, so that more wrong codes are looked up than should be."""

    async def admit(self, stream: UUID, code: str) -> list[Entry]:
        """The events of the contribution that `code` opens.

        Raises Refused("wrong-code") for everything else, WrongTooOften when that was tried too often.
        """
        began, digest = self._now(), _digest(code)
        bucket = self._watched(stream, began)
        taken = bucket.take(began)
        if taken or bucket.opens(digest):
            entries = await self._handle.entries(CONTRIBUTION.name, stream)
            bucket.held = _held(entries)
            if receipts.same(digest, bucket.held):
                self._right(stream, bucket, taken=taken)
                return entries
        await self._pause(-(self._now() - began) % BEAT_S)
        if taken:
            raise Refused("wrong-code")
        raise WrongTooOften(ceil((bucket.left_of(self._now()) + 1 - BURST) * REFILL_S))

    def _watched(self, stream: UUID, now: float) -> _Bucket:
        bucket = self._buckets.get(stream)
        if bucket is None:
            if len(self._buckets) >= MOST:
                self._let_go(now)
            bucket = self._buckets[stream] = _Bucket(0.0, now)
        self._buckets.move_to_end(stream)
        return bucket

    def _let_go(self, now: float) -> None:
        """Fails open: a full table must not stop anybody who has the code, nor grow."""
        _, oldest = self._buckets.popitem(last=False)
        if oldest.left_of(now):
            self.let_go += 1
            if self.let_go % TOLD_EVERY == 1:
                _log.warning("wrong codes for more contributions than are watched", let_go=self.let_go)

    def _right(self, stream: UUID, bucket: _Bucket, *, taken: bool) -> None:
        bucket.spent = max(0.0, bucket.spent - taken)
        if not bucket.spent:
            self._buckets.pop(stream, None)


def _digest(code: str) -> bytes:
    try:
        return receipts.code_digest(code)
    except receipts.MalformedCode:
        return _NO_CODE


def _held(entries: list[Entry]) -> bytes:
    first = event_of(entries[0]) if entries else None
    return first.code_digest if isinstance(first, Submitted) else _NOBODY
