"""A page is remembered until its read model moves, and nothing is remembered by whoever would not hear of that."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from adapters.embedded import Servers
from projections.runner import CHANNEL
from service.remembered import Remembered
from tests.servers import Database, fresh_database


class Writer:
    """Writes another page each time."""

    def __init__(self) -> None:
        self.written = 0

    async def __call__(self) -> bytes:
        self.written += 1
        return b"page %d" % self.written


@pytest.fixture
async def database(servers: Servers) -> Database:
    return await fresh_database(servers)


@pytest.fixture
async def pages(database: Database) -> AsyncIterator[Remembered]:
    async with Remembered("themes").kept(database.owner_url) as pages:
        await until(lambda: pages._hears)
        yield pages


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def announce(database: Database, follower: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, follower)
    await connection.close()


async def test_a_page_is_written_once_until_its_read_model_moves(database: Database, pages: Remembered) -> None:
    writer = Writer()
    assert await pages.page("a", writer) == await pages.page("a", writer) == b"page 1"
    assert await pages.page("b", writer) == b"page 2"

    await announce(database, "treatment")
    await announce(database, "themes")
    await until(lambda: not pages._pages)
    assert await pages.page("a", writer) == b"page 3"


async def test_a_page_that_was_written_while_its_read_model_moved_is_not_remembered(pages: Remembered) -> None:
    writer = Writer()

    async def overtaken() -> bytes:
        pages.heard("themes")
        return await writer()

    assert await pages.page("a", overtaken) == b"page 1"
    assert await pages.page("a", writer) == b"page 2"


async def test_nothing_is_remembered_while_nobody_listens(servers: Servers, database: Database, pages: Remembered) -> None:
    writer = Writer()
    await pages.page("a", writer)
    superuser = await asyncpg.connect(servers.postgres.url("postgres", "postgres"))
    name = database.owner_url.rpartition("/")[2]
    await superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await superuser.close()

    await until(lambda: not pages._hears)
    assert await pages.page("a", writer) == b"page 2"
    await until(lambda: pages._hears)
    assert await pages.page("a", writer) == b"page 3"
    assert await pages.page("a", writer) == b"page 3"


async def test_memory_is_bounded(pages: Remembered) -> None:
    writer = Writer()
    for number in range(2_000):
        await pages.page(number, writer)
    assert len(pages._pages) <= 512
