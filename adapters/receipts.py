"""The arithmetic of receipts: ids, codes, blinds and pseudonyms are HMACs, so that a retry computes what the first attempt computed.

Nothing has to be stored to answer a lost response again. Each HMAC-SHA-256 is separated from the others by a label, and its parts are
prefixed by their length, so that no two lists of parts read the same.
"""

import hmac
import re
from base64 import b32encode
from hashlib import sha256
from typing import Final
from uuid import UUID

SECRET_BYTES: Final = 32
CODE_CHARACTERS: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U to misread."""
_CROCKFORD: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET.encode())
"""From the alphabet of RFC 4648, which cuts bytes into the same groups of five bits."""
_MISREAD: Final = str.maketrans("ILO", "110")
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
"""What people and word processors put between the groups: spaces, hyphens, dashes."""


class MalformedCode(ValueError):  # noqa: N818 - names what was met
    """Not a receipt code: it lacks characters, or has one that codes never contain."""


def contribution_id(secret: bytes, consultation: str, key: str) -> UUID:
    """The stream of the deposit made under this Idempotency-Key, laid out as a version-4 UUID: it tells neither time nor order."""
    return UUID(bytes=_derive(secret, "contribution", consultation.encode(), key.encode())[:16], version=4)


def code(secret: bytes, consultation: str, key: str, body_digest: bytes) -> str:
    """The contributor's code: 160 bits as eight groups of four characters, as `7RZK-0M4X-...`."""
    letters = (
        b32encode(_derive(secret, "code", consultation.encode(), key.encode(), body_digest)[:20]).translate(_CROCKFORD).decode()
    )
    return "-".join([letters[start : start + 4] for start in range(0, CODE_CHARACTERS, 4)])


def server_blind(secret: bytes, consultation: str, key: str, body_digest: bytes) -> bytes:
    """32 bytes: the blind of a commitment whose contributor's client sent none."""
    return _derive(secret, "blind", consultation.encode(), key.encode(), body_digest)


def normalised(written: str) -> str:
    """The 32 characters of a code as a person may write it: any case, any grouping, O for 0, I or L for 1. Raises MalformedCode."""
    letters = _SEPARATORS.sub("", written).upper().translate(_MISREAD)
    if len(letters) != CODE_CHARACTERS or not set(letters) <= set(_ALPHABET):
        raise MalformedCode("a receipt code has 32 letters and digits")
    return letters


def code_digest(written: str) -> bytes:
    """What the log holds of a code: 32 bytes, SHA-256 over the normalised code. Raises MalformedCode.

    No salt and no slow hash: a code is 160 random bits, and nobody guesses one however fast the hash is.
    """
    return digest_of(normalised(written))


def digest_of(letters: str) -> bytes:
    """The same of a code that is normalised."""
    return sha256(b"registre.code.v1\x00" + letters.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def pseudonym(staff_secret: bytes, issuer: str, subject: str, consultation: str) -> str:
    """The name under which a member of staff stands in the events of one consultation: `staff-` and 32 hexadecimal digits."""
    return f"staff-{_derive(staff_secret, 'pseudonym', issuer.encode(), subject.encode(), consultation.encode())[:16].hex()}"


def similarity_key(secret: bytes, consultation: str) -> bytes:
    """32 bytes, under which the texts of one consultation are compared: the database that keeps what is compared does not hold it."""
    return _derive(secret, "similarity", consultation.encode())


def _derive(secret: bytes, label: str, *parts: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes. Raises ValueError for a secret that is not exactly 32 bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
    labelled = (f"registre.{label}.v1".encode(), *parts)
    return hmac.digest(secret, b"".join([piece for part in labelled for piece in (len(part).to_bytes(8, "big"), part)]), "sha256")
