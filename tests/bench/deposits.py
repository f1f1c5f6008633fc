"""Deposits over HTTP: `python -m tests.bench.deposits [--seconds 10] [--clients 64]`.

Starts the whole service in a folder of its own and deposits from `--clients` connections at once, in turns with requests that do nothing
(`/health/live`), so that both meet the same machine at the same time. Prints one JSON line last: medians over the turns, latencies in milliseconds.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self
from urllib.parse import urlsplit

from tests.e2e.asking import Asking
from tests.e2e.running import served

TURNS: Final = 5
TEXT: Final = "Ouvrir les bibliothèques le dimanche, avec du personnel et sans réservation. " * 6


class Connection:
    """One kept-alive HTTP/1.1 connection: a client that costs little, so that the service is what is measured."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._place)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
        """The status, once the answer has been read whole."""
        told = {"Host": "registre", "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(int(length.partition(b":")[2]))
        return int(head.split(b" ", 2)[1])


async def turn(url: str, clients: int, seconds: float, *, deposits: bool) -> tuple[float, list[float]]:
    """Requests a second, and the latency of each in seconds."""
    place = urlsplit(url)
    deadline, latencies = time.perf_counter() + seconds, list[float]()

    async def one() -> None:
        async with Connection(place.hostname or "", place.port or 0) as connection:
            while time.perf_counter() < deadline:
                began = time.perf_counter()
                if deposits:
                    body = json.dumps({"theme": "fetes", "charter": 1, "text": TEXT}).encode()
                    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
                    status = await connection.request("POST", "/v1/consultations/measured/contributions", headers, body)
                else:
                    status = await connection.request("GET", "/health/live", {})
                if status not in {200, 201}:
                    raise RuntimeError(f"answered {status}")
                latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return len(latencies) / (time.perf_counter() - began), latencies


async def measured(url: str, clients: int, seconds: float) -> dict[str, Any]:
    """Both in turns. Rates a second, latencies in milliseconds."""
    rates, idle, latencies = list[float](), list[float](), list[float]()
    for number in range(TURNS):
        rate, taken = await turn(url, clients, seconds / TURNS, deposits=True)
        nothing, _ = await turn(url, clients, seconds / TURNS / 4, deposits=False)
        rates.append(rate)
        idle.append(nothing)
        latencies += taken
        print(f"turn {number + 1}: {rate:.0f} deposits/s, {nothing:.0f} empty requests/s", file=sys.stderr)
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "clients": clients,
        "deposits": len(latencies),
        "deposits_per_s": round(statistics.median(rates)),
        "empty_requests_per_s": round(statistics.median(idle)),
        "ratio": round(statistics.median(rate / nothing for rate, nothing in zip(rates, idle, strict=True)), 3),
        "p50_ms": round(cuts[49] * 1_000, 2),
        "p99_ms": round(cuts[98] * 1_000, 2),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--clients", type=int, default=64)
    chosen = options.parse_args()
    with (
        TemporaryDirectory(prefix="registre-bench-") as folder,
        served(Path(folder) / "data", REGISTRE_LOG_LEVEL="warning") as service,
    ):
        asking = Asking(service, "measured")
        asking.prepare()
        asking.close()
        print(json.dumps(asyncio.run(measured(service.url, chosen.clients, chosen.seconds))))


if __name__ == "__main__":
    main()
