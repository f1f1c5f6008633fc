"""A fresh log with its keyring and read models, for one test."""

from collections.abc import AsyncIterator

import pytest

from adapters.embedded import Servers
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import create_pool
from adapters.postgres.store import PostgresStore
from projections.building import SEARCH_PATH
from tests.projections.histories import World
from tests.servers import fresh_database


@pytest.fixture
async def world(servers: Servers) -> AsyncIterator[World]:
    database = await fresh_database(servers)
    await migrate(database.owner_url, service_role="registre")
    store = await PostgresStore.connect(database.service_url)
    pool = await create_pool(database.service_url, "registre-tests", search_path=SEARCH_PATH)
    yield World(store, pool)
    await pool.close()
    await store.close()
