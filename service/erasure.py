"""Erasures are finished, whatever died meanwhile; what nobody needs is swept away; and a restored keyring forgets again.

Every step may be repeated: it finds done what was done. Read models drop an erased text in the transaction in which they pass its event.
"""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from adapters.records import recorded, stream_of
from adapters.sealing import Sealer
from adapters.store import Chosen, Entry, EventStore
from domain.contribution import Erased
from domain.publication import Prepared
from domain.record import CODEC, Recorded
from projections.publications.withdrawn import exposed, exposing
from service.publications import Publications

PAGE: Final = 2_000
ABANDONED_S: Final = 3_600
"""A bundle that the log does not name after so long was being written by a process that died."""
CONCERNING: Final = CODEC.topics_of(Erased, Prepared)

_log = structlog.get_logger()


async def finish(store: EventStore, sealer: Sealer, publications: Publications, entry: Entry) -> None:
    """What follows from an erasure, or from a bundle prepared while one was recorded. Raises Unavailable."""
    if entry.topic not in CONCERNING:
        return
    happened = recorded(entry)
    match happened.event:
        case Erased():
            await sealer.destroy(happened.stream)
            for each in await exposing(store, happened):
                _remove(publications, each)
        case Prepared():
            await _prepared(store, publications, happened, happened.event)


async def _prepared(store: EventStore, publications: Publications, happened: Recorded, prepared: Prepared) -> None:
    """It heeds erasures up to `seen`: those between `seen` and itself came too late for it, and too early to find it."""
    if await exposed(store, happened.stream, happened.consultation, prepared, happened.position):
        _remove(publications, happened.stream)


def _remove(publications: Publications, stream: UUID) -> None:
    if publications.archive(stream):
        _log.warning("a bundle shows what has been erased, and is served no more: supersede it", publication=stream)
    publications.remove(stream)


async def reconcile(store: EventStore, sealer: Sealer) -> int:
    """Destroy the keys of every stream that the log says is erased, as after a keyring was restored; returns how many keys went.

    Raises Unavailable.
    """
    gone, destroyed = 0, frozenset(await sealer.destroyed_streams())
    async with aclosing(store.pages(limit=PAGE, chosen=Chosen(topics=CODEC.topics_of(Erased)))) as pages:
        async for page in pages:
            for stream in {stream_of(entry) for entry in page} - destroyed:
                gone += await sealer.destroy(stream)
    if gone:
        _log.warning("keys of erased contributions were there again, and are destroyed", keys=gone)
    return gone


async def sweep(store: EventStore, folder: Path) -> list[str]:
    """Remove bundles that a killed process left half written or without their event; returns their names. Raises Unavailable."""
    abandoned = await asyncio.to_thread(_abandoned, folder)
    swept = [path for path in abandoned if path.name.endswith(".new") or not await _named(store, path)]
    for path in swept:
        Publications.discard(path)
    return sorted(path.name for path in swept)


def _abandoned(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.stat().st_mtime < time.time() - ABANDONED_S]


async def _named(store: EventStore, path: Path) -> bool:
    """Whether the log names a bundle; whatever is no bundle is none of ours."""
    try:
        stream = UUID(path.name.removesuffix(".zip"))
    except ValueError:
        return True
    return bool(await store.stream(stream))
