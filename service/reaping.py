"""Once a day the keyring is compared with the log, and keys that no event needs are removed."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

import structlog

from adapters.postgres.reaping import OldKeys
from adapters.records import event_of
from adapters.store import EventStore
from domain.record import erased_stream, sealed_in

ORPHAN_S: Final = 24 * 3_600.0
"""Keys are written before the event that needs them: one so old without an event will never have one."""
EVERY_S: Final = 24 * 3_600.0

_log = structlog.get_logger()


class Reaping:
    """Elected by its caller; two at once would do no harm."""

    def __init__(self, store: EventStore, keyring_url: str) -> None:
        self._store = store
        self._keyring_url = keyring_url

    async def run(self) -> None:
        """Until cancelled. Raises Unavailable."""
        while True:
            await reap(self._store, self._keyring_url)
            await asyncio.sleep(EVERY_S)


async def reap(store: EventStore, keyring_url: str, age_s: float = ORPHAN_S) -> int:
    """Remove keys older than `age_s` that no event of the log names; returns how many went.

    The log must be whole: under one restored from an earlier backup, the keys of what it lost are orphans too. Raises Unavailable.
    """
    reaped = 0
    async with OldKeys.connected(keyring_url, age_s) as keys, aclosing(keys.pages()) as pages:
        async for page in pages:
            if orphans := await _orphans(store, page):
                reaped += await keys.remove(orphans)
    if reaped:
        _log.info("keys that no event needs are removed", keys=reaped)
    return reaped


async def _orphans(store: EventStore, page: Sequence[tuple[UUID, UUID]]) -> list[UUID]:
    """Those of the keys that no event of their streams holds; the reason of an erasure stands in the stream of its contribution."""
    streams = {erased_stream(stream) or stream for _, stream in page}
    found = await store.streams(streams)
    needed = {sealed.key for entries in found.values() for entry in entries if (sealed := sealed_in(event_of(entry)))}
    return [key for key, _ in page if key not in needed]
