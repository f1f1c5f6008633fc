"""Each deposit is screened once under the rules, whatever crashes and whoever withdraws meanwhile; only its reviewer learns what was found."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from adapters.embedded import Servers
from adapters.nats.relay import STREAM, Relay, connected, last_sequence
from adapters.postgres.keyring import PostgresKeyring
from adapters.postgres.likenesses import Resembling
from adapters.screening import rules
from adapters.sealing import Closing, KeyringSealer, SealRefused
from domain.contribution import AssignReview, Flagged, Keep, Kept, ReviewAssigned, Submitted
from domain.screening import Category, Finding
from domain.sealed import Sealed
from projections import building
from projections.building import NAMES
from service.deposits import Receipt
from service.flags import LEAST_BYTES, written
from service.screening import AT_ONCE, Deposited, Screened, Screening
from service.wiring import Resources
from tests.service.definitions import DURING
from tests.service.screened import consulting, deposit, entries, events, flagged, found, kept, kept_of, screen, submissions

TEXT: Final = "Ouvrir les archives le dimanche, avec du personnel formé, et le dire partout à temps."
TELLING: Final = "Écrivez à serin-d4c1@exemple.fr : je suis diabétique et VOUS NE NOUS ÉCOUTEZ JAMAIS !!!"


@pytest.fixture
async def shared(servers: Servers, tmp_path: Path) -> AsyncIterator[Resources]:
    async with consulting(servers, tmp_path) as shared:
        yield shared


async def test_every_deposit_is_flagged_once_also_when_nothing_is_found(shared: Resources) -> None:
    telling, plain = await deposit(shared, TELLING), await deposit(shared, TEXT)
    assert await found(shared, plain.contribution) is None
    await screen(shared)

    assert await flagged(shared, telling.contribution) == await flagged(shared, plain.contribution) == [rules.RULES]
    assert await found(shared, plain.contribution) == []
    told = await found(shared, telling.contribution)
    assert told is not None
    assert [(each.rule, each.category, TELLING[each.start : each.end]) for each in told] == [
        ("email", None, "serin-d4c1@exemple.fr"),
        ("sensitive", "health", "diabétique"),
        ("shouting", None, "VOUS NE NOUS ÉCOUTEZ JAMAIS"),
        ("shouting", None, "!!!"),
    ]


async def test_a_duplicate_names_the_earlier_text_and_how_near_it_is(shared: Resources) -> None:
    first = await deposit(shared, TEXT)
    same, near, other = (
        await deposit(shared, TEXT, 1),
        await deposit(shared, f"Bonjour. {TEXT}"),
        await deposit(shared, "Autre chose."),
    )
    await screen(shared)

    assert await found(shared, first.contribution) == await found(shared, other.contribution) == []
    assert await found(shared, same.contribution) == [
        Finding("duplicate", rules.DUPLICATES, 0, len(TEXT), other=first.contribution, similarity=1.0, exact=True)
    ]
    told = await found(shared, near.contribution)
    assert told is not None
    assert {each.other for each in told} == {first.contribution, same.contribution}
    assert all(each.similarity is not None and 0.7 <= each.similarity < 1 and not each.exact for each in told)


async def test_a_group_is_compared_as_if_each_text_had_come_alone(shared: Resources) -> None:
    receipts = [await deposit(shared, TEXT, number) for number in range(AT_ONCE + 5)]
    await screen(shared)

    told = [await found(shared, receipt.contribution) for receipt in receipts]
    firsts = [receipt.contribution for receipt in receipts]
    assert [[each.other for each in each_told or []] for each_told in told] == [
        firsts[: min(number, 3)] for number in range(len(receipts))
    ]


class Dying(Screening):
    """Killed after its flags are in the log and before it has noted how far it came."""

    async def _advance(self, reached: int, position: int) -> int:
        raise ConnectionAbortedError(f"{reached}, {position}")


class Halfway(Screening):
    """Killed when some of a group are flagged."""

    flags = 0

    async def _flag(self, screened: Screened, near: Sequence[Resembling]) -> None:
        self.flags += 1
        if self.flags > 3:
            raise ConnectionAbortedError
        await super()._flag(screened, near)


@pytest.mark.parametrize("crashing", [Dying, Halfway])
async def test_a_crash_between_flags_and_position_leaves_each_flag_once(shared: Resources, crashing: type[Screening]) -> None:
    head = await shared.store.head()
    receipts = [await deposit(shared, TEXT, number) for number in range(7)]
    for _ in range(2):
        with pytest.raises(ConnectionAbortedError):
            await screen(shared, crashing(shared))
    await screen(shared)

    assert [await flagged(shared, receipt.contribution) for receipt in receipts] == [[rules.RULES]] * 7
    assert await shared.store.head() == head + 2 * len(receipts), "a deposit and a flag each"


async def test_two_followers_at_once_leave_each_flag_once(shared: Resources) -> None:
    receipts = [await deposit(shared, TEXT, number) for number in range(2 * AT_ONCE)]
    both = [asyncio.create_task(screen(shared)) for _ in range(2)]
    await asyncio.gather(*both, return_exceptions=True)
    await screen(shared)

    assert [await flagged(shared, receipt.contribution) for receipt in receipts] == [[rules.RULES]] * len(receipts)


async def withdraw(shared: Resources, receipt: Receipt) -> None:
    await shared.follow_up.withdraw(receipt.contribution, receipt.code)


async def test_a_withdrawal_purges_what_texts_are_compared_by(shared: Resources) -> None:
    gone, stays = await deposit(shared, TEXT), await deposit(shared, TEXT, 1)
    await screen(shared)
    assert await kept_of(shared, gone.contribution) > 0
    await withdraw(shared, gone)

    assert await kept_of(shared, gone.contribution) == 0
    assert await kept_of(shared, stays.contribution) > 0
    assert await found(shared, stays.contribution) == [], "it is not told any more whom it resembled"
    later = await deposit(shared, TEXT, 2)
    await screen(shared)
    assert [each.other for each in await found(shared, later.contribution) or []] == [stays.contribution]


async def test_what_is_withdrawn_before_it_is_screened_leaves_nothing(shared: Resources) -> None:
    gone = await deposit(shared, TEXT)
    await withdraw(shared, gone)
    await screen(shared)

    assert await flagged(shared, gone.contribution) == []
    assert await kept_of(shared, gone.contribution) == 0


class Overtaken(Screening):
    """Whose contributor withdraws while the text is being read, or once its likeness is kept."""

    def __init__(self, shared: Resources, receipt: Receipt, when: str) -> None:
        super().__init__(shared)
        self.receipt = receipt
        self.when = when

    async def _examined(self, texts: Sequence[Deposited]) -> list[Screened]:
        screened = await super()._examined(texts)
        if self.when == "read":
            await withdraw(self._shared, self.receipt)
        return screened

    async def _flag(self, screened: Screened, near: Sequence[Resembling]) -> None:
        if self.when == "kept":
            assert await kept_of(self._shared, self.receipt.contribution) > 0
            await withdraw(self._shared, self.receipt)
        await super()._flag(screened, near)


@pytest.mark.parametrize("when", ["read", "kept"])
async def test_a_withdrawal_that_overtakes_screening_leaves_nothing(shared: Resources, when: str) -> None:
    gone = await deposit(shared, TEXT)
    await screen(shared, Overtaken(shared, gone, when))

    assert await flagged(shared, gone.contribution) == []
    assert await kept_of(shared, gone.contribution) == 0
    assert not await shared.sealer.destroy(gone.contribution), "no key is left"


class ErasedWhileSealing(KeyringSealer):
    """The contributor withdraws when the findings are about to be sealed."""

    refused: list[UUID]

    async def seal(self, items: Sequence[Closing]) -> list[Sealed]:
        self.refused = [item.stream for item in items]
        for item in items:
            await self.destroy(item.stream)
        return await super().seal(items)


async def test_nothing_is_sealed_for_what_is_erased_meanwhile(shared: Resources) -> None:
    gone = await deposit(shared, TEXT)
    sealer = ErasedWhileSealing(await PostgresKeyring.connect(shared.located.keyring_url, shared.located.keks))
    with pytest.raises(SealRefused):
        await sealer.seal([Closing(UUID(int=1), 1, "topic", {}, bytes(32))])
    await screen(replace(shared, sealer=sealer))
    await sealer.close()

    assert sealer.refused == [gone.contribution]
    assert await flagged(shared, gone.contribution) == []
    assert await kept_of(shared, gone.contribution) == 0


async def test_what_texts_are_compared_by_is_made_anew_where_it_is_lost(shared: Resources) -> None:
    receipts = [await deposit(shared, f"{TEXT} {number % 3}", number) for number in range(5)]
    await screen(shared)
    before, head = await kept(shared), await shared.store.head()
    connection = await asyncpg.connect(shared.located.keyring_url)
    await connection.execute("TRUNCATE keyring.likeness CASCADE")
    await connection.close()
    last = await deposit(shared, TEXT)
    await screen(shared)

    after = await kept(shared)
    assert all(set(before[table]) < set(after[table]) for table in before)
    assert [await flagged(shared, receipt.contribution) for receipt in [*receipts, last]] == [[rules.RULES]] * 6
    assert await shared.store.head() == head + 2


async def test_later_rules_screen_anew_what_waits_for_its_first_look(shared: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, looked_at = await deposit(shared, TEXT), await deposit(shared, TELLING)
    await screen(shared)
    await shared.handle.contribution(looked_at.contribution, AssignReview(UUID(int=5), "mona", DURING, 600, 1))
    await shared.handle.contribution(looked_at.contribution, Keep("mona", DURING))
    monkeypatch.setattr(rules, "VERSION", 2)
    monkeypatch.setattr(rules, "RULES", "screening.2")
    for _ in range(2):
        await screen(shared)

    assert await flagged(shared, waiting.contribution) == ["screening.1", "screening.2"]
    assert await flagged(shared, looked_at.contribution) == ["screening.1"]
    assert [type(event) for event in await events(shared, looked_at.contribution)] == [Submitted, Flagged, ReviewAssigned, Kept]
    assert len(await found(shared, looked_at.contribution) or []) == 4


async def test_a_text_whose_key_is_lost_is_said_aloud_and_holds_nobody_up(shared: Resources) -> None:
    receipts = [await deposit(shared, TEXT, number) for number in range(3)]
    connection = await asyncpg.connect(shared.located.keyring_url)
    await connection.execute("DELETE FROM keyring.key WHERE stream = $1", receipts[1].contribution)
    await connection.close()
    with capture_logs() as logs:
        await screen(shared)

    assert [await flagged(shared, receipt.contribution) for receipt in receipts] == [[rules.RULES], [], [rules.RULES]]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["a text cannot be screened"]


async def test_a_deposit_does_not_wait_for_screening(shared: Resources) -> None:
    """What screening writes to is locked, and no follower runs."""
    connection = await asyncpg.connect(shared.located.keyring_url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE keyring.likeness, keyring.bucket IN ACCESS EXCLUSIVE MODE")
        receipt = await asyncio.wait_for(deposit(shared, TEXT), 5)
    await connection.close()

    assert [type(event) for event in await events(shared, receipt.contribution)] == [Submitted]
    assert await submissions(shared) == 1


def test_the_http_application_knows_nothing_of_screening() -> None:
    asked = "import sys, service.app; print(sorted({'phonenumbers', 'stdnum', 'adapters.screening', 'service.screening'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout == "[]\n"


async def test_what_was_found_rests_nowhere_but_sealed(shared: Resources) -> None:
    telling, plain = await deposit(shared, TELLING), await deposit(shared, TEXT)
    await deposit(shared, f"{TELLING} Bis.")
    await screen(shared)
    head = await shared.store.head()
    for projection in building.projections(shared.sealer).values():
        await building.ensure(shared.store, shared.pool, projection)
        await building.catch_up(shared.store, shared.pool, projection, projection.name, head)
    log = [entry.state for entry in await shared.store.page(limit=1_000)]
    models = [str(row).encode() for name in NAMES for rows in (await building.dump(shared.pool, name)).values() for row in rows]
    streamed = await relayed(shared, head)
    told = await found(shared, telling.contribution)

    assert told is not None
    assert len(streamed) == len(log) == head
    for place in (log, streamed, models):
        for word in (b"serin-d4c1", b"health", b"shouting", b"duplicate", b"similarity", b"findings"):
            assert not any(word in each for each in place), word
    sizes = {len((await entries(shared, receipt.contribution))[1].state) for receipt in (telling, plain)}
    assert len(sizes) == 1, "the length does not tell whether something was found"


async def relayed(shared: Resources, head: int) -> list[bytes]:
    """The messages of the stream that downstream services read."""
    url = shared.located.nats_url
    async with connected(url) as (client, _):
        stream = client.jetstream()
        if STREAM in {info.config.name for info in await stream.streams_info()}:
            await stream.delete_stream(STREAM)
        relay = asyncio.create_task(Relay(shared.store, url).run())
        while await last_sequence(url) < head:
            assert not relay.done()
            await asyncio.sleep(0.01)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        return [(await stream.get_msg(STREAM, sequence)).data or b"" for sequence in range(1, head + 1)]


@given(st.integers(0, 300), st.sampled_from([None, "health", "political-opinions"]))
def test_findings_are_sealed_in_few_lengths_and_read_again(count: int, category: Category | None) -> None:
    findings = [Finding("sensitive", 1, number, number + 5, category) for number in range(count)]
    size = len(msgspec.json.encode(written(findings)))

    assert size >= LEAST_BYTES
    assert size.bit_count() == 1
    assert msgspec.json.decode(written(findings), type=list[Finding]) == findings
