"""One worker does each task; the others stand by, and take over when it is gone."""

import asyncio

import pytest

from adapters.embedded import Servers
from adapters.postgres import pool
from service.workers import elected
from tests.servers import fresh_database


async def test_whoever_stands_by_waits_longer_than_any_statement_may_take(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (await fresh_database(servers)).service_url
    monkeypatch.setattr(pool, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(pool, "SESSION", {**pool.SESSION, "statement_timeout": "200ms"})
    took_over = asyncio.Event()

    async def stand_by() -> None:
        async with elected(url, "relay"):
            took_over.set()

    async with elected(url, "relay"), elected(url, "deadlines"):
        standing_by = asyncio.create_task(stand_by())
        await asyncio.sleep(0.8)
        assert not standing_by.done()
    await asyncio.wait_for(took_over.wait(), 10)
    await standing_by
