"""An auditor's replay: the lines of a log, from a running service, a file or standard input, followed one by one and never held."""

import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Final

import httpx

from adapters.ndjson import LINE_BYTES, recorded
from domain.treatment.departures import Departure
from domain.treatment.trail import Trail
from service.answers import Ready
from service.client import Client

EVENTS: Final = "/v1/audit/events"
STANDARD_INPUT: Final = "-"
Lines = AsyncGenerator[bytes, None]
Told = Callable[[int, int], None]
"""Told the position that has been followed, and that of the head, 0 where nobody knows it."""
STEP: Final = 1_000


class Truncated(ValueError):  # noqa: N818 - says what the log is
    """The log breaks off: what was found stands, what follows is unknown."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"the log breaks off behind position {position}: {why}")


async def from_file(name: str) -> Lines:
    """The lines of a saved log; of standard input where its name is a hyphen. Raises OSError."""
    path = None if name == STANDARD_INPUT else Path(name)
    with path.open("rb") if path else nullcontext(sys.stdin.buffer) as log:
        while line := log.readline(LINE_BYTES):
            yield line


async def from_service(client: Client, consultation: str | None, told: Told) -> Lines:
    """The lines of a service's log, up to its head at this moment. Raises Told, Away, Truncated."""
    head, position = (await client.read("/health/ready", Ready)).position, 0
    try:
        async with aclosing(client.lines(EVENTS, consultation=consultation)) as lines:
            async for line in lines:
                yield line
                position += 1
                if position % STEP == 0:
                    told(position, head)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Truncated(position, type(error).__name__) from error
    if consultation is None and position < head:
        raise Truncated(position, f"the service said that it goes on to {head}")


async def follow(trail: Trail, lines: Lines, consultation: str | None = None) -> None:
    """Tell a trail every event, of one consultation when it is named. Raises Malformed, Truncated, and whatever the lines raise."""
    position = number = 0
    async with aclosing(lines):
        async for line in lines:
            number += 1
            if not line.endswith(b"\n"):
                raise Truncated(position, f"line {number} has no end")
            event = recorded(line, number, position)
            position = event.position
            if consultation in {None, event.consultation}:
                trail.follow(event)


def by_rule(departures: Iterable[Departure]) -> dict[str, list[Departure]]:
    """In the order of the first of each rule."""
    grouped: dict[str, list[Departure]] = {}
    for departure in departures:
        grouped.setdefault(departure.rule, []).append(departure)
    return grouped
