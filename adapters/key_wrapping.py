"""Wrapping: keys rest encrypted under a key-encryption key (KEK), which rests in neither database. RFC 3394, AES key wrap.

A KEK is named by a digest, which tells nothing of it. Rows say by which one they are wrapped, so one can follow another while the service runs.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from msgspec import Struct

from adapters.store import Unavailable

KEK_BYTES: Final = 32
KEK_ID_BYTES: Final = 8
WRAPPED_BYTES: Final = 40
"""Of a wrapped key of 32 bytes: RFC 3394 adds a block by which the KEK and the bytes are checked."""
_LABEL: Final = b"registre.kek.v1\x00"


class KekUnknown(Unavailable):
    """A key is wrapped under a key-encryption key that is not configured: what it seals is whole, and cannot be read here."""

    def __init__(self, kek: bytes) -> None:
        super().__init__(
            f"keys are wrapped under the key-encryption key {kek.hex()}, which is not configured: "
            "name it in REGISTRE_KEK_PREVIOUS if it was replaced, else in REGISTRE_KEK or REGISTRE_KEK_FILE, "
            "or put the file secrets/kek.key of this data folder back from its copy"
        )
        self.kek = kek


class KekRetired(Unavailable):
    """Nothing more may be wrapped under a key-encryption key that a rotation has replaced."""

    def __init__(self, kek: bytes) -> None:
        super().__init__(
            f"the key-encryption key {kek.hex()} was retired by `registre keyring rotate`: "
            "name its successor in REGISTRE_KEK or REGISTRE_KEK_FILE, and start this process again"
        )
        self.kek = kek


class KeyDamaged(ValueError):  # noqa: N818 - names the state of the key
    """A wrapped key fails the check of RFC 3394 under the very key-encryption key that its row names: the row was changed."""

    def __init__(self, key: UUID, kek: bytes) -> None:
        super().__init__(
            f"key {key} does not unwrap under the key-encryption key {kek.hex()} that its row names: the row is damaged"
        )
        self.key = key


class Kek(Struct, frozen=True):
    """A key-encryption key. Its secret shows in no representation."""

    secret: bytes
    """Exactly 32 bytes."""
    id: bytes
    """8 bytes of a digest."""

    @classmethod
    def of(cls, secret: bytes) -> "Kek":
        """Raises ValueError for a secret that is not exactly 32 bytes."""
        if len(secret) != KEK_BYTES:
            raise ValueError(f"a key-encryption key has {KEK_BYTES} bytes, not {len(secret)}")
        return cls(secret, sha256(_LABEL + secret).digest()[:KEK_ID_BYTES])

    def wrap(self, secret: bytes) -> bytes:
        return aes_key_wrap(self.secret, secret)

    def unwrap(self, key: UUID, wrapped: bytes) -> bytes:
        """Raises KeyDamaged."""
        try:
            return aes_key_unwrap(self.secret, wrapped)
        except InvalidUnwrap:
            raise KeyDamaged(key, self.id) from None

    def __repr__(self) -> str:
        return f"Kek(id={self.id.hex()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """As `__repr__`: tracebacks printed by rich show local variables."""
        return [("id", self.id.hex())]


class Keks:
    """The key-encryption keys that a process knows: the current one, and those it can still read with."""

    def __init__(self, read: Callable[[], Sequence[bytes]]) -> None:
        """`read` gives the secrets, the current one first; it is asked again by `reload`, as where they rest in files."""
        self._read = read
        self._known: dict[bytes, Kek] = {}
        self.reload()

    @classmethod
    def fixed(cls, *secrets: bytes) -> "Keks":
        """Of these secrets, the current one first."""
        return cls(lambda: secrets)

    def reload(self) -> None:
        """Take what is configured now. What was known stays known: rows that were fetched a moment ago may stand under it."""
        keks = [Kek.of(secret) for secret in self._read()]
        self.current = keks[0]
        self._known |= {kek.id: kek for kek in keks}

    @property
    def previous(self) -> list[bytes]:
        """The ids of all but the current one."""
        return [each for each in self._known if each != self.current.id]

    def knows(self, kek: bytes) -> bool:
        return kek in self._known

    def unwrap(self, key: UUID, kek: bytes, wrapped: bytes) -> bytes:
        """The key itself. What is unknown may have been configured since: it is looked for once more. Raises KekUnknown, KeyDamaged."""
        if kek not in self._known:
            self.reload()
        if kek not in self._known:
            raise KekUnknown(kek)
        return self._known[kek].unwrap(key, wrapped)

    def __repr__(self) -> str:
        return f"Keks(current={self.current!r})"
