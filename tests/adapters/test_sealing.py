"""Sealing: what was sealed comes back verbatim at its own place, and never again once erased. One suite for both keyrings."""

import asyncio
import hmac
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from adapters.embedded import Servers
from adapters.key_wrapping import Kek, Keks
from adapters.keyring import Key, Keyring
from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.keyring import MIGRATIONS, PostgresKeyring
from adapters.postgres.migrate import migrate
from adapters.sealing import Closing, KeyringSealer, Opening, SealBroken, SealRefused, Unsealed, canonical, commitment
from adapters.store import Unavailable
from domain.sealed import Sealed
from tests.servers import fresh_keyring

WAITING = """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
TOPIC = "contribution.submitted.v1"
BLIND = bytes(range(32))
KEK = b"k" * 32
VERBATIM = {"text": 'L’été &eacute; \x00\t\r\n\u2028 \U0001f3ad e\u0301 "\\/', "\ue000": "after", "\U0001f3ad": "before", "": ""}


def closing(stream: UUID | None = None, version: int = 1, fields: dict[str, str] | None = None) -> Closing:
    return Closing(stream or uuid4(), version, TOPIC, fields or {"text": "Bonjour"}, BLIND)


def opening(item: Closing, sealed: Sealed) -> Opening:
    return Opening(item.stream, item.version, item.topic, sealed)


def keys(count: int, stream: UUID) -> list[Key]:
    return [Key(uuid4(), stream, bytes([n] * 32)) for n in range(count)]


class KeyringContract(ABC):
    @pytest.fixture
    @abstractmethod
    def keyring(self) -> Keyring: ...

    @pytest.fixture
    def sealer(self, keyring: Keyring) -> KeyringSealer:
        return KeyringSealer(keyring)

    async def test_keys_come_back_and_strangers_do_not(self, keyring: Keyring) -> None:
        kept = keys(3, uuid4())
        assert await keyring.insert(kept) == frozenset()
        assert await keyring.fetch([kept[2].id, uuid4(), kept[0].id]) == {kept[0].id: kept[0], kept[2].id: kept[2]}
        assert await keyring.fetch([]) == {}

    async def test_destruction_takes_every_key_of_its_stream_and_no_other(self, keyring: Keyring) -> None:
        gone, stays = keys(3, uuid4()), keys(1, uuid4())
        await keyring.insert([*gone, *stays])
        assert await keyring.destroy(gone[0].stream) == 3
        assert await keyring.fetch([key.id for key in [*gone, *stays]]) == {stays[0].id: stays[0]}
        assert await keyring.destroy(gone[0].stream) == 0

    async def test_a_destroyed_stream_takes_no_key_while_others_of_the_batch_do(self, keyring: Keyring) -> None:
        erased, other = uuid4(), uuid4()
        assert await keyring.destroy(erased) == 0
        late, fine = keys(2, erased), keys(1, other)
        assert await keyring.insert([*late, *fine]) == {erased}
        assert await keyring.fetch([key.id for key in [*late, *fine]]) == {fine[0].id: fine[0]}

    async def test_destroyed_streams_are_listed_once_in_order(self, keyring: Keyring) -> None:
        streams = [uuid4() for _ in range(5)]
        for stream in [*streams, streams[0]]:
            await keyring.destroy(stream)
        assert await keyring.destroyed_streams() == sorted(streams)
        assert await keyring.destroyed_among([streams[1], uuid4()]) == {streams[1]}

    async def test_an_insert_at_the_same_time_is_refused_or_destroyed(self, keyring: Keyring) -> None:
        for _ in range(10):
            raced = [keys(1, uuid4())[0] for _ in range(8)]
            raced += [Key(uuid4(), raced[0].stream, bytes(32)) for _ in range(8)]
            await asyncio.gather(*(keyring.insert([key]) for key in raced), keyring.destroy(raced[0].stream))
            left = await keyring.fetch([key.id for key in raced])
            assert {key.stream for key in left.values()} == {key.stream for key in raced} - {raced[0].stream}

    async def test_what_was_sealed_comes_back_verbatim_in_order(self, sealer: KeyringSealer) -> None:
        items = [closing(fields=VERBATIM), closing(fields={"text": "x" * 19_000}), closing(fields={})]
        opened = await sealer.unseal([opening(item, each) for item, each in zip(items, await sealer.seal(items), strict=True)])
        assert opened == [Unsealed(dict(item.fields), item.blind) for item in items]
        assert await sealer.seal([]) == []
        assert await sealer.unseal([]) == []

    async def test_an_erased_text_is_gone_at_once_and_its_neighbours_stay(self, sealer: KeyringSealer) -> None:
        items = [closing(), closing()]
        sealed = [opening(item, each) for item, each in zip(items, await sealer.seal(items), strict=True)]
        assert None not in await sealer.unseal(sealed)
        assert await sealer.destroy(items[0].stream) == 1
        assert await sealer.unseal(sealed) == [None, Unsealed({"text": "Bonjour"}, BLIND)]
        assert await sealer.destroyed_streams() == [items[0].stream]

    async def test_nothing_more_is_sealed_for_an_erased_stream(self, sealer: KeyringSealer) -> None:
        item, neighbour = closing(), closing()
        await sealer.destroy(item.stream)
        refused, sealed = await asyncio.gather(sealer.seal([item]), sealer.seal([neighbour]), return_exceptions=True)
        assert isinstance(refused, SealRefused)
        assert refused.stream == item.stream
        assert isinstance(sealed, list)
        assert await sealer.unseal([opening(neighbour, sealed[0])]) == [Unsealed({"text": "Bonjour"}, BLIND)]

    async def test_a_key_lost_without_erasure_is_damage(self, sealer: KeyringSealer) -> None:
        item = closing()
        (sealed,) = await sealer.seal([item])
        stray = opening(item, msgspec.structs.replace(sealed, key=uuid4()))
        with pytest.raises(SealBroken, match=f"{item.stream}, version 1, .* does not hold its key"):
            await sealer.unseal([stray])

    async def test_a_text_opens_only_where_it_was_sealed(self, sealer: KeyringSealer) -> None:
        item = closing()
        (sealed,) = await sealer.seal([item])
        flipped = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
        for broken in (
            Opening(uuid4(), 1, TOPIC, sealed),
            Opening(item.stream, 2, TOPIC, sealed),
            Opening(item.stream, 1, TOPIC + "0", sealed),
            Opening(item.stream, 1, TOPIC, msgspec.structs.replace(sealed, ciphertext=flipped)),
            Opening(item.stream, 1, TOPIC, msgspec.structs.replace(sealed, nonce=bytes(12))),
            Opening(item.stream, 1, TOPIC, msgspec.structs.replace(sealed, nonce=b"")),
            Opening(item.stream, 1, TOPIC, msgspec.structs.replace(sealed, ciphertext=b"")),
        ):
            with pytest.raises(SealBroken) as found:
                await sealer.unseal([broken])
            assert (found.value.stream, found.value.version) == (broken.stream, broken.version)


class TestMemoryKeyring(KeyringContract):
    @pytest.fixture
    def keyring(self) -> Keyring:
        return MemoryKeyring()


class TestPostgresKeyring(KeyringContract):
    @pytest.fixture
    async def keyring(self, keyring_url: str) -> AsyncIterator[Keyring]:
        keyring = await PostgresKeyring.connect(keyring_url, Keks.fixed(KEK))
        yield keyring
        await keyring.close()

    @pytest.fixture
    async def keyring_url(self, servers: Servers) -> str:
        url = await fresh_keyring(servers)
        await migrate(url, MIGRATIONS)
        return url

    async def test_keys_and_erasures_cannot_be_changed_or_taken_back(self, keyring: Keyring, keyring_url: str) -> None:
        await keyring.insert(keys(1, uuid4()))
        await keyring.destroy(uuid4())
        statements = [
            "UPDATE keyring.key SET wrapped = decode(repeat('00', 40), 'hex')", "TRUNCATE keyring.key", "DELETE FROM keyring.retired",
            "UPDATE keyring.key SET kek = decode(repeat('00', 8), 'hex'), stream = gen_random_uuid()", "TRUNCATE keyring.retired",
            "UPDATE keyring.destroyed SET destroyed_at = now()", "DELETE FROM keyring.destroyed", "TRUNCATE keyring.destroyed",
        ]  # fmt: skip
        for statement in statements:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="forgets whole streams only"):
                await execute(keyring_url, statement)

    async def test_erasure_waits_for_an_insert_under_way_and_takes_its_keys(self, keyring: Keyring, keyring_url: str) -> None:
        (key,) = keys(1, uuid4())
        other = await asyncpg.connect(keyring_url)
        async with other.transaction():
            kek = Kek.of(KEK)
            rows = [key.id], [key.stream], [kek.wrap(key.secret)]
            await other.fetchval("SELECT keyring.insert_keys($1, $2, $3, $4)", kek.id, *rows)
            erasing = asyncio.create_task(keyring.destroy(key.stream))
            while not await other.fetch(WAITING):
                assert not erasing.done()
        assert await erasing == 1
        assert await keyring.fetch([key.id]) == {}
        await other.close()

    async def test_a_connection_cut_in_the_middle_means_unavailable_and_the_next_call_works(
        self, keyring: Keyring, keyring_url: str
    ) -> None:
        other = await asyncpg.connect(keyring_url)
        async with other.transaction():
            await other.fetchval("SELECT keyring.destroy_keys($1)", uuid4())
            waiting = asyncio.create_task(keyring.insert(keys(1, uuid4())))
            while not (pids := await other.fetch(WAITING)):
                assert not waiting.done()
            await other.execute("SELECT pg_terminate_backend($1)", pids[0]["pid"])
            with pytest.raises(Unavailable, match="PostgreSQL is away"):
                await waiting
        await other.close()
        assert await keyring.insert(keys(1, uuid4())) == frozenset()

    async def test_a_server_that_is_away_means_unavailable(self) -> None:
        with pytest.raises(Unavailable, match="PostgreSQL is away"):
            await PostgresKeyring.connect("postgresql://registre@127.0.0.1:1/registre", Keks.fixed(KEK))


class Gate(MemoryKeyring):
    """A keyring whose inserts the test lets through one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.inserts: list[int] = []
        self.arrived = asyncio.Semaphore(0)
        self.open = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def insert(self, keys: Sequence[Key]) -> frozenset[UUID]:
        self.inserts.append(len(keys))
        self.arrived.release()
        await self.open.acquire()
        if self.error is not None:
            raise self.error
        return await super().insert(keys)


async def test_seals_that_wait_for_an_insert_share_the_next() -> None:
    gate = Gate()
    sealer = KeyringSealer(gate)
    first = asyncio.create_task(sealer.seal([closing()]))
    await gate.arrived.acquire()
    others = [asyncio.create_task(sealer.seal([closing(), closing()])) for _ in range(20)]
    gate.open.release()
    await first
    await gate.arrived.acquire()
    assert gate.inserts == [1, 40]
    assert not any(task.done() for task in others), "nothing is sealed before its key is kept"
    gate.open.release()
    assert [len(sealed) for sealed in await asyncio.gather(*others)] == [2] * 20
    await sealer.close()


async def test_a_caller_who_gives_up_takes_nobody_along() -> None:
    gate = Gate()
    sealer = KeyringSealer(gate)
    hasty, patient = asyncio.create_task(sealer.seal([closing()])), asyncio.create_task(sealer.seal([closing()]))
    await gate.arrived.acquire()
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    gate.open.release()
    assert len(await patient) == 1


@pytest.mark.parametrize(("error", "kind"), [(Unavailable("away"), Unavailable), (ValueError("broken"), RuntimeError)])
async def test_each_caller_gets_a_failure_of_its_own_and_the_next_batch_is_tried(error: Exception, kind: type[Exception]) -> None:
    gate = Gate()
    gate.error = error
    sealer = KeyringSealer(gate)
    gate.open.release()
    failures = await asyncio.gather(*(sealer.seal([closing()]) for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [kind] * 3
    assert len({id(failure) for failure in failures}) == 3
    gate.error = None
    gate.open.release()
    assert len(await sealer.seal([closing()])) == 1


async def test_each_attempt_has_its_own_key_and_nonce() -> None:
    keyring, item = MemoryKeyring(), closing()
    sealed = [await KeyringSealer(keyring).seal([item, item]) for _ in range(2)]
    flat = [each for attempt in sealed for each in attempt]
    held = await keyring.fetch([each.key for each in flat])
    assert len({key.secret for key in held.values()}) == len({each.nonce for each in flat}) == 4
    assert all(len(key.secret) == 32 and key.stream == item.stream for key in held.values())


async def test_what_rests_in_the_event_is_canonical_json_under_aes_256_gcm_bound_to_its_place() -> None:
    keyring, item = MemoryKeyring(), closing(version=7, fields={"b": "é\n", "a": "\x1f"})
    (sealed,) = await KeyringSealer(keyring).seal([item])
    secret = (await keyring.fetch([sealed.key]))[sealed.key].secret
    place = b"registre.sealed.v1\x00" + item.stream.bytes + (7).to_bytes(8, "big") + TOPIC.encode()
    assert AESGCM(secret).decrypt(sealed.nonce, sealed.ciphertext, place) == (
        b'{"blind":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","fields":{"a":"\\u001f","b":"\xc3\xa9\\n"}}'
    )
    assert msgspec.json.decode(msgspec.json.encode(sealed), type=Sealed) == sealed


def test_a_commitment_is_the_hmac_of_topic_and_canonical_fields_under_the_blind() -> None:
    message = TOPIC.encode() + b'\x00{"\xf0\x9f\x8e\xad":"\\u0000\\"","\xee\x80\x80":"\xc3\xa9"}'
    expected = hmac.new(BLIND, message, sha256).digest()
    assert commitment(TOPIC, {"\ue000": "é", "\U0001f3ad": '\x00"'}, BLIND) == expected


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20)))
@example({"text": "".join(map(chr, range(0x100))) + "\u2028\u2029\ufeff\uffff\U0010ffff</script>"})
@example({"\ue000": "", "\U0001f3ad": "", "a": ""})
def test_what_is_committed_to_is_the_canonical_json_of_a_library_made_for_it(fields: dict[str, str]) -> None:
    assert canonical(fields) == rfc8785.dumps(dict(fields))


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), st.binary(min_size=32, max_size=32))
def test_a_commitment_depends_on_topic_fields_and_blind_but_not_on_their_order(fields: dict[str, str], blind: bytes) -> None:
    one = commitment(TOPIC, fields, blind)
    assert one == commitment(TOPIC, dict(reversed(fields.items())), blind)
    other = bytes([blind[0] ^ 1]) + blind[1:]
    assert len({one, commitment(TOPIC + "0", fields, blind), commitment(TOPIC, fields | {"added": ""}, blind),
                commitment(TOPIC, fields, other)}) == 4  # fmt: skip


@pytest.mark.parametrize("blind", [b"", bytes(31), bytes(33)])
async def test_a_blind_has_exactly_32_bytes(blind: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(TOPIC, {}, blind)
    with pytest.raises(ValueError, match="32 bytes"):
        await KeyringSealer(MemoryKeyring()).seal([msgspec.structs.replace(closing(), blind=blind)])


async def test_text_that_is_not_unicode_is_refused_before_a_key_is_kept() -> None:
    gate = Gate()
    with pytest.raises(ValueError, match="surrogates"):
        await KeyringSealer(gate).seal([closing(fields={"text": "\ud800"})])
    assert gate.inserts == []


def test_a_key_shows_its_secret_in_no_representation() -> None:
    (key,) = keys(1, uuid4())
    for shown in (repr(key), f"{key}", pretty_repr(key)):
        assert str(key.id) in shown
        assert "\\x00" not in shown


async def execute(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.execute(statement)
    finally:
        await connection.close()
