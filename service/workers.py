"""The worker process: followers of the log and the clock's commands, each elected, each started again when it fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from adapters.nats.relay import Relay
from adapters.postgres.pool import connect, server_may_be_away
from adapters.store import Unavailable
from projections import building
from projections.runner import TRACKING, Projection, Runner
from service.deadlines import Deadlines
from service.erasure import finish, reconcile, sweep
from service.measuring import Measuring
from service.reaping import Reaping
from service.screening import Screening
from service.wiring import Resources

AGAIN_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
WATCH_S: Final = 1.0
STANDS_BY_S: Final = 10 * 366 * 86_400
"""The driver takes no bound to be the connection's own."""
STEADY_S: Final = 30.0
"""Having run so long, a task that fails begins again without delay."""
ERASER: Final = "eraser"

_log = structlog.get_logger()


async def work(shared: Resources) -> None:
    """Everything that follows the log, until cancelled."""
    tasks: dict[str, Callable[[], Awaitable[None]]] = {
        "relay": Relay(shared.store, shared.located.nats_url).run,
        "deadlines": Deadlines(shared).run,
        "eraser": Eraser(shared).run,
        "reaping": Reaping(shared.store, shared.located.keyring_url).run,
        "measures": Measuring(shared.pool, shared.settings.measures_s).run,
        "screening": Screening(shared).run,
    }
    for name, projection in building.projections(shared.sealer).items():
        tasks[f"projection {name}"] = _projecting(shared, projection)
    async with elected(shared.located.database_url, "read models"):
        for projection in building.projections(shared.sealer).values():
            await building.present(shared.pool, projection)
    async with asyncio.TaskGroup() as group:
        for name, task in tasks.items():
            group.create_task(_kept_running(shared, name, task), name=name)


def _projecting(shared: Resources, projection: Projection) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await building.ensure(shared.store, shared.pool, projection)
        await Runner(shared.store, shared.pool, projection).run()

    return run


async def _kept_running(shared: Resources, name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Run a task while elected for it; when it fails, say so and begin again after a pause."""
    failures = 0
    while True:
        try:
            async with elected(shared.located.database_url, name) as lost:
                running = asyncio.ensure_future(task())
                watching = asyncio.ensure_future(lost())
                try:
                    done, _ = await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED, timeout=STEADY_S)
                    if not done:
                        failures = 0
                        done, _ = await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
                    for each in done:
                        each.result()
                finally:
                    for each in (running, watching):
                        each.cancel()
                    await asyncio.gather(running, watching, return_exceptions=True)
        except Unavailable as error:
            _log.warning("waits", task=name, reason=str(error))
        except Exception:  # noqa: BLE001 - whatever it is, the others go on and the log says it aloud
            _log.exception("failed", task=name)
        await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
        failures += 1


@asynccontextmanager
async def elected(url: str, name: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Hold the advisory lock of a task, waiting until nobody else does; yields what returns when it is lost. Raises Unavailable."""
    connection = await connect(url, f"registre-{name}")
    try:
        async with server_may_be_away():
            await connection.execute(TRACKING["patient"])
            await connection.execute(TRACKING["lock"], name, timeout=STANDS_BY_S)

        async def lost() -> None:
            while True:
                await asyncio.sleep(WATCH_S)
                async with server_may_be_away():
                    await connection.execute(TRACKING["alive"])

        yield lost
    finally:
        connection.terminate()


class Eraser:
    """Finishes erasures, should the process that recorded one have died before: keys are destroyed, bundles that show the text removed."""

    def __init__(self, shared: Resources) -> None:
        self._shared = shared

    async def run(self) -> None:
        """Until cancelled."""
        shared, pool = self._shared, self._shared.pool
        await reconcile(shared.store, shared.sealer)  # a keyring that was restored holds again what had been destroyed
        await sweep(shared.store, shared.publications.folder)
        async with server_may_be_away():
            tracked: asyncpg.Record | None = await pool.fetchrow(TRACKING["tracked"], ERASER)
            if tracked is None:
                await pool.execute(TRACKING["begin"], ERASER, 1)
        position = int(tracked["position"]) if tracked else 0
        async for entries in shared.store.follow(position):
            for entry in entries:
                await finish(shared.store, shared.sealer, shared.publications, entry)
            async with server_may_be_away():
                await pool.execute(TRACKING["advance"], ERASER, position, entries[-1].id)
            position = entries[-1].id
