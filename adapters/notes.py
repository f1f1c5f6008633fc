"""Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature by a key that has a name.

What is signed is the text with its final newline. Decoding is strict: whatever is not written in the one canonical way is refused, so that no
two files hold the same note. How the bytes of a signature are checked belongs to the type of its key: `_KINDS` is where another type is added.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from adapters import cosignatures

ED25519: Final = 0x01
ML_DSA_44: Final = 0x06
ID_BYTES: Final = 4
SEED_BYTES: Final = 32
MOST_SIGNATURES: Final = 64
MOST_BYTES: Final = 1_000_000
"""Of a whole note."""
_DASH: Final = "\u2014 "


class NoteError(ValueError):
    """A note or a key is not what it should be."""


class MalformedNote(NoteError):  # noqa: N818 - names what was met
    """Not a signed note."""


class MalformedKey(NoteError):  # noqa: N818 - names what was met
    """Not the name or the key of a signer of notes."""


class BadSignature(NoteError):  # noqa: N818 - names what was met
    """A signature by a known key does not fit the text."""


class Unsigned(NoteError):  # noqa: N818 - names what was met
    """No known key has signed the note."""


class _Kind(Struct, frozen=True):
    """A type of key: the bytes of its public key and of its signatures, and whether a signature fits (public key, name, text, signature)."""

    key_bytes: int
    signature_bytes: int
    fits: Callable[[bytes, str, str, bytes], bool]


def _ed25519_fits(public: bytes, _: str, text: str, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


_KINDS: Final = {
    ED25519: _Kind(32, 64, _ed25519_fits),
    ML_DSA_44: _Kind(cosignatures.ML_DSA_44_KEY_BYTES, cosignatures.ML_DSA_44_BYTES, cosignatures.ml_dsa_44_fits),
}


class Signature(Struct, frozen=True):
    """One signature line."""

    name: str
    id: bytes
    """4 bytes."""
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {b64encode(self.id + self.signature).decode()}\n"


class Note(Struct, frozen=True):
    """A note whose form is right. Nothing is said of its signatures until `verified` has looked at them."""

    text: str
    """Ends in a newline."""
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


class Verifier(Struct, frozen=True):
    """A public key under the name that it signs by."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.kind not in _KINDS:
            raise MalformedKey(f"keys of type 0x{self.kind:02x} are not known here")
        if len(self.public) != _KINDS[self.kind].key_bytes:
            raise MalformedKey(f"a public key of type 0x{self.kind:02x} has {_KINDS[self.kind].key_bytes} bytes")

    @property
    def id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key), its first 4 bytes."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    def fits(self, text: str, signature: bytes) -> bool:
        """Whether these bytes are a signature of `text` by this key."""
        kind = _KINDS[self.kind]
        return len(signature) == kind.signature_bytes and kind.fits(self.public, self.name, text, signature)


class Signer:
    """A private Ed25519 key under its name. The same text always has the same signature."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed` is the private key of RFC 8032, exactly 32 bytes. Raises MalformedKey."""
        if len(seed) != SEED_BYTES:
            raise MalformedKey(f"a private key has {SEED_BYTES} bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier: Final = Verifier(name, ED25519, self._key.public_key().public_bytes_raw())
        self._id = self.verifier.id

    def sign(self, text: str) -> Signature:
        """Raises MalformedNote for a text that no note can hold."""
        _check_text(text)
        return Signature(self.verifier.name, self._id, self._key.sign(text.encode()))


def signed(text: str, *signers: Signer) -> str:
    """The whole note. Raises MalformedNote as `Signer.sign`, or without a signer."""
    if not signers:
        raise MalformedNote("a note has at least one signature")
    return str(Note(text, tuple([signer.sign(text) for signer in signers])))


def parsed(written: bytes | str) -> Note:
    """The note that these bytes are. Raises MalformedNote, which says why they are none."""
    whole = _decoded(written)
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise MalformedNote("a note ends in an empty line and its signatures, each on a line of its own")
    _check_text(f"{text}\n")
    rows = lines[:-1].split("\n")
    if len(rows) > MOST_SIGNATURES:
        raise MalformedNote(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(f"{text}\n", tuple([_signature(row) for row in rows]))


def verified(note: Note, known: Iterable[Verifier]) -> Sequence[Verifier]:
    """Those of the `known` keys that have signed the note, each once; signatures by others are passed over.

    Raises BadSignature when a signature by a known key does not fit, whatever others say; Unsigned when there is none by a known key;
    MalformedKey when two of the known keys cannot be told apart.
    """
    by_id: dict[tuple[str, bytes], Verifier] = {}
    for verifier in known:
        if by_id.setdefault((verifier.name, verifier.id), verifier) != verifier:
            raise MalformedKey(f"two keys are named {verifier.name} and have the id {verifier.id.hex()}")
    fitting: dict[Verifier, None] = {}
    for line in note.signatures:
        if signer := by_id.get((line.name, line.id)):
            if not signer.fits(note.text, line.signature):
                raise BadSignature(f"the signature of {line.name} does not fit the text")
            fitting[signer] = None
    if not fitting:
        raise Unsigned(f"signed by {', '.join(sorted({line.name for line in note.signatures}))}, and by none of the keys given")
    return list(fitting)


def verifier(written: str) -> Verifier:
    """The key written as `name+id+base64`. Raises MalformedKey."""
    name, _, rest = written.partition("+")
    stated, _, encoded = rest.partition("+")
    key = _canonical(encoded)
    if not key:
        raise MalformedKey("a verifier key is name+id+base64: the base64 is missing, or not canonical")
    read = Verifier(name, key[0], key[1:])
    if stated != read.id.hex():
        raise MalformedKey(f"the key of {name} has the id {read.id.hex()}, and {stated or 'none'} is stated")
    return read


def _signature(row: str) -> Signature:
    name, _, encoded = row.removeprefix(_DASH).partition(" ")
    content = _canonical(encoded)
    if not row.startswith(_DASH) or content is None or len(content) <= ID_BYTES:
        raise MalformedNote("a signature line is an em dash, a name, and base64 of four bytes of id and the signature")
    try:
        _check_name(name)
    except MalformedKey as error:
        raise MalformedNote(str(error)) from None
    return Signature(name, content[:ID_BYTES], content[ID_BYTES:])


def _decoded(written: bytes | str) -> str:
    if len(written) > MOST_BYTES:
        raise MalformedNote(f"a note has at most {MOST_BYTES} bytes")
    try:
        return written.decode() if isinstance(written, bytes) else written.encode().decode()
    except UnicodeError:
        raise MalformedNote("a note is UTF-8") from None


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise MalformedNote("the text of a note ends in a newline")
    if any(character < " " and character != "\n" for character in text):
        raise MalformedNote("a note has no control character but the newline")
    if not _is_unicode(text):
        raise MalformedNote("a note is UTF-8")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name) or not _is_unicode(name):
        raise MalformedKey("the name of a key is not empty and has neither space, control character nor plus")


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold it: no lone surrogate."""
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


def _canonical(encoded: str) -> bytes | None:
    """The bytes of standard base64 with its padding; None for what no encoder writes."""
    try:
        content = b64decode(encoded, validate=True)
    except ValueError:
        return None
    return content if b64encode(content).decode() == encoded else None
