"""PostgreSQL is killed again and again under the whole service: clients hear 503 and when to repeat, and every receipt stays good."""

import asyncio
import contextlib
import random
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from adapters.embedded import DataFolder
from adapters.postgres.store import PostgresStore
from domain.contribution import Submitted
from domain.record import topic
from service.located import read_run
from tests.adapters.test_store_crashes import kill_all
from tests.e2e.asking import Asking
from tests.e2e.running import Running, served

KILLS: Final = 22
CLIENTS: Final = 16
AGAIN_S: Final = 10.0
BOUND_S: Final = 60.0


class Depositors:
    """Clients that deposit one text after the other, each until it has a receipt."""

    def __init__(self, url: str, seed: int) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=40, limits=httpx.Limits(max_connections=CLIENTS))
        self._seed = seed
        self.receipts: dict[str, dict[str, Any]] = {}
        """By the text deposited."""
        self.heard: Counter[str] = Counter()
        self.latest = 0.0
        """When the latest request that led to a receipt was begun, in seconds of time.monotonic()."""

    async def run(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")
        while True:
            text = f"Idée {len(self.receipts)} de la personne {number}, {chance.getrandbits(64):x}."
            await self._deposit(text, f"{chance.getrandbits(128):032x}")

    async def _deposit(self, text: str, key: str) -> None:
        body = {"theme": "bibliotheques", "charter": 1, "text": text}
        while text not in self.receipts:
            begun = time.monotonic()
            try:
                answer = await self._client.post(
                    "/v1/consultations/crashes/contributions", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                self.heard["broken"] += 1
                await asyncio.sleep(0.05)  # as clients do; the service is being restarted or its connections reset
                continue
            self._hear(answer, text)
            self.latest = max(self.latest, begun if answer.status_code == 201 else 0.0)

    def _hear(self, answer: httpx.Response, text: str) -> None:
        self.heard[str(answer.status_code)] += 1
        if answer.status_code == 201:
            self.receipts[text] = answer.json()
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["Content-Type"] == "application/problem+json"

    async def looked_up(self) -> int:
        """How many receipts open, each by its code, the text that was deposited."""
        gate = asyncio.Semaphore(CLIENTS)
        return sum(await asyncio.gather(*(self._opens(text, receipt, gate) for text, receipt in self.receipts.items())))

    async def _opens(self, text: str, receipt: dict[str, Any], gate: asyncio.Semaphore) -> bool:
        async with gate:
            path = f"/v1/receipts/{receipt['contribution']}"
            answer = await self._client.get(path, headers={"Receipt-Code": receipt["code"]})
        return answer.status_code == 200 and answer.json()["text"] == text

    async def close(self) -> None:
        await self._client.aclose()


async def until(reached: Callable[[], object], working: list[asyncio.Task[None]], what: str) -> None:
    """Return once something is so; what a client met on the way is raised here."""
    deadline = time.monotonic() + BOUND_S
    while not reached():
        for task in working:
            if task.done():
                task.result()
        assert time.monotonic() < deadline, f"{what}: not within {BOUND_S} s"
        await asyncio.sleep(0.005)


async def more(depositors: Depositors, count: int, working: list[asyncio.Task[None]]) -> None:
    enough = len(depositors.receipts) + count
    await until(lambda: len(depositors.receipts) >= enough, working, f"{count} more receipts")


async def killed(running: Running, depositors: Depositors, working: list[asyncio.Task[None]]) -> tuple[float, float]:
    """Seconds from the kill until the supervisor has the server back, and from then until a deposit is taken."""
    pid = running.pids["postgres"]
    began = time.monotonic()
    kill_all(pid)
    gone = time.monotonic()
    await until(lambda: _pid(running) not in {0, pid}, working, "the server back")
    back = time.monotonic()
    await until(lambda: depositors.latest > gone, working, "a deposit taken again")
    return back - began, time.monotonic() - back


def _pid(running: Running) -> int:
    with contextlib.suppress(FileNotFoundError):
        return running.pids["postgres"]
    return 0


@pytest.mark.torture
async def test_every_receipt_is_good_however_often_the_server_is_killed(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance, times = random.Random(seed), list[tuple[float, float]]()
    with served(tmp_path / "data", REGISTRE_LOG_LEVEL="error") as running:
        asking = Asking(running, "crashes")
        asking.prepare()
        asking.close()
        depositors = Depositors(running.url, seed)
        working = [asyncio.create_task(depositors.run(number)) for number in range(CLIENTS)]
        try:
            for _ in range(KILLS):
                await more(depositors, chance.randrange(20, 200), working)
                times.append(await killed(running, depositors, working))
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        found = await depositors.looked_up()
        await recorded_once(running, depositors)
        await depositors.close()
    restarts, recoveries = zip(*times, strict=True)
    print(f"{KILLS} kills, {found} receipts, heard {dict(depositors.heard)}; ", end="")
    print(f"server back after {statistics.median(restarts):.2f} s (most {max(restarts):.2f}), ", end="")
    print(f"deposits taken {statistics.median(recoveries):.2f} s later (most {max(recoveries):.2f})")
    assert found == len(depositors.receipts)
    assert depositors.heard["503"] > 0
    assert max(recoveries) < AGAIN_S


async def recorded_once(running: Running, depositors: Depositors) -> None:
    """The log has no gap, and each receipt one contribution in it."""
    password = DataFolder(running.data).password("service")
    store = await PostgresStore.connect(
        f"postgresql://registre:{password}@127.0.0.1:{read_run(running.data).ports['postgres']}/registre"
    )
    log = [entry async for page in store.pages() for entry in page]
    await store.close()
    assert [entry.id for entry in log] == list(range(1, len(log) + 1))
    submitted = Counter(str(entry.originator_id) for entry in log if entry.topic == topic(Submitted))
    assert set(submitted.values()) == {1}
    assert {receipt["contribution"] for receipt in depositors.receipts.values()} <= set(submitted)
