"""Hear what the database announces, and know whether one still hears."""

import asyncio
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg

from adapters.postgres.pool import connect, server_may_be_away
from adapters.postgres.queries import load
from adapters.store import Unavailable

SQL: Final = load(Path(__file__).with_name("tracking.sql"))

PULSE_S: Final = 1.0
"""A connection that does not answer within this time hears nothing."""
AGAIN_S: Final = 0.5


class Listener(Protocol):
    def heard(self, payload: str) -> None:
        """Something has been announced."""
        ...

    def listening(self) -> None:
        """From now on no announcement is missed, until `deaf`."""
        ...

    def deaf(self) -> None:
        """Announcements may be missed from now on."""
        ...


async def hear(url: str, channel: str, listener: Listener) -> None:
    """Until cancelled; listens again when the server comes back."""
    while True:
        try:
            await _while_connected(url, channel, listener)
        except (Unavailable, TimeoutError):
            await asyncio.sleep(AGAIN_S)


async def _while_connected(url: str, channel: str, listener: Listener) -> None:
    connection: asyncpg.Connection[Any] = await connect(url, f"registre-{channel}")
    try:
        connection.add_termination_listener(lambda _: listener.deaf())
        async with server_may_be_away():
            await connection.add_listener(channel, lambda *told: listener.heard(str(told[3])))
            listener.listening()
            while True:
                await asyncio.sleep(PULSE_S)
                async with asyncio.timeout(PULSE_S):
                    await connection.execute(SQL["alive"])
    finally:
        listener.deaf()
        connection.terminate()
