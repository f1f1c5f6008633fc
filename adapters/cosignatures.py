"""Cosignatures of checkpoints (C2SP tlog-cosignature): a time, and a signature over that time and the tree that the checkpoint tells of."""

import re
from base64 import b64decode, b64encode
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

ML_DSA_44_KEY_BYTES: Final = 1_312
TIME_BYTES: Final = 8
ML_DSA_44_BYTES: Final = TIME_BYTES + 2_420
_LATEST: Final = 2**63 - 1
"""The latest time, and the largest tree: the specification bounds the one, and this reader the other."""
_CHECKPOINT: Final = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


class NoCheckpoint(ValueError):  # noqa: N818 - names what was met
    """A text that tells of no tree: there is nothing in it to cosign."""


def ml_dsa_44_fits(public: bytes, name: str, text: str, signature: bytes) -> bool:
    """Whether `signature` (u64 big-endian seconds since 1970, then 2,420 bytes) is one of `text`, a checkpoint, by this key of 1,312 bytes."""
    try:
        message = _message(name, int.from_bytes(signature[:TIME_BYTES], "big"), text)
        MLDSA44PublicKey.from_public_bytes(public).verify(signature[TIME_BYTES:], message)
    except (InvalidSignature, NoCheckpoint):
        return False
    return True


def ml_dsa_44_signature(seed: bytes, name: str, text: str, time_s: int = 0) -> bytes:
    """Sign a checkpoint by the key of a 32-byte seed; a time of 0 states none. Raises NoCheckpoint, ValueError."""
    return time_s.to_bytes(TIME_BYTES, "big") + MLDSA44PrivateKey.from_seed_bytes(seed).sign(_message(name, time_s, text))


def _message(name: str, time_s: int, checkpoint: str) -> bytes:
    """The structure `cosigned_message`, of the whole tree: lines after the third are not part of it."""
    found = _CHECKPOINT.fullmatch(checkpoint)
    if found is None or time_s > _LATEST or int(found["size"]) > _LATEST:
        raise NoCheckpoint("only a checkpoint is cosigned: its origin, the size of its tree, and the root")
    root, size, start = b64decode(found["root"]), int(found["size"]), 0
    if b64encode(root).decode() != found["root"]:
        raise NoCheckpoint("the root is not canonical base64 of 32 bytes")
    return b"".join([
        b"subtree/v1\n\0", _short(name), time_s.to_bytes(8, "big"), _short(found["origin"]),
        start.to_bytes(8, "big"), size.to_bytes(8, "big"), root,
    ])  # fmt: skip


def _short(text: str) -> bytes:
    """Prefixed by its length in one byte."""
    encoded = text.encode()
    if not 0 < len(encoded) < 256:
        raise NoCheckpoint("names and origins that are cosigned have 1 to 255 bytes")
    return bytes([len(encoded)]) + encoded
