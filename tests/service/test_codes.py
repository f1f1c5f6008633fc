"""A wrong code, an erased contribution and one that is not there: the same work, the same beat, the same answer. A right code always opens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters import receipts
from adapters.memory import MemoryStore
from adapters.memory_keyring import MemoryKeyring
from adapters.sealing import KeyringSealer
from adapters.store import Entry
from domain.errors import Refused
from service import codes
from service.codes import BEAT_S, BURST, REFILL_S, Codes
from service.deposits import Deposit, Deposits, Receipt
from service.follow_up import FollowUp
from service.handler import Handle
from service.problems import WrongTooOften
from tests.service.definitions import PROMISES, SLUG, FixedClock, opened

WRONG = "0" * 32


class Watched(MemoryStore):
    """Counts what is asked of it. Each look-up takes some of the time that is told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.now = 100.0
        self.takes_s = 0.003

    async def stream(self, stream: UUID, **more: Any) -> list[Entry]:
        self.asked += 1
        self.now += self.takes_s
        await asyncio.sleep(0)
        return await super().stream(stream, **more)


class Desk:
    def __init__(self) -> None:
        self.store = Watched()
        self.handle = Handle(self.store)
        self.sealer = KeyringSealer(MemoryKeyring())
        self.deposits = Deposits(self.handle, self.sealer, b"s" * 32, PROMISES)
        self.pauses: list[float] = []
        self.codes = Codes(self.handle, lambda: self.store.now, self._pause)
        self.follow_up = FollowUp(self.handle, self.sealer, FixedClock(), self.codes)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.store.now += seconds

    async def receipt(self, key: str = "k" * 22) -> Receipt:
        return await self.deposits.accept(SLUG, key, Deposit("archives", 1, "Tout garder."))

    async def flooded(self, stream: UUID) -> None:
        for _ in range(BURST):
            with pytest.raises(Refused):
                await self.codes.admit(stream, WRONG)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await opened(desk.handle)
    return desk


Asks = Callable[[FollowUp, UUID, str], Awaitable[object]]
ASKS: list[Asks] = [
    lambda follow_up, stream, code: follow_up.status(stream, code),
    lambda follow_up, stream, code: follow_up.appeal(stream, code, "Non."),
    lambda follow_up, stream, code: follow_up.answer(stream, code, uuid4(), "Oui."),
    lambda follow_up, stream, code: follow_up.withdraw(stream, code),
]


async def test_whatever_fails_fails_after_the_same_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there, erased = await desk.receipt(), await desk.receipt("l" * 22)
    await desk.follow_up.withdraw(erased.contribution, erased.code)
    compared = 0
    same = receipts.same

    def counting(one: bytes, other: bytes) -> bool:
        nonlocal compared
        assert len(one) == len(other) == 32
        compared += 1
        return same(one, other)

    monkeypatch.setattr(receipts, "same", counting)
    consultation = UUID(str((await desk.store.page(0, limit=1))[0].originator_id))
    cases = [
        (there.contribution, WRONG), (there.contribution, erased.code), (there.contribution, "no code"), (there.contribution, ""), (erased.contribution, WRONG),
        (uuid4(), WRONG), (uuid4(), there.code), (uuid4(), "no code"), (consultation, WRONG), (consultation, "no code"),
    ]  # fmt: skip
    work = set()
    for ask in ASKS:
        for stream, code in cases:
            desk.codes = desk.follow_up._codes = Codes(desk.handle, lambda: desk.store.now, desk._pause)
            asked, compared, desk.pauses, began = desk.store.asked, 0, [], desk.store.now
            with pytest.raises(Refused) as refused:
                await ask(desk.follow_up, stream, code)
            took_s = round(desk.store.now - began, 6)
            work.add((refused.value.code, desk.store.asked - asked, compared, len(desk.pauses), took_s))
    assert work == {("wrong-code", 1, 1, 1, BEAT_S)}


@pytest.mark.parametrize("takes_s", [0.0, 0.001, 0.049, 0.051, 0.3])
async def test_failing_answers_leave_at_the_beat_whatever_they_cost(desk: Desk, takes_s: float) -> None:
    desk.store.takes_s, began = takes_s, desk.store.now
    with pytest.raises(Refused):
        await desk.codes.admit(uuid4(), WRONG)
    beats = (desk.store.now - began) / BEAT_S
    assert beats == pytest.approx(round(beats))
    assert sum(desk.pauses) <= BEAT_S


async def test_a_right_code_waits_for_nothing(desk: Desk) -> None:
    receipt = await desk.receipt()
    entries = await desk.codes.admit(receipt.contribution, receipt.code.lower().replace("-", " "))
    assert (len(entries), desk.pauses) == (1, [])


async def test_many_wrong_codes_are_answered_from_memory_with_when_to_come_back(desk: Desk) -> None:
    receipt = await desk.receipt()
    desk.store.takes_s = 0
    for stream in (receipt.contribution, uuid4()):
        await desk.flooded(stream)
        asked = desk.store.asked
        with pytest.raises(WrongTooOften) as throttled:
            await desk.codes.admit(stream, WRONG)
        assert 1 <= throttled.value.retry_after_s <= REFILL_S
        assert desk.store.asked == asked


async def test_whoever_waits_as_told_is_looked_up_again(desk: Desk) -> None:
    receipt = await desk.receipt()
    await desk.flooded(receipt.contribution)
    with pytest.raises(WrongTooOften) as throttled:
        await desk.codes.admit(receipt.contribution, WRONG)
    desk.store.now += throttled.value.retry_after_s
    with pytest.raises(Refused):
        await desk.codes.admit(receipt.contribution, WRONG)


async def test_a_flood_of_wrong_codes_does_not_lock_the_author_out(desk: Desk) -> None:
    receipt = await desk.receipt()
    await desk.flooded(receipt.contribution)
    for _ in range(3 * BURST):
        with pytest.raises(WrongTooOften):
            await desk.codes.admit(receipt.contribution, WRONG)
        assert (await desk.follow_up.status(receipt.contribution, receipt.code)).text == "Tout garder."
    await desk.follow_up.withdraw(receipt.contribution, receipt.code)
    assert (await desk.follow_up.status(receipt.contribution, receipt.code)).status == "withdrawn"


async def test_wrong_codes_that_arrive_together_are_counted_together(desk: Desk) -> None:
    receipt = await desk.receipt()
    tries = [desk.codes.admit(receipt.contribution, WRONG) for _ in range(5 * BURST)]
    failures = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(failure, Refused) for failure in failures) == BURST
    assert sum(isinstance(failure, WrongTooOften) for failure in failures) == 4 * BURST


async def test_right_codes_are_never_counted(desk: Desk) -> None:
    receipt = await desk.receipt()
    await asyncio.gather(*(desk.codes.admit(receipt.contribution, receipt.code) for _ in range(5 * BURST)))
    assert not desk.codes._buckets
    await desk.flooded(receipt.contribution)


async def test_one_contribution_is_not_throttled_for_another(desk: Desk) -> None:
    one, other = await desk.receipt(), await desk.receipt("l" * 22)
    await desk.flooded(one.contribution)
    with pytest.raises(Refused):
        await desk.codes.admit(other.contribution, WRONG)


async def test_a_full_table_lets_the_oldest_go_and_counts_that_it_did(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MOST", 3)
    receipt = await desk.receipt()
    await desk.flooded(receipt.contribution)
    for _ in range(3):
        with pytest.raises(Refused):
            await desk.codes.admit(uuid4(), WRONG)
    assert (len(desk.codes._buckets), desk.codes.let_go) == (3, 1)
    with pytest.raises(Refused):
        await desk.codes.admit(receipt.contribution, WRONG)
    desk.store.now += BURST * REFILL_S
    with pytest.raises(Refused):
        await desk.codes.admit(uuid4(), WRONG)
    assert desk.codes.let_go == 2, "one that is not throttled any more was let go without being counted"
