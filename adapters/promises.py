"""Promises: what the service signs for each deposit, as a signed note. docs/receipts.md gives the form line by line.

A promise is verified without the service, by whoever holds it, so it says nothing of its holder: no date, no id, no theme.
"""

import re
from base64 import b64decode, b64encode
from typing import Final

from msgspec import Struct

from adapters import notes
from adapters.notes import Note, NoteError, Signer, Verifier

FORM: Final = "registre.promise/v1"
"""The first line. A checkpoint has its tree's size where a promise has its origin, so that neither reads as the other."""
ORIGIN: Final = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~-]+)*"
"""Of a service: a URL without scheme or trailing slash."""
COMMITMENT_BYTES: Final = 32
LONGEST_S: Final = 366 * 86_400
_TEXT: Final = re.compile(
    rf"{re.escape(FORM)}\norigin (?P<origin>{ORIGIN})\ncommitment (?P<commitment>[A-Za-z0-9+/]{{43}}=)\nwithin (?P<within>[1-9][0-9]{{0,7}})\n"
)


class MalformedPromise(NoteError):  # noqa: N818 - names what was met
    """A note that is no promise."""


class Promise(Struct, frozen=True):
    """The service named `origin` shows the commitment in its public journal within so many seconds of the deposit."""

    origin: str
    commitment: bytes
    within_s: int

    def __str__(self) -> str:
        return f"{FORM}\norigin {self.origin}\ncommitment {b64encode(self.commitment).decode()}\nwithin {self.within_s}\n"


class Promises:
    """Makes the promises of one service. Signing is deterministic: the same commitment has the same promise, whichever process makes it."""

    def __init__(self, origin: str, seed: bytes, within_s: int) -> None:
        """`seed` is an Ed25519 private key of 32 bytes that signs nothing else. Raises MalformedKey."""
        self._signer = Signer(key_name(origin), seed)
        self._origin = origin
        self._within_s = within_s

    @property
    def verifier(self) -> Verifier:
        return self._signer.verifier

    def of(self, commitment: bytes) -> str:
        """The promise for a deposit that is recorded, as a signed note; some 50 microseconds."""
        return notes.signed(str(Promise(self._origin, commitment, self._within_s)), self._signer)


def key_name(origin: str) -> str:
    """Under which a service signs promises: not under its origin alone, by which its journal signs."""
    return f"{origin}/promise"


def promise_of(note: Note) -> Promise:
    """What a note promises, whoever signed it. Raises MalformedPromise."""
    found = _TEXT.fullmatch(note.text)
    if found is None:
        raise MalformedPromise("the note is not the promise of a receipt")
    commitment, within_s = b64decode(found["commitment"]), int(found["within"])
    if b64encode(commitment).decode() != found["commitment"] or within_s > LONGEST_S:
        raise MalformedPromise("the note is not the promise of a receipt: a value is out of its bounds")
    return Promise(found["origin"], commitment, within_s)
