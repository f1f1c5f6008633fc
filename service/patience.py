"""No request waits for ever: whatever hangs before or behind the service, its sender hears of it in time and may repeat it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from service import problems
from service.listening import end_untaken

ANSWER_S: Final = 30.0
"""How long an answer may take, but those for the whole log or a bundle of it."""
BODY_S: Final = 10.0
"""How long a body may take to arrive: each one that is awaited takes the place of another request."""
LOOK_S: Final = 0.5
PATIENT: Final = ("/v1/audit/events", "/v1/publications")
"""Paths whose answers take as long as the log is."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""ASGI 3.0."""

_log = structlog.get_logger()


class _Waiting:
    """A request that has not been answered."""

    __slots__ = ("begun", "body", "deadline", "over", "send", "task")

    def __init__(self, scope: Scope, send: Send, deadline: float) -> None:
        self.task = asyncio.current_task()
        self.send = send
        self.deadline = deadline
        self.body = scope["method"] in {"POST", "PUT", "PATCH"}
        """Whether its body is still awaited."""
        self.begun = False
        self.over = False

    async def end(self) -> None:
        """Answer, then cancel: the answer does not wait for a driver that waits for a frozen server while it is being cancelled."""
        self.over = True
        for message in problems.too_slow() if self.body else problems.too_late():
            await self.send(message)
        if self.task is not None:
            self.task.cancel()


class Patience:
    """Around a whole application. One look at all that waits, twice a second, instead of a timer for each request."""

    def __init__(self, app: Application, *, answer_s: float = ANSWER_S, body_s: float = BODY_S, look_s: float = LOOK_S) -> None:
        self._app = app
        self._answer_s = answer_s
        self._body_s = body_s
        self._look_s = look_s
        self._waiting: set[_Waiting] = set()
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._looking is None:  # with the lifespan, before anybody is let in
            self._looking = asyncio.create_task(self._look(), name="patience")
        if scope["type"] != "http" or scope["path"].startswith(PATIENT):
            await self._app(scope, receive, send)
            return
        clock = asyncio.get_running_loop().time
        waiting = _Waiting(scope, send, clock())
        waiting.deadline += self._body_s if waiting.body else self._answer_s

        async def received() -> Message:
            message = await receive()
            if waiting.body and not message.get("more_body", False):
                waiting.body, waiting.deadline = False, clock() + self._answer_s
            return message

        async def answer(message: Message) -> None:
            waiting.begun = True
            if not waiting.over:
                await send(message)

        self._waiting.add(waiting)
        try:
            await self._app(scope, received, answer)
        except asyncio.CancelledError:
            if not waiting.over or waiting.task is None:
                raise
            waiting.task.uncancel()
        finally:
            self._waiting.discard(waiting)

    async def _look(self) -> None:
        listening = 0
        while True:
            await asyncio.sleep(self._look_s)
            listening = listening or end_untaken()  # the server listens once the application has started
            now = asyncio.get_running_loop().time()
            for late in [each for each in self._waiting if each.deadline < now and not each.begun and not each.over]:
                _log.warning("answered too late", body=late.body)
                await late.end()
