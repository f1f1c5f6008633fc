"""What the clock brings about, issued as ordinary commands: the domain decides whether its time has come."""

import asyncio
from contextlib import aclosing
from typing import Final
from uuid import UUID

import structlog

from adapters.postgres.pool import server_may_be_away
from adapters.store import Chosen, Unavailable
from domain.consultation import Close, CloseTheme, Opened, OpenTheme, Running
from domain.contribution import ExpireLease, LiftUnconfirmed
from domain.definition import SYSTEM
from domain.errors import Refused
from domain.record import CODEC
from projections.treatment import views as treatment
from service.clock import MovableClock
from service.problems import Failure
from service.wiring import Resources

TICK_S: Final = 1.0
_log = structlog.get_logger()


class Deadlines:
    """Elected by its caller, so that each command is issued once; twice would be harmless."""

    def __init__(self, shared: Resources) -> None:
        self._shared = shared

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with server_may_be_away():
                    await self.tick()
            except Unavailable as error:
                _log.warning("deadlines wait", reason=str(error))
            await asyncio.sleep(TICK_S if not isinstance(self._shared.clock, MovableClock) else TICK_S / 4)

    async def tick(self) -> int:
        """Issue what is due now; returns how many commands were carried out."""
        if isinstance(self._shared.clock, MovableClock):
            await self._shared.clock.refresh()
        done = 0
        for slug in await self._opened():
            done += await self._windows(slug)
        return done + await self._contributions()

    async def _opened(self) -> list[str]:
        """Every consultation that has opened, as the log says: windows close whatever becomes of the read models."""
        async with aclosing(self._shared.store.pages(chosen=Chosen(topics=CODEC.topics_of(Opened)))) as pages:
            return [entry.consultation async for page in pages for entry in page]

    async def _windows(self, slug: str) -> int:
        state, _ = await self._shared.handle.terms_of(slug, fresh=True)
        if not isinstance(state, Running):
            return 0
        now, done = self._shared.clock.now(), 0
        for theme, window in state.adopted.themes.items():
            if window.phase == "waiting" and window.opens <= now:
                done += await self._consultation(slug, OpenTheme(theme, now, by=SYSTEM))
            if window.phase != "closed" and window.closes <= now:
                done += await self._consultation(slug, CloseTheme(theme, now, by=SYSTEM))
        state, _ = await self._shared.handle.terms_of(slug)
        if all(window.phase == "closed" for window in state.adopted.themes.values()):
            done += await self._consultation(slug, Close(by=SYSTEM))
        return done

    async def _contributions(self) -> int:
        now = self._shared.clock.now()
        due = await treatment.due(self._shared.pool, now)
        commands: list[tuple[UUID, ExpireLease | LiftUnconfirmed]] = [
            *((held.contribution, ExpireLease(held.assignment, now)) for held in due.leases),
            *((stream, LiftUnconfirmed(now)) for stream in due.unconfirmed),
        ]
        done = 0
        for stream, command in commands:
            try:
                await self._shared.handle.contribution(stream, command)
                done += 1
            except (Refused, Failure) as refusal:
                _log.debug("not due after all", command=type(command).__name__, reason=str(refusal))
        return done

    async def _consultation(self, slug: str, command: OpenTheme | CloseTheme | Close) -> int:
        try:
            await self._shared.handle.consultation(slug, command)
        except (Refused, Failure) as refusal:
            _log.debug("not due after all", command=type(command).__name__, reason=str(refusal))
            return 0
        theme = {} if isinstance(command, Close) else {"theme": command.theme}
        _log.info("the clock brought about", command=type(command).__name__, consultation=slug, **theme)
        return 1
