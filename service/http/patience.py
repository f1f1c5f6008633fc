"""No request waits for ever: whatever hangs behind the service, its sender hears of it in time and may repeat it."""

import asyncio
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service import problems

PATIENT: Final = {"patient": True}
"""For routes that take as long as the log is: `opt=PATIENT`."""


class Patience(ASGIMiddleware):
    """Answers 503 once `limit_s` seconds have passed without an answer, and cancels what is under way.

    The answer does not wait for the cancellation: a driver may wait for a frozen server while it is being cancelled.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "patient"

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        begun = over = False
        late: asyncio.Task[None] | None = None

        async def answer_late() -> None:
            for message in problems.too_late():
                await send(message)
            if task is not None:
                task.cancel()

        def expire() -> None:
            nonlocal over, late
            if not begun:
                over, late = True, loop.create_task(answer_late())

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            if not over:
                await send(message)

        timer = loop.call_later(self._limit_s, expire)
        try:
            await next_app(scope, receive, answer)
        except asyncio.CancelledError:
            if not over or task is None:
                raise
            task.uncancel()
        finally:
            timer.cancel()
            if late is not None:
                await late
