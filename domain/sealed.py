"""Text that rests encrypted inside its event."""

from typing import Final
from uuid import UUID

from msgspec import Struct


class Sealed(Struct, frozen=True, gc=False):
    """AES-256-GCM ciphertext under the key of one record. Without the key, which lives in the keyring alone, it is noise."""

    key: UUID
    """Random for each attempt to write."""
    nonce: bytes
    """96 bits."""
    ciphertext: bytes
    """With the 128-bit tag at its end."""


PENDING: Final = Sealed(UUID(int=0), b"", b"")
"""Stands where the ciphertext will be while the rules are asked: no key is spent on what they refuse."""
