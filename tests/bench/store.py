"""The event store beside its peers: `python -m tests.bench.store [--seconds 2] [--rounds 3] [--events 5000000]`.

Everything is measured in rounds, in which the stores take turns in an order that is rotated, on one machine: 1, 8, 32 and 256 writers, with and
without conflicts, 600 bytes an event, acknowledged once durable. Prints tables of medians over the rounds, and one JSON line last.
"""

import argparse
import asyncio
import json
import signal
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from adapters.postgres.store import PostgresStore
from tests.bench import reading
from tests.bench.following import followed
from tests.bench.peers import Ceiling, Ours, Peer, Recorder, Uma
from tests.bench.serving import SQL, Served, served
from tests.bench.turns import PAYLOAD, Turn, fresh, written

WRITERS: Final = (1, 8, 32, 256)
REPLAYED: Final = 1_000_000
PAIRS_A_SECOND: Final = 300
"""Of lone appends and bare INSERTs: as many as the slowest machine of those tried does in a second."""

Turns = dict[tuple[str, int, bool], list[Turn]]


def appended(peers: list[Peer], rounds: int, seconds: float) -> Turns:
    """Every store's turns by its name, writers and conflicts."""
    turns: Turns = defaultdict(list)
    for number in range(rounds):
        rotated = peers[number % len(peers) :] + peers[: number % len(peers)]
        for writers in WRITERS:
            for conflicts in (False, True):
                for peer in rotated:
                    if turn := peer.turn(writers, seconds, conflicts=conflicts):
                        if conflicts and not turn.refused:
                            raise RuntimeError(f"{peer.name} took appends that it had to refuse")
                        turns[peer.name, writers, conflicts].append(turn)
        print(f"appended: round {number + 1} of {rounds}", file=sys.stderr)
    return turns


async def lone(served: Served, seconds: float) -> float:
    """How many times a bare INSERT's median a lone append takes: one after the other, in turns, over the same driver and loop."""
    store = await PostgresStore.connect(served.appends.service_url, connections=1)
    bare = await asyncpg.connect(served.appends.owner_url)
    appends, inserts = list[float](), list[float]()
    payload = PAYLOAD.decode()
    try:
        for _ in range(round(seconds * PAIRS_A_SECOND)):
            event = fresh(uuid4())
            began = time.perf_counter()
            await store.append([event])
            appends.append(time.perf_counter() - began)
            began = time.perf_counter()
            await bare.fetch(SQL["insert_bare"], payload)
            inserts.append(time.perf_counter() - began)
    finally:
        await bare.close()
        await store.close()
    return statistics.median(appends) / statistics.median(inserts)


async def special(served: Served, seconds: float) -> dict[str, float]:
    """Events a second at 32 writers: plain, with one precondition, and three streams in one append."""
    store = await PostgresStore.connect(served.appends.service_url)
    try:
        ruling = uuid4()
        await store.append([fresh(ruling)])
        plain = await written(store, 32, seconds)
        given = await written(store, 32, seconds, given={ruling: 1})
        several = await written(store, 32, seconds, streams=3)
        return {"plain": plain.per_s, "given": given.per_s, "multi_stream": 3 * several.per_s}
    finally:
        await store.close()


def rate(turns: Turns, name: str, writers: int, *, conflicts: bool = False) -> float:
    return statistics.median(turn.per_s for turn in turns[name, writers, conflicts])


def latency_ms(turns: Turns, name: str, writers: int, percent: int, *, conflicts: bool = False) -> float | None:
    """Median over the rounds; None for pgbench, which tells none."""
    each = [
        statistics.quantiles(turn.latencies, n=100)[percent - 1] for turn in turns[name, writers, conflicts] if turn.latencies
    ]
    return statistics.median(each) * 1_000 if each else None


def ratio(turns: Turns, peer: str, writers: int = 32) -> float:
    """How many times a peer's rate ours is: the median of what each round says, since both met the same machine in it."""
    pairs = zip(turns[Ours.name, writers, False], turns[peer, writers, False], strict=True)
    return round(statistics.median(ours.per_s / theirs.per_s for ours, theirs in pairs), 2)


def appends_table(turns: Turns) -> Table:
    table = Table(
        "writers",
        "conflicts",
        "store",
        "appends/s",
        "lowest",
        "highest",
        "p50 ms",
        "p99 ms",
        title="Appending one event of 600 B",
    )
    for (name, writers, conflicts), some in sorted(turns.items(), key=lambda item: item[0][1:]):
        rates = [turn.per_s for turn in some]
        latencies = [latency_ms(turns, name, writers, percent, conflicts=conflicts) for percent in (50, 99)]
        table.add_row(
            str(writers), "10 %" if conflicts else "none", name,
            *(f"{figure:,.0f}" for figure in (statistics.median(rates), min(rates), max(rates))),
            *("-" if figure is None else f"{figure:.2f}" for figure in latencies),
        )  # fmt: skip
    return table


def pages_table(paged: dict[str, reading.Paged], events: int) -> Table:
    table = Table("chosen", "events a page", "ms, log of 1,000", f"ms, log of {events:,}", title="Reading a page")
    for name, page in paged.items():
        table.add_row(name, str(page.events), f"{page.small_ms:.2f}", f"{page.large_ms:.2f}")
    return table


def measured(served: Served, runner: asyncio.Runner, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything, in the order in which one does not disturb the other."""
    console = Console(width=110)
    rounds, seconds = options.rounds, options.seconds
    runner.run(reading.fill(served.small.owner_url, reading.SMALL))
    runner.run(reading.fill(served.large.owner_url, options.events))
    runner.run(reading.checkpoint(served.superuser_url))
    print(f"filled {options.events:,} events", file=sys.stderr)
    replays = [reading.replayed(served.large.service_url, min(REPLAYED, options.events)) for _ in range(rounds)]
    paged = runner.run(reading.pages(served.small, served.large, options.events))
    peers: list[Peer] = [
        Ours(served.appends.service_url, runner), Recorder(served.appends.owner_url), Uma(served.umadb_url),
        Ceiling(served.appends.owner_url, folder),
    ]  # fmt: skip
    turns = appended(peers, rounds, seconds)
    lonely = [runner.run(lone(served, seconds)) for _ in range(rounds)]
    specials = [runner.run(special(served, seconds)) for _ in range(rounds)]
    tailed = runner.run(followed(served.appends, 8, 2 * seconds))

    console.print(appends_table(turns))
    console.print(pages_table(paged, options.events))
    special_rates = {name: round(statistics.median(each[name] for each in specials)) for name in specials[0]}
    return {
        **{f"append_vs_{name}_32": ratio(turns, name) for name in ("eventsourcing", "umadb", "pgbench")},
        **{f"append_vs_{name}_256": ratio(turns, name, 256) for name in ("eventsourcing", "umadb", "pgbench")},
        **{f"append_per_s_{writers}": round(rate(turns, Ours.name, writers)) for writers in WRITERS},
        "append_per_s_32_conflicts": round(rate(turns, Ours.name, 32, conflicts=True)),
        "p99_ms_32": round(latency_ms(turns, Ours.name, 32, 99) or 0, 2),
        "append_given_per_s_32": special_rates["given"],
        "append_given_vs_plain": round(special_rates["given"] / special_rates["plain"], 2),
        "append_multi_stream_events_per_s_32": special_rates["multi_stream"],
        "lone_append_vs_insert_p50": round(statistics.median(lonely), 2),
        "replay_per_s": round(statistics.median(each["per_s"] for each in replays)),
        "replay_events": replays[0]["events"],
        "replay_peak_mb": round(max(each["peak_mb"] for each in replays)),
        "page_1000_vs_5000000": round(paged["page"].large_ms / paged["page"].small_ms, 2),
        "page_log_events": options.events,
        "skipped": tailed.skipped,
        "gaps": tailed.gaps,
        "followed": tailed.acknowledged,
        "follow_catch_up_s": round(tailed.catch_up_s, 1),
        "rounds": rounds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn of each store")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=5_000_000, help="in the large log that is read")
    options = parser.parse_args()
    for each in (signal.SIGINT, signal.SIGTERM):  # a peer's package put a handler of its own in place; either stops the servers
        signal.signal(each, signal.default_int_handler)
    with TemporaryDirectory(prefix="registre-bench-") as name, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        folder = Path(name)
        servers = served(folder)
        running = runner.run(servers.__aenter__())
        try:
            figures = measured(running, runner, folder, options)
        finally:
            runner.run(servers.__aexit__(None, None, None))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
