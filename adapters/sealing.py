"""Sealing: texts rest encrypted in their events, under keys that rest elsewhere, beside a commitment that outlives both.

Each record has a key of its own, so that destroying the keys of a stream erases its texts from every copy of the log at once, while every
event, hash and proof stays valid. Keys are never cached: what has been erased must be unreadable from that moment.
"""

import asyncio
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from adapters.keyring import Key, Keyring
from adapters.store import Unavailable
from domain.sealed import Sealed

BLIND_BYTES: Final = 32
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_LABEL: Final = b"registre.sealed.v1\x00"
_CANONICAL: Final = msgspec.json.Encoder()


class Closing(Struct, frozen=True):
    """What sealing needs: the place of the event that will hold the text, its fields, and the blind of its commitment."""

    stream: UUID
    version: int
    topic: str
    fields: Mapping[str, str]
    blind: bytes
    """Exactly 32 bytes."""


class Opening(Struct, frozen=True):
    """What unsealing needs: the place of the event, and what it holds."""

    stream: UUID
    version: int
    topic: str
    sealed: Sealed


class Unsealed(Struct, frozen=True):
    """What was sealed, verbatim."""

    fields: dict[str, str]
    blind: bytes


class SealRefused(Exception):  # noqa: N818 - erasure forbids it: it is an answer, not an error
    """Nothing more is sealed for a stream that has been erased."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(f"stream {stream} has been erased: nothing more is sealed for it")
        self.stream = stream


class SealBroken(ValueError):  # noqa: N818 - names the state of the seal
    """A sealed text cannot be opened although it was never erased: the log or the keyring is damaged."""

    def __init__(self, stream: UUID, version: int, reason: str) -> None:
        super().__init__(f"the text sealed in stream {stream}, version {version}, cannot be opened: {reason}")
        self.stream = stream
        self.version = version


class Sealer(Protocol):
    """Seals and opens by batch, since the keys lie a round trip away."""

    async def seal(self, items: Sequence[Closing]) -> list[Sealed]:
        """Seal each item, in order; the keys are durable once it returns. A second attempt has other keys: keep the first result, or none.

        Raises SealRefused for an erased stream, ValueError for a blind of another length or text that is not Unicode, Unavailable when the
        keyring is away.
        """
        ...

    async def unseal(self, items: Sequence[Opening]) -> list[Unsealed | None]:
        """Open each item, in order; None where erasure destroyed the key. Raises SealBroken for damage, Unavailable as `seal` does."""
        ...

    async def destroy(self, stream: UUID) -> int:
        """Erase: destroy every key of the stream, and refuse new ones. Returns how many went: 0 when repeated."""
        ...

    async def destroyed_streams(self) -> list[UUID]:
        """Every erased stream, sorted."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the keyring."""
        ...


def commitment(topic: str, fields: Mapping[str, str], blind: bytes) -> bytes:
    """HMAC-SHA-256(blind, topic || 0x00 || RFC 8785 JSON of the fields), 32 bytes: binds to a text without telling anything of it.

    Raises ValueError for a blind that is not exactly 32 bytes, or text that is not Unicode (a lone surrogate).
    """
    return hmac.digest(_checked(blind), topic.encode() + b"\x00" + canonical(fields), "sha256")


def canonical(fields: Mapping[str, str]) -> bytes:
    """RFC 8785 JSON of an object of texts: names in the order of their UTF-16 code units, texts escaped as the RFC says, which msgspec does.

    Raises ValueError for text that is not Unicode.
    """
    if len(fields) > 1:
        fields = dict(sorted(fields.items(), key=lambda field: field[0].encode("utf-16-be")))
    return _CANONICAL.encode(fields)


def _checked(blind: bytes) -> bytes:
    if len(blind) != BLIND_BYTES:
        raise ValueError(f"a blind has {BLIND_BYTES} bytes, not {len(blind)}")
    return blind


def _bound_to(stream: UUID, version: int, topic: str) -> bytes:
    """The associated data. All but the last part have a fixed length, so no two places read the same."""
    return _LABEL + stream.bytes + version.to_bytes(8, "big") + topic.encode()


def _plaintext(item: Closing) -> bytes:
    """RFC 8785 JSON of {"blind": base64, "fields": {...}}."""
    return b'{"blind":"%s","fields":%s}' % (b64encode(_checked(item.blind)), canonical(item.fields))


class _Request(NamedTuple):
    keys: list[Key]
    refused: "asyncio.Future[frozenset[UUID]]"


class KeyringSealer:
    """AES-256-GCM under keys of a keyring. Implements Sealer, within one event loop.

    While one insert of keys is under way, the keys of every other call gather, and go together in the next: under load many deposits
    cost one round trip.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._waiting: list[_Request] = []
        self._writer: asyncio.Task[None] | None = None
        self._unpack = msgspec.json.Decoder(Unsealed)

    async def seal(self, items: Sequence[Closing]) -> list[Sealed]:
        plain = [_plaintext(item) for item in items]
        keys = [_drawn(item.stream) for item in items]
        await self._keep(keys)
        return [_encrypt(*parts) for parts in zip(items, plain, keys, strict=True)]

    async def unseal(self, items: Sequence[Opening]) -> list[Unsealed | None]:
        if not items:
            return []
        held = await self._keyring.fetch([item.sealed.key for item in items])
        lost = [item for item in items if item.sealed.key not in held]
        # Keys are fetched first: one that erasure destroyed before the fetch belongs to a stream that is on the list by now.
        erased = await self._keyring.destroyed_among([item.stream for item in lost]) if lost else frozenset()
        for item in lost:
            if item.stream not in erased:
                raise SealBroken(item.stream, item.version, "the keyring does not hold its key, and no erasure destroyed it")
        return [self._open(item, held[item.sealed.key]) if item.sealed.key in held else None for item in items]

    async def destroy(self, stream: UUID) -> int:
        return await self._keyring.destroy(stream)

    async def destroyed_streams(self) -> list[UUID]:
        return await self._keyring.destroyed_streams()

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer
        await self._keyring.close()

    def _open(self, item: Opening, key: Key) -> Unsealed:
        place = _bound_to(item.stream, item.version, item.topic)
        try:
            return self._unpack.decode(AESGCM(key.secret).decrypt(item.sealed.nonce, item.sealed.ciphertext, place))
        except (InvalidTag, ValueError):
            raise SealBroken(item.stream, item.version, "its tag does not fit this place, this key or these bytes") from None

    async def _keep(self, keys: list[Key]) -> None:
        """Return once `keys` are durable. Raises SealRefused when one of them belongs to an erased stream."""
        if not keys:
            return
        request = _Request(keys, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="keyring-writer")
        refused = await request.refused
        for key in keys:
            if key.stream in refused:
                raise SealRefused(key.stream)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                refused = await self._keyring.insert([key for request in batch for key in request.keys])
            except Exception as error:  # noqa: BLE001 - whatever happened belongs to the callers, and the next batch must be tried
                for request in batch:
                    _fail(request, error)
            else:
                for request in batch:
                    if not request.refused.done():
                        request.refused.set_result(refused)


def _drawn(stream: UUID) -> Key:
    """A new key, its id and itself from one request to the system's randomness."""
    random = secrets.token_bytes(16 + KEY_BYTES)
    return Key(UUID(bytes=random[:16], version=4), stream, random[16:])


def _encrypt(item: Closing, plain: bytes, key: Key) -> Sealed:
    nonce = secrets.token_bytes(NONCE_BYTES)
    place = _bound_to(item.stream, item.version, item.topic)
    return Sealed(key.id, nonce, AESGCM(key.secret).encrypt(nonce, plain, place))


def _fail(request: _Request, error: Exception) -> None:
    """Give each caller an exception of its own. Whether the keys were written after all does not matter: a retry draws others."""
    if request.refused.done():
        return
    fresh = Unavailable(str(error)) if isinstance(error, Unavailable) else RuntimeError("the keyring failed")
    fresh.__cause__ = error
    request.refused.set_exception(fresh)
