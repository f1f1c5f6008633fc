"""Has the measures of equal treatment computed, in a process of their own: nobody who follows the log waits for statistics."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import structlog

from adapters.postgres.pool import server_may_be_away
from projections.treatment.measures import views
from projections.treatment.measures.views import Wanted

LOOK_S: Final = 0.5
"""How often the worker looks whether somebody asks for the past."""
AT_MOST: Final = 20
"""Positions that may be asked for at a time."""
AGAIN_S: Final = 5.0
"""After a failure."""
LONGEST_S: Final = 1_800.0
"""A computation that takes longer is ended: it hangs, on whatever it is."""
REST: Final = 10
"""After a round it rests for so many times as long as the round took: statistics take a tenth of a processor at most."""

_log = structlog.get_logger()


Compute = Callable[..., Awaitable[bool]]
"""Takes the arguments of `service.computing`; says whether it succeeded."""


async def apart(*arguments: str) -> bool:
    """Compute in another process, which ends with this one; whether it succeeded. `arguments` are those of `service.computing`."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "service.computing", str(os.getpid()), *arguments)
    failed: int | str
    try:
        async with asyncio.timeout(LONGEST_S):
            failed = await process.wait()
    except TimeoutError:
        failed = "it hung"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if failed:
        _log.error("measures could not be computed", of=arguments)
    return not failed


class Measuring:
    """Elected by its caller; twice would be harmless, since the same log gives the same document.

    Rounds and what is asked for take turns: neither waits for ever, however much is asked for and whatever cannot be computed.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", every_s: float, compute: Compute = apart) -> None:
        self._pool = pool
        self._every_s = every_s
        self._compute = compute
        self._due = 0.0

    async def run(self) -> None:
        """Until cancelled. Raises Unavailable."""
        while True:
            async with server_may_be_away():
                if time.monotonic() >= self._due:
                    await self._round()
                if await views.next_wanted(self._pool):
                    await self._wanted()
            await asyncio.sleep(LOOK_S)

    async def _wanted(self) -> None:
        if not await self._compute("wanted"):
            await asyncio.sleep(AGAIN_S)

    async def _round(self) -> None:
        began = time.monotonic()
        for each in await views.moved(self._pool):
            await self._compute(each.consultation, str(each.position), "regular")
        took = time.monotonic() - began
        self._due = began + max(self._every_s, (1 + REST) * took)


async def compute_now(wanted: Wanted) -> bool:
    """Have one position computed and kept, for somebody who waits; whether it succeeded."""
    return await apart(wanted.consultation, str(wanted.position), "asked")
