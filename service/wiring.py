"""What every process is made of, put together once from the settings."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from msgspec import Struct

from adapters.postgres.keyring import PostgresKeyring
from adapters.postgres.pool import create_pool
from adapters.postgres.store import PostgresStore
from adapters.promises import Promises
from adapters.sealing import KeyringSealer, Sealer
from adapters.tokens import Issuer
from projections.building import SEARCH_PATH
from projections.runner import wait_for
from service.clock import Clock, MovableClock, SystemClock
from service.deposits import Deposits
from service.follow_up import FollowUp
from service.handler import Handle
from service.located import Located, issuer, locate
from service.problems import Behind
from service.publications import Publications
from service.queues import Queues
from service.recodings import Recodings
from service.remembered import Remembered
from service.settings import Settings

T = TypeVar("T")

CATCH_UP_S: Final = 10.0
CONCEAL_S: Final = 2.0

_log = structlog.get_logger()


class Resources(Struct, frozen=True):
    """Shared by all requests of a process."""

    settings: Settings
    located: Located
    store: PostgresStore
    pool: "asyncpg.Pool[Any]"
    """Unqualified names mean the read models in service."""
    sealer: Sealer
    issuer: Issuer
    clock: Clock
    handle: Handle
    deposits: Deposits
    follow_up: FollowUp
    queues: Queues
    recodings: Recodings
    publications: Publications
    pages: Remembered
    """Of the read model `themes`."""

    @property
    def staff_secret(self) -> bytes:
        return self.located.staff_secret


@asynccontextmanager
async def resources(settings: Settings, *, stands_back: bool = False) -> AsyncIterator[Resources]:
    """Open everything, and close it in the opposite order; `stands_back` as PostgresStore. Raises Unavailable, NotRunning."""
    located = locate(settings)
    async with AsyncExitStack() as stack:
        store = await PostgresStore.connect(located.database_url, stands_back=stands_back)
        stack.push_async_callback(store.close)
        pool = await create_pool(located.database_url, "registre-views", search_path=SEARCH_PATH)
        stack.push_async_callback(pool.close)
        sealer = KeyringSealer(await PostgresKeyring.connect(located.keyring_url, located.keks))
        stack.push_async_callback(sealer.close)
        clock = await _clock(settings, pool)
        handle = Handle(store)
        yield Resources(
            settings,
            located,
            store,
            pool,
            sealer,
            issuer(settings),
            clock,
            handle,
            Deposits(
                handle, sealer, located.receipt_secret, Promises(located.origin, located.promise_key, settings.promise_delay_s)
            ),
            FollowUp(handle, sealer, clock),
            Queues(handle, pool, clock),
            Recodings(handle, pool),
            Publications(handle, pool, sealer, settings.data.expanduser().resolve() / "bundles"),
            await stack.enter_async_context(Remembered("themes").kept(located.database_url)),
        )


async def _clock(settings: Settings, pool: "asyncpg.Pool[Any]") -> Clock:
    if not settings.clock_moves:
        return SystemClock()
    clock = MovableClock(pool)
    await clock.refresh()
    return clock


async def caught_up(shared: Resources, projection: str) -> None:
    """Returns once a read model shows the log's present head. Raises Behind when it does not get there in time."""
    if not await wait_for(shared.pool, projection, await shared.store.head(), CATCH_UP_S):
        raise Behind(projection=projection)


async def concealed(shared: Resources, position: int) -> None:
    """Returns once the public no longer sees what an event hid, or when the read model does not get there in time: the event stands."""
    if not await wait_for(shared.pool, "themes", position, CONCEAL_S):
        _log.warning("hidden, but still shown: the read model is behind", position=position)
    shared.pages.forget()


async def shown(shared: Resources, projection: str, read: Callable[[], Awaitable[T | None]]) -> T | None:
    """What a view shows; one that shows nothing is asked again when it has caught up: whoever has just written finds what they wrote."""
    view = await read()
    if view is None:
        await caught_up(shared, projection)
        view = await read()
    return view
