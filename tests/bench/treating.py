"""The measures of a large consultation: its log filled, computed anew from the first event, read over HTTP."""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import httpx
import msgspec

from adapters.embedded import DataFolder
from adapters.sealing import Closing
from adapters.tokens import DevelopmentIssuer
from domain.consultation import Opened
from domain.contribution import Submitted
from domain.record import CODEC, consultation_stream, topic
from service.located import Located, locate
from service.settings import Settings
from service.upkeep import opened
from tests.bench.consultations import OPENED_VERSION, SEED, SLUG, Happened, Played
from tests.bench.serving import SQL
from tests.e2e.running import environment, served

READS: Final = 300
COPIED: Final = 20_000
COLUMNS: Final = ("position", "stream", "version", "topic", "state", "consultation", "recorded_at", "claim")


class Treated(NamedTuple):
    events: int
    recompute_s: float
    recompute_peak_mb: float
    view_ms_p50: float
    view_ms_p99: float
    view_bytes: int


def treated(folder: Path, contributions: int) -> Treated:
    """In a service of its own, whose worker rests meanwhile: its read models have nothing to do with what is measured."""
    folder.mkdir(parents=True)
    data = folder / "data"
    with served(data, REGISTRE_LOG_LEVEL="warning") as service:
        os.kill(service.pids["worker"], signal.SIGSTOP)
        try:
            events = asyncio.run(fill(locate(Settings(data=data)), contributions))
            seconds, peak_mb = recomputed(data, events)
            times, size = viewed(service.url, data)
        finally:
            os.kill(service.pids["worker"], signal.SIGKILL)  # else it would follow what was filled in until it is told to end
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[-1]
    return Treated(events, seconds, peak_mb, p50, p99, size)


async def fill(located: Located, contributions: int) -> int:
    """Write the log as its owner: the rows that appending would have left. Returns how many."""
    async with opened(located) as on:
        fields = {"seed": SEED.hex()}
        place = Closing(consultation_stream(SLUG), OPENED_VERSION, topic(Opened), fields, bytes(32))
        (sealed,) = await on.sealer.seal([place])
    happened = Played(contributions, sealed).events()
    connection = await asyncpg.connect(located.migration_url)
    position = await connection.fetchval("SELECT position FROM registre.head")
    try:
        while rows := list(islice(_rows(happened, position), COPIED)):
            await connection.copy_records_to_table("events", schema_name="registre", columns=COLUMNS, records=rows)
            position = rows[-1][0]
        await connection.execute(SQL["move_head"], position)
        await connection.execute(SQL["settle"])
    finally:
        await connection.close()
    return int(position)


def _rows(happened: Iterator[Happened], after: int) -> Iterator[tuple[Any, ...]]:
    for position, (stream, version, event, at) in enumerate(happened, after + 1):
        claim = event.commitment if isinstance(event, Submitted) else None
        yield position, stream, version, topic(event), CODEC.encode(event), SLUG, at, claim


def recomputed(data: Path, position: int) -> tuple[float, float]:
    """Seconds and megabytes of a process that reads the log, decodes, folds and computes both documents."""
    command = [sys.executable, "-m", "service.computing", str(os.getpid()), SLUG, str(position), "asked"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(REGISTRE_DATA=str(data)))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"computing ended with {status}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def viewed(url: str, data: Path) -> tuple[list[float], int]:
    """Milliseconds of each reading of the latest document, and its size."""
    token = DevelopmentIssuer(DataFolder(data).secret("token.key")).mint(["auditor"], "bench", 3_600)
    times: list[float] = []
    content = b""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(READS):
            began = time.perf_counter()
            answer = client.get(f"/v1/consultations/{SLUG}/treatment")
            times.append((time.perf_counter() - began) * 1_000)
            content = answer.raise_for_status().content
    document = msgspec.json.decode(content)
    if document["whole"]["coverage"]["read-enough"]["share"] != 1.0 or document["queues"]["reading"]["departures"]:
        raise RuntimeError("the consultation was not played to its end by the rules")
    return times, len(content)
