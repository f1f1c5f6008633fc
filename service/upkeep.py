"""Rebuild, replay, examine."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
from msgspec import Struct

from adapters.embedded import EmbeddedError
from adapters.embedded.folder import refuse_exposed
from adapters.nats.relay import StreamDiffers, compared
from adapters.postgres.keyring import MIGRATIONS as KEYRING
from adapters.postgres.keyring import PostgresKeyring
from adapters.postgres.migrate import LOG, MigrationRefused, pending
from adapters.postgres.pool import create_pool, server_may_be_away
from adapters.postgres.queries import load
from adapters.postgres.rewrapping import Rewrapping
from adapters.postgres.store import PostgresStore
from adapters.sealing import KeyringSealer, Sealer
from adapters.store import Unavailable
from projections import building
from projections.runner import TRACKING
from service import erasure, reaping
from service.findings import Finding, append_only, end, stamps, wrapping
from service.flags import SCREENING
from service.located import Located, NotRunning, locate
from service.settings import Settings

SQL: Final = load(Path(__file__).with_name("upkeep.sql"))
LAG: Final = 1_000
"""Events that a follower may be behind before it is said to be."""
FREE_BYTES: Final = 1024**3
STILL_S: Final = 2.0
"""A follower that is behind and has not moved for so long stands still."""


class Opened(Struct, frozen=True):
    """What the commands work on: the databases, without the rest of the service."""

    store: PostgresStore
    pool: "asyncpg.Pool[Any]"
    sealer: Sealer


@asynccontextmanager
async def opened(located: Located) -> AsyncIterator[Opened]:
    store = await PostgresStore.connect(located.database_url, connections=2)
    pool = await create_pool(located.database_url, "registre-upkeep", connections=4, search_path=building.SEARCH_PATH)
    sealer = KeyringSealer(await PostgresKeyring.connect(located.keyring_url, located.keks))
    try:
        yield Opened(store, pool, sealer)
    finally:
        await sealer.close()
        await pool.close()
        await store.close()


async def rebuild(settings: Settings, name: str, progress: building.Progress) -> int:
    """Build a read model anew and swap it in; returns its position."""
    async with opened(locate(settings)) as on:
        return await building.rebuild(on.store, on.pool, building.projections(on.sealer)[name], progress)


async def reconcile(located: Located) -> int:
    """Destroy again the keys of what the log says is erased, which a restored keyring holds; returns how many went. Raises Unavailable."""
    async with opened(located) as on:
        return await erasure.reconcile(on.store, on.sealer)


async def reap(located: Located) -> int:
    """Remove old keys that no event needs; returns how many went. Raises Unavailable."""
    async with opened(located) as on:
        return await reaping.reap(on.store, located.keyring_url)


async def replay(settings: Settings, name: str, until: int | datetime, progress: building.Progress) -> dict[str, list[object]]:
    """The rows of a read model as it was at a position or a moment. Raises ValueError for a position beyond the log."""
    async with opened(locate(settings)) as on:
        head = await on.store.head()
        position = until if isinstance(until, int) else await on.store.position_at(until)
        if position > head:
            raise ValueError(f"the log ends at {head}: there is no position {position}")
        async with building.replayed(on.store, on.pool, building.projections(on.sealer)[name], position, progress) as schema:
            return await building.dump(on.pool, schema)


async def examine(settings: Settings) -> list[Finding]:
    """Every check in order; those that need a database that is away are left out."""
    data = settings.data.expanduser().resolve()
    findings = [_folder(data), _space(data)]
    try:
        located = locate(settings)
    except (NotRunning, EmbeddedError) as error:
        return [*findings, Finding("service", ok=False, finding=str(error), mend=f"registre serve --data {data}")]
    findings += await _migrations(located)
    if any(not each.ok for each in findings if each.check.startswith(("database", "keyring"))):
        return findings
    try:
        async with Rewrapping.connected(located.keyring_url, located.keks) as rewrapping:
            findings.append(wrapping(await rewrapping.standing()))
        async with opened(located) as on:
            findings += await _log(on, settings)
            findings.append(await _relay(on, located))
            findings += await _followers(on)
    except Unavailable as error:
        findings.append(Finding("database", ok=False, finding=str(error), mend="start PostgreSQL, or mend REGISTRE_DATABASE_URL"))
    return findings


def _folder(data: Path) -> Finding:
    try:
        refuse_exposed(data)
    except FileNotFoundError:
        return Finding("folder", ok=True, finding=f"{data} does not exist yet")
    except EmbeddedError as error:
        return Finding("folder", ok=False, finding=str(error), mend=f"chmod 700 {data}")
    return Finding("folder", ok=True, finding=f"{data} is closed to others")


def _space(data: Path) -> Finding:
    place = next(each for each in (data, *data.parents) if each.exists())
    free = shutil.disk_usage(place).free
    said = f"{free // 1024**2} MiB are free on the disk of {data}"
    return Finding("space", ok=free >= FREE_BYTES, finding=said, mend="make room: a full disk stops the log")


async def _migrations(located: Located) -> list[Finding]:
    found: list[Finding] = []
    for name, url, folder in (("database", located.migration_url, LOG), ("keyring", located.keyring_url, KEYRING)):
        try:
            missing = await pending(url, folder)
        except Unavailable as error:
            found.append(
                Finding(f"{name} reachable", ok=False, finding=str(error), mend=f"start PostgreSQL, or mend the {name}'s URL")
            )
        except MigrationRefused as error:
            found.append(Finding(f"{name} migrations", ok=False, finding=str(error), mend="run the release that migrated it"))
        else:
            said = f"missing: {', '.join(missing)}" if missing else "all applied, none changed"
            found.append(Finding(f"{name} migrations", ok=not missing, finding=said, mend="registre migrate"))
    return found


async def _log(on: Opened, settings: Settings) -> list[Finding]:
    async with server_may_be_away():
        rights = dict(await on.pool.fetchrow(SQL["rights"]) or {})
        guards = await on.pool.fetchval(SQL["guards"])
        ((counter, last, ahead),) = await on.pool.fetch(SQL["ends"])
        shift = await on.pool.fetchval(SQL["shift"])
    return [
        append_only(rights, guards),
        end(counter, last),
        stamps(shift, ahead, moves=settings.clock_moves),
    ]


async def _relay(on: Opened, located: Located) -> Finding:
    """The stream's end is compared with the log: one that runs beside it must not pass for one that keeps up."""
    head = await on.store.head()
    try:
        relayed = await compared(on.store, located.nats_url)
    except StreamDiffers as error:
        mend = "restore a later backup of the log; else delete the stream REGISTRE: it is written anew, and consumers begin again"
        return Finding("relay", ok=False, finding=str(error), mend=mend)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the client raises many kinds; each means that NATS cannot be used
        return Finding("nats", ok=False, finding=f"{type(error).__name__} {error}", mend="start NATS, or mend REGISTRE_NATS_URL")
    behind = max(head - relayed, 0)
    return Finding("relay", ok=behind <= LAG, finding=f"{behind} events behind", mend="start `registre work`; read its log")


async def _followers(on: Opened) -> list[Finding]:
    """A follower that is behind and does not move is dead, however little it lacks."""
    names = {name: f"read model {name}" for name in building.NAMES} | {SCREENING: SCREENING}
    before = {name: await _reached(on, name) for name in names}
    head = await on.store.head()
    if min(before.values()) < head:
        await asyncio.sleep(STILL_S)
    found: list[Finding] = []
    for name, check in names.items():
        reached = await _reached(on, name)
        behind, moves = head - reached, reached > before[name] or reached >= head
        said = f"{max(behind, 0)} events behind{'' if moves else ', and stands still'}"
        mend = "start `registre work`, and read its log"
        found.append(Finding(check, ok=behind <= LAG and moves, finding=said, mend=mend))
    return found


async def _reached(on: Opened, name: str) -> int:
    row = await on.pool.fetchrow(TRACKING["tracked"], name)
    return int(row["position"]) if row else 0
