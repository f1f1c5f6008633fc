"""The doctor sees what careless or hostile hands have done to the log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from adapters.embedded import Servers
from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import create_pool
from adapters.postgres.store import PostgresStore
from adapters.sealing import KeyringSealer
from adapters.store import Draft
from service.findings import Finding
from service.settings import Settings
from service.upkeep import Opened, _log
from tests.servers import fresh_database

Examine = Callable[[str], Awaitable[dict[str, Finding]]]
"""What is found, by check, once a statement has been executed as the owner."""


@pytest.fixture
async def examine(servers: Servers) -> AsyncIterator[Examine]:
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    store = await PostgresStore.connect(database.service_url)
    pool = await create_pool(database.service_url, "registre-tests")
    owner = await asyncpg.connect(database.owner_url)
    opened = Opened(store, pool, KeyringSealer(MemoryKeyring()))

    async def examined(done: str) -> dict[str, Finding]:
        await store.append([Draft(uuid4(), 1, "noun.happened.v1", b"{}", "culture")])
        await owner.execute(done)
        return {each.check: each for each in await _log(opened, Settings())}

    yield examined
    await owner.close()
    await pool.close()
    await store.close()


async def test_nothing_is_found_in_a_log_that_nobody_has_touched(examine: Examine) -> None:
    assert [each.check for each in (await examine("SELECT")).values() if not each.ok] == []


@pytest.mark.parametrize(
    ("done", "check", "said"),
    [
        ("ALTER TABLE registre.events DISABLE TRIGGER append_only", "append-only", "not in force"),
        ("ALTER TABLE registre.events DISABLE TRIGGER ALL", "append-only", "not in force"),
        ("DROP TRIGGER append_only_truncate ON registre.events", "append-only", "not in force"),
        ("GRANT DELETE ON registre.events TO registre", "append-only", "too many rights"),
        ("UPDATE registre.head SET position = 0", "head", "stands at 0, but the log ends at 1"),
        ("UPDATE registre.head SET position = 9", "head", "stands at 9, but the log ends at 1"),
        ("UPDATE registre.clock SET shift = '2 years'", "clock", "from real time"),
        ("UPDATE registre.head SET recorded_at = now() + interval '1 day'", "clock", "ahead of the clock"),
    ],
)
async def test_what_was_done_to_the_log_is_found(examine: Examine, done: str, check: str, said: str) -> None:
    findings = await examine(done)

    assert [each.check for each in findings.values() if not each.ok] == [check]
    assert said in findings[check].finding
    assert findings[check].mend
