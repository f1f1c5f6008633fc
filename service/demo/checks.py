"""What must hold at the end: read models equal their rebuilding, the stream equals the log, every receipt opens its text."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, convert, to_builtins

from adapters.nats.relay import last_sequence, log_digest, stream_digest
from adapters.notes import Verifier
from projections import building
from projections.runner import wait_for
from service import deposits
from service.answers import Receipt
from service.client import Client, Told
from service.demo.stage import Stage, until
from service.flags import SCREENING
from service.importer import spread
from service.receipt.verifying import verify
from service.upkeep import Opened, opened

PATIENCE_S: Final = 120.0
AT_ONCE: Final = 16


class Equalities(Struct, frozen=True):
    events: int
    """Position of the log's head, at which both hold or do not."""
    replay_equal: bool
    stream_equal: bool


async def equalities(stage: Stage) -> Equalities:
    """Compare at the head of a log that rests: once everything has been screened. Raises NotPlayed when a follower does not get there."""
    located = stage.located
    async with opened(located) as on:

        async def rested() -> int | None:
            head = await on.store.head()
            screened = await wait_for(on.pool, SCREENING, head, PATIENCE_S)
            return head if screened and head == await on.store.head() else None

        head = await until(rested, PATIENCE_S, "screening to reach the head of the log")

        async def relayed() -> bool | None:
            return await last_sequence(located.nats_url) >= head or None

        await until(relayed, PATIENCE_S, "the relay to reach the head of the log")
        replays = [await _replay_equal(on, name, head) for name in building.NAMES]
        streamed = await stream_digest(located.nats_url, head)
        return Equalities(head, all(replays), streamed == await log_digest(on.store, head))


async def _replay_equal(on: Opened, name: str, head: int) -> bool:
    """Whether a read model in service has the digest of one rebuilt in another schema."""
    if not await wait_for(on.pool, name, head, PATIENCE_S):
        return False
    served = await building.digest(on.pool, name)
    async with building.replayed(on.store, on.pool, building.projections(on.sealer)[name], head) as schema:
        return served == await building.digest(on.pool, schema)


def receipts_verified(receipts: Mapping[int, Receipt], texts: Mapping[int, str], key: Verifier) -> int:
    """How many receipts verify without the service: by its public key and the text that was deposited."""
    return sum(
        verify(convert(to_builtins(receipt), deposits.Receipt), [key], texts[row]).verdict == "verified"
        for row, receipt in receipts.items()
    )


async def receipts_found(client: Client, receipts: Mapping[int, Receipt], texts: Mapping[int, str]) -> int:
    """How many receipts open their contribution with the text that was deposited, byte for byte, or without it once it is withdrawn."""
    found = 0

    async def look_up(row: int) -> None:
        nonlocal found
        receipt = receipts[row]
        try:
            status = await client.status(receipt.contribution, receipt.code)
        except Told:
            return
        found += status.text is None if status.status == "withdrawn" else status.text == texts[row]

    await spread(receipts, look_up, AT_ONCE)
    return found
