"""A consultation with everything that the worker has, and screening brought up to the head of the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from adapters.embedded import Servers
from adapters.postgres.keyring import MIGRATIONS
from adapters.postgres.migrate import migrate
from adapters.records import event_of
from adapters.sealing import Closing
from adapters.store import Entry
from domain.consultation import Opened
from domain.contribution import Event, Flagged, Submitted
from domain.record import consultation_stream, topic
from domain.screening import Finding
from projections.runner import wait_for
from service.deposits import Deposit, Receipt
from service.flags import SCREENING, flags
from service.screening import Screening
from service.settings import Settings
from service.statements import history
from service.wiring import Resources, resources
from tests.servers import fresh_database, fresh_keyring
from tests.service.definitions import SEED, SLUG
from tests.service.definitions import history as history_of

WAIT_S: Final = 20.0


@asynccontextmanager
async def consulting(servers: Servers, tmp_path: Path) -> AsyncIterator[Resources]:
    """The resources of a process, whose consultation takes deposits."""
    database, keyring_url = await fresh_database(servers), await fresh_keyring(servers)
    await migrate(database.owner_url, service_role="registre")
    await migrate(keyring_url, MIGRATIONS)
    keys = tmp_path / "jwks.json"
    keys.write_text('{"keys": []}', encoding="utf-8")
    settings = Settings(
        database_url=database.service_url, keyring_url=keyring_url, nats_url=servers.nats_url, data=tmp_path, issuer="https://staff.example",
        jwks=str(keys), receipt_secret=b"r" * 32, staff_secret=b"s" * 32, promise_key=b"p" * 32, kek=b"k" * 32,
        origin="consultation.example",
    )  # fmt: skip
    async with resources(settings) as shared:
        await _opened(shared)
        yield shared


async def _opened(shared: Resources) -> None:
    """Its texts are held from public view, and its seed is sealed as the service seals it."""
    stream, happened = consultation_stream(SLUG), history_of("before")
    for version, event in enumerate(happened, start=1):
        if isinstance(event, Opened):
            (seed,) = await shared.sealer.seal([Closing(stream, version, topic(Opened), {"seed": SEED.hex()}, bytes(32))])
            happened[version - 1] = replace(event, queue_seed=seed)
    await shared.handle.begin(stream, SLUG, happened, {})


async def deposit(shared: Resources, text: str, number: int = 0) -> Receipt:
    """Under a key that the text and the number make."""
    return await shared.deposits.accept(SLUG, f"{hash(text):024x}{number:04}", Deposit("archives", 1, text))


async def screen(shared: Resources, screening: Screening | None = None) -> None:
    """Run the follower until it has come to the head of the log. Raises what it raises."""
    running = asyncio.create_task((screening or Screening(shared)).run())
    while True:
        head = await shared.store.head()
        waiting = asyncio.create_task(wait_for(shared.pool, SCREENING, head, WAIT_S))
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            waiting.cancel()
            running.result()
        assert await waiting
        if head == await shared.store.head():
            break
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def entries(shared: Resources, stream: UUID) -> list[Entry]:
    return await shared.store.stream(stream)


async def events(shared: Resources, stream: UUID) -> list[Event]:
    return [event_of(entry) for entry in await entries(shared, stream)]


async def flagged(shared: Resources, stream: UUID) -> list[str]:
    """Under which rules a contribution has been screened."""
    return [event.rules for event in await events(shared, stream) if isinstance(event, Flagged)]


async def found(shared: Resources, stream: UUID) -> list[Finding] | None:
    """What the reviewer would be shown."""
    past = await history(shared.sealer, await entries(shared, stream))
    return await flags(shared.handle, shared.sealer, past)


async def kept(shared: Resources) -> dict[str, list[Any]]:
    """Everything by which texts are compared."""
    connection = await asyncpg.connect(shared.located.keyring_url)
    try:
        return {
            table: [tuple(row) for row in await connection.fetch(f"SELECT * FROM keyring.{table} ORDER BY 1, 2")]
            for table in ("likeness", "bucket")
        }
    finally:
        await connection.close()


async def kept_of(shared: Resources, stream: UUID) -> int:
    return sum(stream in row for rows in (await kept(shared)).values() for row in rows)


async def submissions(shared: Resources) -> int:
    return sum(entry.topic == topic(Submitted) for entry in await shared.store.page(limit=10_000))
