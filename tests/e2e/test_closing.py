"""Closing is exact: what is acknowledged stands before the closing in the log, everything else is refused by name."""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import asyncpg
import pytest

from adapters.embedded import Servers
from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.migrate import migrate
from adapters.postgres.store import PostgresStore
from adapters.sealing import KeyringSealer
from domain.consultation import CloseTheme, ThemeClosed
from domain.record import CODEC, consultation_stream
from service.deposits import Deposits
from service.handler import Handle
from tests.e2e.depositing import SECRET, outcome
from tests.servers import Database, fresh_database
from tests.service.definitions import CLOSES, PROMISES, SLUG, opened

ROUNDS = 20
EACH = 16
"""Deposits before the closing, and after it, from this process; twice as many from the other."""


@pytest.fixture(scope="module")
async def database(servers: Servers) -> Database:
    fresh = await fresh_database(servers)
    await migrate(fresh.owner_url, service_role="registre")
    return fresh


async def closed_at(store: PostgresStore, theme: str) -> int:
    entries = await store.stream(consultation_stream(SLUG))
    closed = ThemeClosed(theme, by="system")
    return next(entry.id for entry in entries if CODEC.decode(entry.topic, entry.state) == closed)


async def test_every_acknowledged_deposit_stands_before_the_closing_and_every_other_is_refused(database: Database) -> None:
    store = await PostgresStore.connect(database.service_url)
    handle = Handle(store)
    themes = tuple(f"theme-{number}" for number in range(ROUNDS))
    await opened(handle, themes=themes)
    deposits = Deposits(handle, KeyringSealer(MemoryKeyring()), SECRET, PROMISES)
    gate = await asyncpg.connect(database.owner_url)
    try:
        for theme in themes:
            await one_round(store, handle, deposits, gate, database.service_url, theme)
    finally:
        await gate.close()
        await store.close()


async def one_round(
    store: PostgresStore, handle: Handle, deposits: Deposits, gate: "asyncpg.Connection[Any]", url: str, theme: str
) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.depositing",
        url,
        theme,
        str(2 * EACH),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert await other.stdout.readline() == b"ready\n"
    await deposits.warm(SLUG)
    async with gate.transaction():
        # While the counter row is held nobody commits: both processes' requests gather, the closing among them, in the order of arrival.
        await gate.execute("SELECT FROM registre.head FOR UPDATE")
        other.stdin.write(b"\n")
        before = [asyncio.create_task(outcome(deposits, theme, f"before-{theme}-{number:020}")) for number in range(EACH)]
        await queued(store, EACH)
        closing = asyncio.create_task(handle.consultation(SLUG, CloseTheme(theme, CLOSES, by="system")))
        await queued(store, EACH + 1)
        after = [asyncio.create_task(outcome(deposits, theme, f"after-{theme}-{number:020}")) for number in range(EACH)]
        await queued(store, 2 * EACH + 1)
    await closing
    outcomes = [*await asyncio.gather(*before, *after), *map(tuple, json.loads(await other.stdout.readline()))]
    assert await other.wait() == 0

    accepted = [identifier for verdict, identifier in outcomes if verdict == "accepted"]
    refused = Counter(code for verdict, code in outcomes if verdict == "refused")
    assert len(outcomes) == 4 * EACH
    assert set(refused) == {"theme-closed"}
    assert len(accepted) >= 8
    assert refused["theme-closed"] >= 8
    boundary = await closed_at(store, theme)
    recorded = {
        str(entry.originator_id): entry.id
        for entry in await store.page(0, limit=100_000)
        if entry.topic == "contribution.submitted.v1"
    }
    assert all(recorded[identifier] < boundary for identifier in accepted)


async def queued(store: PostgresStore, requests: int) -> None:
    """Returns once so many requests wait in the appender or are under way."""
    while store.appender.pending < requests:
        await asyncio.sleep(0.001)
