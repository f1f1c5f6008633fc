"""An erasure is finished whatever died in the middle, a restored keyring forgets again, and no key stays that nothing needs."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from adapters.embedded import Servers
from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.keyring import PostgresKeyring
from adapters.records import event_of
from adapters.sealing import Closing, KeyringSealer
from adapters.store import Unavailable
from domain import publication
from domain.contribution import AssignReview, Erase, Erased, Keep
from domain.errors import Refused
from domain.publication import Prepared
from domain.record import erasure_stream
from projections.runner import wait_for
from service.deposits import Receipt
from service.erasure import reconcile, sweep
from service.follow_up import FollowUp
from service.handler import CONTRIBUTION, PUBLICATION, Act
from service.reaping import reap
from service.statements import UNSEALED, act, history
from service.wiring import Resources
from service.workers import ERASER, Eraser
from tests.service.definitions import DURING, SLUG
from tests.service.screened import consulting, deposit, kept_of, screen

TEXT: Final = "Un texte que son auteur regrettera, assez long pour être comparé à d'autres textes du même genre."
WAIT_S: Final = 20.0


@pytest.fixture
async def shared(servers: Servers, tmp_path: Path) -> AsyncIterator[Resources]:
    async with consulting(servers, tmp_path) as shared:
        yield shared


class Crash(Exception):  # noqa: N818 - stands for a process that dies here
    """The process dies."""


async def public(shared: Resources, text: str = TEXT) -> Receipt:
    """A contribution that the public sees."""
    receipt = await deposit(shared, text)
    head = await shared.store.head()
    await shared.handle.contribution(receipt.contribution, AssignReview(uuid4(), "mona", DURING, 600, head))
    await shared.handle.contribution(receipt.contribution, Keep("mona", DURING))
    return receipt


async def bundle(shared: Resources, *, published: bool) -> UUID:
    """A bundle of the present; its files say nothing, the log says what it shows."""
    stream, head = uuid4(), await shared.store.head()
    await shared.handle.begin(stream, SLUG, [Prepared(SLUG, "snapshot", head, b"", "karim", head)], {})
    if published:
        await shared.handle.execute(PUBLICATION, stream, _publish)
    written(shared, stream)
    return stream


def written(shared: Resources, stream: UUID) -> None:
    (shared.publications.folder / str(stream)).mkdir(parents=True)
    (shared.publications.folder / str(stream) / "contributions.json").write_text(TEXT, encoding="utf-8")
    (shared.publications.folder / f"{stream}.zip").write_text(TEXT, encoding="utf-8")


async def _publish(_: Any, __: int) -> Act[publication.Command]:
    return Act(publication.Publish("https://exemple.fr", "karim", 0))


def files(shared: Resources, stream: UUID) -> list[Path]:
    return sorted(shared.publications.folder.glob(f"{stream}*"))


async def work(shared: Resources) -> None:
    """Run the eraser until it has come to the head of the log. Raises what it raises."""
    running = asyncio.create_task(Eraser(shared).run())
    waiting = asyncio.create_task(wait_for(shared.pool, ERASER, await shared.store.head(), WAIT_S))
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        waiting.cancel()
        running.result()
    assert await waiting
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def withdraw(shared: Resources, receipt: Receipt, sealer: Any = None) -> None:
    await FollowUp(shared.handle, sealer or shared.sealer, shared.clock).withdraw(receipt.contribution, receipt.code)


class Dies(KeyringSealer):
    """A sealer whose process dies at the destruction of keys: before it, or once it is done."""

    def __init__(self, sealer: Any, *, done: bool) -> None:
        super().__init__(MemoryKeyring())
        self._real, self._done = sealer, done

    async def destroy(self, stream: UUID) -> int:
        if self._done:
            await self._real.destroy(stream)
        raise Crash

    async def destroyed_streams(self) -> list[UUID]:
        streams: list[UUID] = await self._real.destroyed_streams()
        return streams


class HalfRemoved:
    """Publications whose process dies when so many of a bundle's two parts are removed."""

    def __init__(self, shared: Resources, parts: int) -> None:
        self._real, self._parts = shared.publications, parts
        self.folder, self.archive = self._real.folder, self._real.archive

    def remove(self, stream: UUID) -> None:
        for path in sorted(self.folder.glob(f"{stream}*"), reverse=True)[: self._parts]:
            self._real.discard(path)
        raise Crash


async def test_an_erasure_is_finished_by_the_worker_wherever_it_broke_off(shared: Resources) -> None:
    doomed, other = await public(shared), await public(shared, f"{TEXT} Un autre.")
    await screen(shared)
    shown, prepared = await bundle(shared, published=True), await bundle(shared, published=False)
    assert await kept_of(shared, doomed.contribution)

    with pytest.raises(Crash):  # the process that recorded the event dies before the keys
        await withdraw(shared, doomed, Dies(shared.sealer, done=False))
    later = await bundle(shared, published=True)
    crashes: list[Resources] = [
        replace(shared, sealer=Dies(shared.sealer, done=False)),
        replace(shared, sealer=Dies(shared.sealer, done=True)),
        *(replace(shared, publications=HalfRemoved(shared, parts)) for parts in (0, 1, 2)),
    ]
    for crashed in crashes:
        with pytest.raises(Crash):
            await work(crashed)
    assert await shared.sealer.destroyed_streams() == [doomed.contribution]
    assert len(files(shared, prepared)) + len(files(shared, shown)) == 2, "one bundle is left"

    for _ in range(2):
        await work(shared)
        await shared.pool.execute("UPDATE registre.tracking SET position = 0 WHERE follower = $1", ERASER)  # and once more
    assert await kept_of(shared, doomed.contribution) == 0
    assert files(shared, shown) == files(shared, prepared) == []
    assert len(files(shared, later)) == 2
    status = await shared.follow_up.status(other.contribution, other.code)
    assert status.text == f"{TEXT} Un autre."
    gone = await shared.follow_up.status(doomed.contribution, doomed.code)
    assert (gone.text, gone.status, gone.decisions[-1].cause) == (None, "withdrawn", "withdrawal")


async def test_where_the_keyring_is_away_the_erasure_stands_and_is_finished_later(shared: Resources) -> None:
    doomed = await public(shared)

    class Away(Dies):
        async def destroy(self, stream: UUID) -> int:
            raise Unavailable(f"away from {stream}")

    await withdraw(shared, doomed, Away(shared.sealer, done=False))
    assert await shared.sealer.destroyed_streams() == []
    await work(shared)
    assert await shared.sealer.destroyed_streams() == [doomed.contribution]


async def test_erasing_twice_is_refused_as_erased_and_changes_nothing(shared: Resources) -> None:
    doomed = await public(shared)
    await withdraw(shared, doomed)
    head = await shared.store.head()
    for again in (withdraw(shared, doomed), erase(shared, doomed.contribution)):
        with pytest.raises(Refused) as refused:
            await again
        assert refused.value.code == "erased"
    assert await shared.store.head() == head


async def erase(shared: Resources, stream: UUID, reason: str = "Demande de Jeanne Martin.") -> None:
    async def build(state: Any, version: int) -> Act[Any]:
        return await act(shared.sealer, erasure_stream(stream), version, state, Erase("karim", "request", *UNSEALED), reason)

    await shared.handle.execute(CONTRIBUTION, stream, build)
    await shared.sealer.destroy(stream)


async def test_the_reason_rests_sealed_outlives_the_text_and_can_be_forgotten_itself(shared: Resources) -> None:
    doomed = await public(shared)
    await erase(shared, doomed.contribution)

    entries = await shared.store.stream(doomed.contribution)
    assert b"Martin" not in entries[-1].state
    past = await history(shared.sealer, entries, only=Erased)
    assert past.last(Erased) == (event_of(entries[-1]), "Demande de Jeanne Martin.")
    told = (await shared.follow_up.status(doomed.contribution, doomed.code)).decisions[-1]
    assert (told.kind, told.cause, told.statement) == ("erased", "request", "Demande de Jeanne Martin.")
    await shared.sealer.destroy(erasure_stream(doomed.contribution))
    assert (await shared.follow_up.status(doomed.contribution, doomed.code)).decisions[-1].statement is None


async def test_a_bundle_that_was_being_prepared_while_a_text_was_erased_is_removed(shared: Resources) -> None:
    doomed = await public(shared)
    seen = await shared.store.head()
    await withdraw(shared, doomed)
    late, heeding = uuid4(), uuid4()
    for stream, heeds in ((late, seen), (heeding, seen + 1)):
        written(shared, stream)
        await shared.handle.begin(stream, SLUG, [Prepared(SLUG, "snapshot", seen, b"", "karim", heeds)], {})
    await work(shared)

    assert files(shared, late) == []
    assert len(files(shared, heeding)) == 2


async def test_what_a_killed_preparation_left_is_swept_once_it_is_old(shared: Resources) -> None:
    known, young, old = await bundle(shared, published=False), uuid4(), uuid4()
    folder = shared.publications.folder
    for stream in (young, old):
        written(shared, stream)
    (folder / f".{old}.new").mkdir()
    (folder / "letter.txt").write_text("Chère ministre,")
    for path in (*files(shared, old), *files(shared, known), folder / f".{old}.new", folder / "letter.txt"):
        os.utime(path, (0, 0))

    assert await sweep(shared.store, folder) == sorted([f".{old}.new", str(old), f"{old}.zip"])
    assert [len(files(shared, each)) for each in (known, young, old)] == [2, 2, 0]
    assert (folder / "letter.txt").exists()


async def test_a_restored_keyring_forgets_again_what_the_log_says_is_erased(shared: Resources) -> None:
    doomed, other = await public(shared), await public(shared, f"{TEXT} Un autre.")
    connection = await asyncpg.connect(shared.located.keyring_url)
    await connection.execute("CREATE TABLE backup AS TABLE keyring.key")
    await withdraw(shared, doomed)
    # As a restored backup: the keys are there again, and what was destroyed after it is not remembered.
    await connection.execute("ALTER TABLE keyring.destroyed DISABLE TRIGGER USER; DELETE FROM keyring.destroyed")
    await connection.execute("ALTER TABLE keyring.destroyed ENABLE TRIGGER USER")
    await connection.execute("INSERT INTO keyring.key SELECT * FROM backup ON CONFLICT DO NOTHING")
    entries = await shared.store.stream(doomed.contribution)
    assert (await history(shared.sealer, entries)).texts[1] == TEXT, "it would be readable"

    await work(shared)  # the worker reconciles at its start
    assert (await history(shared.sealer, entries)).texts[1] is None
    assert await shared.sealer.destroyed_streams() == [doomed.contribution]
    assert await reconcile(shared.store, shared.sealer) == 0
    assert (await shared.follow_up.status(other.contribution, other.code)).text == f"{TEXT} Un autre."
    await connection.close()


async def test_keys_that_no_event_needs_are_reaped_once_they_are_old_and_no_others(shared: Resources) -> None:
    receipts = [await public(shared, f"{TEXT} {number}") for number in range(3)]
    await screen(shared)
    await erase(shared, receipts[0].contribution)
    lost, raced = Closing(uuid4(), 1, "topic", {"text": "x"}, bytes(32)), receipts[1].contribution
    orphans = await shared.sealer.seal([lost, replace(lost, stream=raced), replace(lost, stream=erasure_stream(raced))])
    keyring = await PostgresKeyring.connect(shared.located.keyring_url, shared.located.keks)

    assert await reap(shared.store, shared.located.keyring_url) == 0, "none is old"
    assert len(await keyring.fetch([each.key for each in orphans])) == 3
    assert await reap(shared.store, shared.located.keyring_url, 0) == 3
    assert await keyring.fetch([each.key for each in orphans]) == {}
    assert await reap(shared.store, shared.located.keyring_url, 0) == 0
    for number, receipt in enumerate(receipts[1:], start=1):
        assert (await shared.follow_up.status(receipt.contribution, receipt.code)).text == f"{TEXT} {number}"
    told = await shared.follow_up.status(receipts[0].contribution, receipts[0].code)
    assert told.decisions[-1].statement == "Demande de Jeanne Martin."
    await keyring.close()
