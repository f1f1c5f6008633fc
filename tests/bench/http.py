"""Deposits and lists over HTTP against an empty route: `python -m tests.bench.http [--seconds 5] [--rounds 3]`.

The whole service runs in a folder of its own, on its own PostgreSQL and NATS; beside it an empty Litestar route on the same server, with as
many workers and no middleware. wrk drives each in turn over 64 connections. Afterwards every acknowledged deposit is looked up in the log.
Prints one JSON line last: medians over the rounds, latencies in milliseconds.
"""

import argparse
import asyncio
import json
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import httpx
import psutil

from service.located import Located, locate
from service.settings import Settings
from service.supervisor import free_port
from service.upkeep import opened
from tests.e2e.asking import Asking
from tests.e2e.running import Running, environment, served

CONNECTIONS: Final = 64
BUSY: Final = 0.9
"""A round in which the empty route leaves its core idler than this measures the client, and is void."""
VOID: Final = 5
"""Rounds that may be void before the run gives up."""
FOLLOWED_S: Final = 900.0
"""For so long a round waits for everybody who follows the log: screening reads every text of the round before."""
TEXT: Final = "Ouvrir les bibliothèques le dimanche, avec du personnel et sans réservation. " * 7
HERE: Final = Path(__file__).parent
_LATENCY: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_RATE: Final = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_UNIT_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


class Load(NamedTuple):
    per_s: float
    p50_ms: float
    p99_ms: float
    busy: float
    """Share of one core that the server's workers used."""


class Bench(NamedTuple):
    service: Running
    located: Located
    echo_url: str
    echo: psutil.Process
    folder: Path
    seconds: int


def wrk(url: str, script: str, arguments: list[str], server: psutil.Process, seconds: int) -> Load:
    """Load a route for some seconds."""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency"]
    command += [
        "--timeout",
        "10s",
        *(["--script", str(HERE / script)] if script else []),
        url,
        *(["--", *arguments] if script else []),
    ]
    workers = server.children(recursive=True) or [server]
    before, began = cpu_s(workers), time.perf_counter()
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    busy = (cpu_s(workers) - before) / (time.perf_counter() - began)
    if "Non-2xx" in told:
        raise RuntimeError(f"{url}: {told}")
    latency = {int(share): float(value) * _UNIT_MS[unit] for share, value, unit in _LATENCY.findall(told)}
    rate = _RATE.search(told)
    assert rate is not None, told
    return Load(float(rate[1]), latency[50], latency[99], busy)


def cpu_s(processes: list[psutil.Process]) -> float:
    return sum(each.cpu_times().user + each.cpu_times().system for each in processes)


@contextmanager
def echoing() -> Iterator[tuple[str, psutil.Process]]:
    """The empty route, answering."""
    port = free_port("127.0.0.1", 0)
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.echo", str(port)], env=environment())
    url = f"http://127.0.0.1:{port}/echo"
    try:
        until(lambda: answers(url))
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 405
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


async def followed(located: Located) -> bool:
    """Whether the read models have come as far as the log: what still follows would slow down what is measured next."""
    async with opened(located) as on:
        head = await on.store.head()
        slowest: int = await on.pool.fetchval("SELECT min(position) FROM registre.tracking")
        return slowest >= head


def one_round(bench: Bench, number: int) -> dict[str, Load] | None:
    """Each route once, in an order that turns from round to round; None when the empty route was not kept busy."""
    http = psutil.Process(bench.service.pids["http"])
    base = f"{bench.service.url}/v1/consultations/measured"
    arguments = [str(bench.folder / "body.json"), secrets.token_hex(6), str(bench.folder / f"round-{number}")]
    Path(arguments[2]).mkdir()
    runs: list[tuple[str, Callable[[], Load]]] = [
        ("deposit", lambda: wrk(f"{base}/contributions", "deposits.lua", arguments, http, bench.seconds)),
        ("echo", lambda: wrk(bench.echo_url, "echo.lua", arguments, bench.echo, bench.seconds)),
        ("list", lambda: wrk(f"{base}/themes/fetes/contributions", "", [], http, bench.seconds)),
    ]
    found: dict[str, Load] = {}
    for name, load in runs[number % 3 :] + runs[: number % 3]:
        until(lambda: asyncio.run(followed(bench.located)), FOLLOWED_S)
        found[name] = load()
        print(
            f"round {number} {name}: {found[name].per_s:.0f}/s, p99 {found[name].p99_ms:.1f} ms, {found[name].busy:.0%} of a core",
            file=sys.stderr,
        )
    return found if found["echo"].busy >= BUSY else None


def acknowledged(folder: Path) -> list[str]:
    files = [file for file in folder.glob("round-*/*") if not file.name.startswith("echo-")]
    return [line for file in files for line in file.read_text().splitlines()]


async def recorded(located: Located) -> set[str]:
    """Every contribution in the log."""
    async with opened(located) as on:
        rows = await on.pool.fetch("SELECT stream FROM registre.events WHERE topic = 'contribution.submitted.v1'")
        return {str(row["stream"]) for row in rows}


def summary(bench: Bench, rounds: list[dict[str, Load]]) -> dict[str, Any]:
    def median(value: Callable[[dict[str, Load]], float]) -> float:
        return statistics.median(map(value, rounds))

    ids, log = acknowledged(bench.folder), asyncio.run(recorded(bench.located))
    return {
        "echo_per_s_64": round(median(lambda each: each["echo"].per_s)),
        "deposit_vs_echo_64": round(median(lambda each: each["deposit"].per_s / each["echo"].per_s), 3),
        "deposit_per_s_64": round(median(lambda each: each["deposit"].per_s)),
        "deposit_p50_ms_64": round(median(lambda each: each["deposit"].p50_ms), 1),
        "deposit_p99_ms_64": round(median(lambda each: each["deposit"].p99_ms), 1),
        "list_vs_echo_64": round(median(lambda each: each["list"].per_s / each["echo"].per_s), 3),
        "list_per_s_64": round(median(lambda each: each["list"].per_s)),
        "echo_busy": round(median(lambda each: each["echo"].busy), 2),
        "acknowledged": len(ids),
        "found": len(log.intersection(ids)),
        "rounds": len(rounds),
    }


def measured(bench: Bench, rounds: int) -> dict[str, Any]:
    good: list[dict[str, Load]] = []
    for number in range(rounds + VOID):
        if loads := one_round(bench, number):
            good.append(loads)
        if len(good) == rounds:
            return summary(bench, good)
    raise RuntimeError("too many rounds were void: the machine is busy with something else")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="registre-bench-") as name, echoing() as (echo_url, echo):
        folder = Path(name)
        body = {"theme": "fetes", "charter": 1, "text": TEXT}
        (folder / "body.json").write_bytes(json.dumps(body, ensure_ascii=False).encode())
        with served(folder / "data", REGISTRE_LOG_LEVEL="warning") as service:
            asking = Asking(service, "measured")
            asking.prepare()
            asking.close()
            located = locate(Settings(data=folder / "data"))
            print(json.dumps(measured(Bench(service, located, echo_url, echo, folder, chosen.seconds), chosen.rounds)))


if __name__ == "__main__":
    main()
