"""A new key-encryption key: rows are wrapped anew by batches, readable whatever interrupts it, and nothing is written under the old one after."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.embedded import Servers
from adapters.key_wrapping import Kek, KekRetired, Keks, KekUnknown, KeyDamaged
from adapters.keyring import Key
from adapters.postgres import rewrapping
from adapters.postgres.keyring import MIGRATIONS, PostgresKeyring
from adapters.postgres.migrate import migrate
from adapters.postgres.rewrapping import Rewrapping
from adapters.sealing import Closing, KeyringSealer, Opening
from tests.servers import fresh_keyring

OLD: Final = Kek.of(b"o" * 32)
NEW: Final = Kek.of(b"n" * 32)
OTHER: Final = Kek.of(b"x" * 32)
BOTH: Final = Keks.fixed(NEW.secret, OLD.secret)


class Killed(Exception):  # noqa: N818 - stands for the end of the process
    """The process ends here."""


def quietly(_: int, __: int) -> None:
    """Nobody listens."""


@pytest.fixture
async def url(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> str:
    url = await fresh_keyring(servers)
    await migrate(url, MIGRATIONS)
    monkeypatch.setattr(rewrapping, "BATCH", 3)
    return url


@pytest.fixture
async def written(url: str) -> AsyncIterator[PostgresKeyring]:
    """A process that knows the old one alone."""
    keyring = await PostgresKeyring.connect(url, Keks.fixed(OLD.secret))
    yield keyring
    await keyring.close()


def keys(count: int) -> list[Key]:
    return [Key(uuid4(), uuid4(), bytes([n]) * 32) for n in range(count)]


def by_id(some: list[Key]) -> list[Key]:
    return sorted(some, key=lambda key: key.id)


async def held(url: str, keks: Keks, kept: list[Key]) -> list[Key]:
    """What a process with these key-encryption keys reads of some keys."""
    keyring = await PostgresKeyring.connect(url, keks)
    try:
        return list((await keyring.fetch([key.id for key in kept])).values())
    finally:
        await keyring.close()


async def test_every_row_is_wrapped_anew_and_told_of(url: str, written: PostgresKeyring) -> None:
    kept, told = keys(8), list[tuple[int, int]]()
    await written.insert(kept)
    async with Rewrapping.connected(url, BOTH) as work:
        before = await work.standing()
        assert (before.keys, before.previous, before.unknown) == (0, {OLD.id.hex(): 8}, {})
        assert await work.rotate(lambda done, total: told.append((done, total))) == 8
        after = await work.standing()
        assert (after.current, after.keys, after.previous, after.unknown, after.retired) == (NEW.id.hex(), 8, {}, {}, False)
        assert await work.rotate(quietly) == 0
    assert told == [(3, 8), (6, 8), (8, 8)]
    assert by_id(await held(url, Keks.fixed(NEW.secret), kept)) == by_id(kept)
    with pytest.raises(KekUnknown, match=NEW.id.hex()):
        await held(url, Keks.fixed(OLD.secret), kept)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4))
async def test_whatever_batch_is_the_last_before_a_crash_everything_is_readable_and_who_begins_again_goes_on(
    url: str, step: int
) -> None:
    ended = 0
    old, new = Kek.of(uuid4().bytes * 2), Kek.of(uuid4().bytes * 2)
    first = await PostgresKeyring.connect(url, Keks.fixed(old.secret))
    kept = keys(12)
    await first.insert(kept)
    await first.close()
    both = Keks.fixed(new.secret, old.secret)

    def die(_: int, __: int) -> None:
        nonlocal ended
        ended += 1
        if ended == step:
            raise Killed

    async with Rewrapping.connected(url, both) as work:
        with pytest.raises(Killed):
            await work.rotate(die)
        standing = await work.standing()
        assert (standing.keys, standing.previous.get(old.id.hex(), 0)) == (3 * step, 12 - 3 * step)
        assert by_id(await held(url, both, kept)) == by_id(kept)
        assert await work.rotate(quietly) == 12 - 3 * step
    assert by_id(await held(url, Keks.fixed(new.secret), kept)) == by_id(kept)


async def test_a_process_that_writes_meanwhile_takes_the_new_one_and_leaves_nothing_under_the_old(
    url: str, written: PostgresKeyring
) -> None:
    configured = [OLD.secret]
    service = await PostgresKeyring.connect(url, Keks(lambda: configured))
    await written.insert(keys(9))
    configured[:] = [NEW.secret, OLD.secret]
    late = keys(60)
    async with Rewrapping.connected(url, BOTH) as work:
        await asyncio.gather(work.rotate(quietly), *(service.insert([key]) for key in late))
        standing = await work.standing()
    await service.close()
    assert (standing.keys, standing.previous, standing.unknown) == (69, {}, {})
    assert by_id(await held(url, Keks.fixed(NEW.secret), late)) == by_id(late)


async def test_a_process_that_cannot_take_the_new_one_is_refused_and_told_why(url: str, written: PostgresKeyring) -> None:
    await written.insert(keys(1))
    async with Rewrapping.connected(url, BOTH) as work:
        await work.rotate(quietly)
    lost = keys(1)
    with pytest.raises(KekRetired, match=rf"{OLD.id.hex()} was retired .* REGISTRE_KEK"):
        await written.insert(lost)
    assert await held(url, BOTH, lost) == []


async def test_a_successor_made_known_early_is_not_retired(url: str, written: PostgresKeyring) -> None:
    await written.insert(keys(2))
    async with Rewrapping.connected(url, Keks.fixed(OLD.secret, NEW.secret)) as early:
        assert await early.rotate(quietly) == 0
    async with Rewrapping.connected(url, BOTH) as work:
        assert await work.rotate(quietly) == 2
        assert not (await work.standing()).retired


async def test_an_old_one_under_which_nothing_stands_is_retired_where_it_is_certain_which_came_first(url: str) -> None:
    async with Rewrapping.connected(url, BOTH) as work:
        await work.rotate(quietly)
    async with Rewrapping.connected(url, Keks.fixed(OLD.secret)) as old:
        assert (await old.standing()).retired


async def test_what_stands_under_an_unknown_one_is_left_and_counted(url: str, written: PostgresKeyring) -> None:
    stranger = await PostgresKeyring.connect(url, Keks.fixed(OTHER.secret))
    left = keys(2)
    await stranger.insert(left)
    await stranger.close()
    await written.insert(keys(4))
    async with Rewrapping.connected(url, BOTH) as work:
        assert await work.rotate(quietly) == 4
        standing = await work.standing()
    assert (standing.keys, standing.previous, standing.unknown) == (4, {}, {OTHER.id.hex(): 2})
    assert by_id(await held(url, Keks.fixed(OTHER.secret), left)) == by_id(left)


async def test_keys_destroyed_meanwhile_stay_destroyed(url: str, written: PostgresKeyring) -> None:
    kept = keys(9)
    await written.insert(kept)
    async with Rewrapping.connected(url, BOTH) as work:
        await asyncio.gather(work.rotate(quietly), *(written.destroy(key.stream) for key in kept[::2]))
    assert by_id(await held(url, Keks.fixed(NEW.secret), kept)) == by_id(kept[1::2])


async def test_a_row_that_was_changed_is_named_and_never_wrapped_anew(url: str, written: PostgresKeyring) -> None:
    (key,) = keys(1)
    connection = await asyncpg.connect(url)
    insert = "INSERT INTO keyring.key (id, stream, kek, wrapped) VALUES ($1, $2, $3, $4)"
    await connection.execute(insert, key.id, key.stream, OLD.id, OTHER.wrap(key.secret))
    async with Rewrapping.connected(url, BOTH) as work:
        with pytest.raises(KeyDamaged, match=str(key.id)):
            await work.rotate(quietly)
        assert (await work.standing()).previous == {OLD.id.hex(): 1}
    await connection.close()
    with pytest.raises(KeyDamaged, match=str(key.id)):
        await written.fetch([key.id])


async def test_a_key_in_clear_is_not_taken(url: str) -> None:
    connection = await asyncpg.connect(url)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO keyring.key (id, stream, kek, wrapped) VALUES ($1, $1, $2, $3)", uuid4(), NEW.id, bytes(32)
        )
    await connection.close()


async def test_a_text_sealed_under_a_key_encryption_key_that_is_not_configured_is_not_called_damaged(
    url: str, written: PostgresKeyring
) -> None:
    item = Closing(uuid4(), 1, "contribution.submitted.v1", {"text": "Bonjour"}, bytes(32))
    (sealed,) = await KeyringSealer(written).seal([item])
    stranger = KeyringSealer(await PostgresKeyring.connect(url, Keks.fixed(NEW.secret)))
    with pytest.raises(KekUnknown, match=OLD.id.hex()):
        await stranger.unseal([Opening(item.stream, item.version, item.topic, sealed)])
    await stranger.close()
