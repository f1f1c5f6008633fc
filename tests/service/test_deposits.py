"""A text is recorded once, whatever is retried, and its author leaves with the same receipt each time."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from msgspec.structs import replace

from adapters import notes, receipts
from adapters.memory import MemoryStore
from adapters.memory_keyring import MemoryKeyring
from adapters.promises import Promise, Promises, promise_of
from adapters.sealing import KeyringSealer, Opening, commitment
from adapters.store import NO_STREAMS, Unavailable
from domain.consultation import AdoptCharter, CloseTheme, ExtendTheme
from domain.contribution import Submitted, Withdraw
from domain.errors import Refused
from domain.record import CODEC, topic
from service.deposits import Deposit, Deposits, Receipt
from service.handler import Handle
from service.problems import KeyReused, Missing
from tests.service.definitions import CLAUSES, CLOSES, PROMISES, SLUG, opened

SECRET = b"s" * 32
KEY = "k" * 22
DEPOSIT = Deposit("archives", 1, "Tout garder, sans tri.")


class Desk:
    """Deposits on a store in memory, with the consultation open."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.handle = Handle(self.store)
        self.sealer = KeyringSealer(MemoryKeyring())
        self.deposits = Deposits(self.handle, self.sealer, SECRET, PROMISES)

    async def submitted(self) -> list[tuple[UUID, Submitted]]:
        entries = await self.store.page(0, limit=10_000)
        return [
            (UUID(str(entry.originator_id)), CODEC.decode(entry.topic, entry.state))
            for entry in entries
            if entry.topic == topic(Submitted)
        ]


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await opened(desk.handle)
    return desk


async def test_a_receipt_opens_what_was_recorded(desk: Desk) -> None:
    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    ((stream, event),) = await desk.submitted()
    (clear,) = await desk.sealer.unseal([Opening(stream, 1, topic(event), event.sealed)])
    assert receipt.contribution == stream
    assert receipts.code_digest(receipt.code) == event.code_digest
    assert receipt.commitment == event.commitment == commitment(topic(event), {"text": DEPOSIT.text}, receipt.blind)
    assert clear is not None
    assert clear.fields == {"text": DEPOSIT.text}
    assert DEPOSIT.text.encode() not in CODEC.encode(event)


async def test_a_retry_meets_the_same_receipt(desk: Desk) -> None:
    first = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    assert await desk.deposits.accept(SLUG, KEY, DEPOSIT) == first
    assert len(await desk.submitted()) == 1


async def test_many_at_once_under_one_key_make_one_contribution(desk: Desk) -> None:
    met = await asyncio.gather(*(desk.deposits.accept(SLUG, KEY, DEPOSIT) for _ in range(16)))

    assert met == [met[0]] * 16
    assert len(await desk.submitted()) == 1


async def test_a_retry_after_the_closing_meets_the_same_receipt(desk: Desk) -> None:
    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)
    await desk.handle.consultation(SLUG, CloseTheme("archives", CLOSES, by="system"))

    assert await desk.deposits.accept(SLUG, KEY, DEPOSIT) == receipt
    with pytest.raises(Refused) as refused:
        await desk.deposits.accept(SLUG, "l" * 22, DEPOSIT)
    assert refused.value.code == "theme-closed"


async def test_another_body_under_the_same_key_is_refused(desk: Desk) -> None:
    await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    for other in (
        replace(DEPOSIT, text="Autre chose."),
        replace(DEPOSIT, theme="french-language"),
        replace(DEPOSIT, channel="paper"),
    ):
        with pytest.raises(KeyReused):
            await desk.deposits.accept(SLUG, KEY, other)
    assert len(await desk.submitted()) == 1


async def test_what_was_withdrawn_is_not_deposited_again_by_its_key(desk: Desk) -> None:
    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)
    await desk.handle.contribution(receipt.contribution, Withdraw(receipts.code_digest(receipt.code)))

    with pytest.raises(Refused) as refused:
        await desk.deposits.accept(SLUG, KEY, DEPOSIT)
    assert refused.value.code == "erased"


async def test_a_commitment_made_before_is_refused(desk: Desk) -> None:
    chosen = replace(DEPOSIT, blind=b"b" * 32)
    await desk.deposits.accept(SLUG, KEY, chosen)

    with pytest.raises(Refused) as refused:
        await desk.deposits.accept(SLUG, "l" * 22, chosen)
    assert refused.value.code == "commitment-used"
    assert refused.value.details == {"field": "blind"}


async def test_what_changed_since_memory_was_read_is_read_again(desk: Desk) -> None:
    """Another process closes, extends, adopts: this one decides on what stands now, not on what it remembers."""
    await desk.deposits.warm(SLUG)
    elsewhere = Handle(desk.store)
    await elsewhere.consultation(SLUG, ExtendTheme("archives", CLOSES.replace(year=2027), "Peu de réponses.", by="system"))
    await elsewhere.consultation(SLUG, AdoptCharter(CLAUSES, "Une coquille.", by="system"))

    with pytest.raises(Refused) as refused:
        await desk.deposits.accept(SLUG, KEY, DEPOSIT)
    assert refused.value.code == "charter-superseded"
    assert isinstance(await desk.deposits.accept(SLUG, KEY, replace(DEPOSIT, charter=2)), Receipt)


@pytest.mark.parametrize("since", [0, 1], ids=["ahead of the log", "beside the log"])
async def test_what_memory_holds_of_a_log_that_was_restored_from_a_backup_is_forgotten(desk: Desk, since: int) -> None:
    backup = await desk.store.page()
    await Handle(desk.store).consultation(SLUG, AdoptCharter(CLAUSES, "Une coquille.", by="system"))
    await desk.deposits.warm(SLUG)
    restored = MemoryStore()
    await restored.append(backup)
    for _ in range(since):
        await Handle(restored).consultation(
            SLUG, ExtendTheme("archives", CLOSES.replace(year=2027), "Peu de réponses.", by="system")
        )
    desk.handle.store = desk.store = restored

    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    assert (receipt.charter, [stream for stream, _ in await desk.submitted()]) == (1, [receipt.contribution])


async def test_a_consultation_that_is_not_there_is_missing(desk: Desk) -> None:
    with pytest.raises(Missing):
        await desk.deposits.accept("nowhere", KEY, DEPOSIT)


class Breaking(MemoryStore):
    """Commits, and then loses the answer; or refuses before."""

    breaks = ""

    async def append(self, events: Sequence[StoredEvent], given: Mapping[UUID, int] = NO_STREAMS) -> list[int]:
        if self.breaks == "before":
            raise Unavailable("PostgreSQL is away")
        positions = await super().append(events, given)
        if self.breaks == "after":
            raise Unavailable("the connection broke", uncertain=True)
        return positions


async def test_an_answer_lost_after_the_commit_is_found_again() -> None:
    store = Breaking()
    desk = Desk(store)
    await opened(desk.handle)
    store.breaks = "after"

    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    assert receipt.contribution == (await desk.submitted())[0][0]


async def test_nothing_is_recorded_while_the_store_is_away_and_the_retry_is_the_first() -> None:
    store = Breaking()
    desk = Desk(store)
    await opened(desk.handle)
    store.breaks = "before"
    with pytest.raises(Unavailable):
        await desk.deposits.accept(SLUG, KEY, DEPOSIT)
    assert await desk.submitted() == []

    store.breaks = ""
    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    assert [stream for stream, _ in await desk.submitted()] == [receipt.contribution]


async def test_the_receipt_promises_the_commitment_that_is_recorded(desk: Desk) -> None:
    receipt = await desk.deposits.accept(SLUG, KEY, DEPOSIT)

    note = notes.parsed(receipt.promise)
    assert notes.verified(note, [PROMISES.verifier]) == [PROMISES.verifier]
    ((_, event),) = await desk.submitted()
    assert promise_of(note) == Promise("consultation.example", event.commitment, 604_800)
    for told in (str(receipt.contribution), receipt.code, DEPOSIT.theme, SLUG):
        assert told not in receipt.promise


async def test_another_process_gives_the_same_receipt_byte_for_byte(desk: Desk) -> None:
    first = msgspec.json.encode(await desk.deposits.accept(SLUG, KEY, DEPOSIT))
    restarted = Deposits(Handle(desk.store), desk.sealer, SECRET, Promises("consultation.example", b"p" * 32, 604_800))

    assert msgspec.json.encode(await restarted.accept(SLUG, KEY, DEPOSIT)) == first


async def test_two_identical_texts_give_receipts_that_share_nothing_secret(desk: Desk) -> None:
    one, other = [await desk.deposits.accept(SLUG, key, DEPOSIT) for key in (KEY, "l" * 22)]

    for member in ("contribution", "code", "commitment", "blind", "promise"):
        assert getattr(one, member) != getattr(other, member)


async def test_nothing_is_promised_for_what_is_not_recorded() -> None:
    class Counting(Promises):
        made = 0

        def of(self, commitment: bytes) -> str:
            self.made += 1
            return super().of(commitment)

    store, promises = MemoryStore(), Counting("consultation.example", b"p" * 32, 604_800)
    await opened(Handle(store))
    deposits = Deposits(Handle(store), KeyringSealer(MemoryKeyring()), SECRET, promises)

    with pytest.raises(Refused):
        await deposits.accept(SLUG, KEY, replace(DEPOSIT, charter=7))
    assert promises.made == 0
    await deposits.accept(SLUG, KEY, DEPOSIT)
    assert promises.made == 1
