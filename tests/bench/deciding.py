"""Fifty reviewers at once: `python -m tests.bench.deciding [--seconds 8] [--rounds 3]`.

The whole service runs in a folder of its own, on its own PostgreSQL and NATS, its worker moving the read models as ever. Each reviewer has a
token and a connection of their own, and in turn takes the next contribution over HTTP and keeps it: one cycle, two requests. Afterwards what
each was answered, and what the log says, are searched for an item that was handed out twice or out of its turn. Prints one JSON line last: the median of the rounds.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

from adapters.embedded import DataFolder
from adapters.postgres.queries import load
from adapters.tokens import DevelopmentIssuer
from service.located import Located, locate
from service.settings import Settings
from service.upkeep import opened
from tests.bench.http import FOLLOWED_S, followed, until
from tests.e2e.asking import Asking
from tests.e2e.running import Running, served

SQL: Final = load(Path(__file__).with_suffix(".sql"))
REVIEWERS: Final = 50
SLUG: Final = "decided"
BASE: Final = f"/v1/consultations/{SLUG}"
DEPOSITORS: Final = 32
CYCLES_PER_S: Final = 1_000
"""More than any machine decides in a second: a round never runs out of contributions."""
TEXT: Final = "Ouvrir les bibliothèques le dimanche, avec du personnel et sans réservation. " * 7


class Item(msgspec.Struct, frozen=True):
    """What a reviewer is handed, as far as they need it here."""

    contribution: str


class Round(NamedTuple):
    handed: list[str]
    """Every contribution that a reviewer was handed, as often as that happened."""
    decided: int
    took_s: float


class Connection:
    """One keep-alive connection that sends a request after the other: a general client would take more of the two processors than the service."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._place = urlsplit(url)
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, path: str, body: bytes = b"", more: str = "") -> tuple[int, bytes]:
        """Status and body of the answer."""
        kind = "Content-Type: application/json\r\n" if body else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._place.netloc}\r\n{self._head}{kind}{more}Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        return int(lines[0].split()[1]), await self._reader.readexactly(length)


async def fill(url: str, count: int) -> None:
    """Deposit so many contributions."""
    body, left = json.dumps({"theme": "fetes", "charter": 1, "text": TEXT}).encode(), iter(range(count))

    async def deposit() -> None:
        async with Connection(url, {}) as connection:
            for _ in left:
                answer = await connection.post(f"{BASE}/contributions", body, f"Idempotency-Key: {secrets.token_hex(16)}\r\n")
                assert answer[0] == 201, answer

    await asyncio.gather(*(deposit() for _ in range(DEPOSITORS)))


async def reviewing(url: str, tokens: list[str], seconds: float) -> Round:
    """All of them take and keep until the time is up."""
    handed: list[str] = []
    decided = 0
    item = msgspec.json.Decoder(Item)
    began = time.perf_counter()

    async def review(token: str) -> None:
        nonlocal decided
        async with Connection(url, {"Authorization": f"Bearer {token}"}) as connection:
            while time.perf_counter() - began < seconds:
                status, told = await connection.post(f"{BASE}/reviews/next")
                assert status == 200, (status, told)
                handed.append(item.decode(told).contribution)
                kept = await connection.post(f"/v1/moderation/{handed[-1]}/kept", b"{}")
                assert kept[0] == 200, kept
                decided += 1

    await asyncio.gather(*(review(token) for token in tokens))
    return Round(handed, decided, time.perf_counter() - began)


async def judged(located: Located, handed: list[str]) -> dict[str, int]:
    """Items that were answered to more than one request for the next, or assigned in the log more than once; those assigned out of their turn."""
    async with opened(located) as on:
        rows = await on.pool.fetch(SQL["assigned"], SLUG)
    assigned, arrivals = Counter(row["contribution"] for row in rows), [row["arrival"] for row in rows]
    assert assigned.keys() == set(handed)
    twice = {stream for times in (Counter(handed), assigned) for stream, count in times.items() if count > 1}
    return {"handed_out_twice": len(twice), "out_of_turn": sum(one > other for one, other in pairwise(arrivals))}


def deciding(
    service: Running, located: Located, rounds: int = 3, seconds: float = 8.0, reviewers: int = REVIEWERS
) -> dict[str, Any]:
    """Take-and-decide cycles a second, median of the rounds, of so many reviewers at a service that knows nothing of this consultation yet."""
    asking = Asking(service, SLUG)
    asking.prepare()
    asking.close()
    issuer = DevelopmentIssuer(DataFolder(service.data).secret("token.key"))
    tokens = [issuer.mint(["moderator"], f"reviewer-{number}", 3_600) for number in range(reviewers)]
    done: list[Round] = []
    for number in range(rounds):
        asyncio.run(fill(service.url, int(CYCLES_PER_S * seconds)))
        until(lambda: asyncio.run(followed(located)), FOLLOWED_S)
        done.append(asyncio.run(reviewing(service.url, tokens, seconds)))
        print(
            f"round {number}: {done[-1].decided / done[-1].took_s:.0f} cycles/s, load {os.getloadavg()[0]:.1f}", file=sys.stderr
        )
    return {
        "take_decide_per_s": round(statistics.median(each.decided / each.took_s for each in done)),
        "take_decide_lowest_per_s": round(min(each.decided / each.took_s for each in done)),
        **asyncio.run(judged(located, [stream for each in done for stream in each.handed])),
        "decided": sum(each.decided for each in done),
        "reviewers": reviewers,
        "rounds": rounds,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="registre-bench-") as name:
        data = Path(name) / "data"
        with served(data, REGISTRE_LOG_LEVEL="warning") as service:
            located = locate(Settings(data=data))
            print(json.dumps(deciding(service, located, chosen.rounds, chosen.seconds)))


if __name__ == "__main__":
    main()
