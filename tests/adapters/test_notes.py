"""A signed note says what its signers signed: not a bit more, not a bit else."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters import cosignatures, notes
from adapters.notes import (
    ML_DSA_44,
    BadSignature,
    MalformedKey,
    MalformedNote,
    Note,
    NoteError,
    Signature,
    Signer,
    Unsigned,
    Verifier,
)

VECTORS: Final = Path(__file__).parents[3] / "shared" / "vectors"
NAME: Final = "registre.example/promise"
SIGNER: Final = Signer(NAME, bytes(32))
OTHER: Final = Signer("témoin.example/w1", bytes([1]) * 32)
TEXT: Final = "une ligne\n\net une autre\n"
CHECKPOINT: Final = f"registre.example\n7\n{b64encode(bytes(32)).decode()}\n"

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n"), max_size=200).map("{}\n".format)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=40
)


def vectors() -> Iterator[dict[str, Any]]:
    path = VECTORS / "note" / "notes.json"
    if path.exists():
        yield from msgspec.json.decode(path.read_bytes())


needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="the published test vectors are not beside this checkout")


@needs_vectors
def test_the_published_notes_verify_and_are_written_as_they_were_read() -> None:
    seen = 0
    for vector in vectors():
        raw = vector["note"].encode() if "note" in vector else (VECTORS / "note" / vector["note_file"]).read_bytes()
        note, verifier = notes.parsed(raw), notes.verifier(vector["vkey"])
        assert notes.verified(note, [verifier]) == [verifier]
        assert str(note).encode() == raw
        assert str(verifier) == vector["vkey"]
        seen += 1
    assert seen == 3


@needs_vectors
def test_a_published_private_key_signs_the_published_note() -> None:
    vector = next(vector for vector in vectors() if "skey" in vector)
    name, key = vector["skey"].removeprefix("PRIVATE+KEY+").split("+", 1)[0], b64decode(vector["skey"].split("+", 4)[4])
    assert key[0] == notes.ED25519

    assert notes.signed(notes.parsed(vector["note"]).text, Signer(name, key[1:])) == vector["note"]


@needs_vectors
def test_every_published_checkpoint_verifies_by_its_log_s_key() -> None:
    verifier = notes.verifier(next(vector["vkey"] for vector in vectors() if "note_file" in vector))
    paths = sorted((VECTORS / "tessera-log").glob("checkpoint*"))
    assert len(paths) > 10
    for path in paths:
        assert notes.verified(notes.parsed(path.read_bytes()), [verifier]) == [verifier]


@needs_vectors
def test_the_published_ml_dsa_44_line_verifies_and_no_other_tree_does() -> None:
    vector = msgspec.json.decode((VECTORS / "mldsa" / "torchwood-checkpoint.json").read_bytes())
    verifier = notes.verifier(vector["vkey"])
    assert verifier.kind == ML_DSA_44

    def note(size: int) -> Note:
        return notes.parsed(f"{vector['origin']}\n{size}\n{vector['root']}\n\n{vector['signature_line'].rstrip()}\n")

    assert notes.verified(note(vector["size"]), [verifier]) == [verifier]
    with pytest.raises(BadSignature):
        notes.verified(note(vector["size"] + 1), [verifier])


@given(texts, names, st.binary(min_size=32, max_size=32))
def test_what_is_signed_verifies_and_is_read_as_it_was_written(text: str, name: str, seed: bytes) -> None:
    signer = Signer(name, seed)
    written = notes.signed(text, signer, OTHER)
    note = notes.parsed(written.encode())

    assert (note.text, str(note)) == (text, written)
    assert notes.verified(note, [signer.verifier]) == [signer.verifier]
    assert notes.verifier(str(signer.verifier)) == signer.verifier


@given(texts, st.data())
def test_one_flipped_bit_anywhere_fails(text: str, data: st.DataObject) -> None:
    written = bytearray(notes.signed(text, SIGNER).encode())
    bit = data.draw(st.integers(0, len(written) * 8 - 1))
    written[bit // 8] ^= 1 << bit % 8

    with pytest.raises(NoteError):
        notes.verified(notes.parsed(bytes(written)), [SIGNER.verifier])


def test_every_single_flipped_bit_of_one_note_fails() -> None:
    written = notes.signed(TEXT, SIGNER).encode()
    for bit in range(len(written) * 8):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteError):
            notes.verified(notes.parsed(bytes(flipped)), [SIGNER.verifier])


@given(st.binary(max_size=300))
def test_whatever_is_read_is_refused_or_written_the_same(raw: bytes) -> None:
    try:
        note = notes.parsed(raw)
    except MalformedNote:
        return
    assert str(note).encode() == raw


LINE: Final = str(SIGNER.sign(TEXT))
BASE64: Final = LINE.split(" ")[2].rstrip("\n")


@pytest.mark.parametrize(
    "written",
    [
        "", "\n", "\n\n", TEXT, f"{TEXT}\n", f"{TEXT}\n\n", f"{TEXT}{LINE}", f"{TEXT}\n{LINE.rstrip()}", f"{TEXT}\n{LINE}\n", f"{TEXT}\n{LINE}x\n",
        f"{TEXT}\n- {NAME} {BASE64}\n", f"{TEXT}\n\u2014\u00a0{NAME} {BASE64}\n", f"{TEXT}\n\u2014 {NAME}  {BASE64}\n", f"{TEXT}\n\u2014 {NAME} {BASE64} \n",
        f"{TEXT}\n\u2014  {BASE64}\n", f"{TEXT}\n\u2014 a+b {BASE64}\n", f"{TEXT}\n\u2014 a\u2003b {BASE64}\n", f"{TEXT}\n\u2014 {NAME}\u2028x {BASE64}\n",
        f"{TEXT}\n\u2014 {NAME} {BASE64[:-1]}\n", f"{TEXT}\n\u2014 {NAME} {BASE64}====\n", f"{TEXT}\n\u2014 {NAME} AAAAAA==\n", f"{TEXT}\n\u2014 {NAME} AAAAAAB=\n",
        f"{TEXT}\n\u2014 {NAME} \n", f"{TEXT}\n\u2014 {NAME} {BASE64.replace('/', '_').replace('+', '-')[:-4]}_-__\n", f"a\tb\n\n{LINE}", f"a\r\n\n{LINE}", f"a\x00\n\n{LINE}",
        f"\ufeff{TEXT}".encode() + b"\n\xff" + LINE.encode(), "\ud800\n\n" + LINE,
    ],
)  # fmt: skip
def test_what_is_not_written_in_the_one_way_is_refused(written: str | bytes) -> None:
    with pytest.raises(MalformedNote):
        notes.parsed(written)


def test_sixteen_signatures_are_read_and_too_many_are_not() -> None:
    line = str(SIGNER.sign(TEXT))
    assert len(notes.parsed(f"{TEXT}\n{line * 16}").signatures) == 16
    assert len(notes.parsed(f"{TEXT}\n{line * notes.MOST_SIGNATURES}").signatures) == notes.MOST_SIGNATURES
    with pytest.raises(MalformedNote, match="at most 64"):
        notes.parsed(f"{TEXT}\n{line * (notes.MOST_SIGNATURES + 1)}")
    with pytest.raises(MalformedNote, match="at most 1000000 bytes"):
        notes.parsed("x" * notes.MOST_BYTES + f"\n\n{line}")


def test_the_separator_is_the_last_empty_line() -> None:
    inner = notes.signed("dedans\n", OTHER)

    note = notes.parsed(notes.signed(inner, SIGNER))

    assert note.text == inner
    with pytest.raises(Unsigned):
        notes.verified(note, [OTHER.verifier])


def test_a_signature_by_an_unknown_key_is_passed_over() -> None:
    note = notes.parsed(notes.signed(TEXT, SIGNER, OTHER))
    same_name = Signer(NAME, bytes([9]) * 32)

    assert notes.verified(note, [OTHER.verifier]) == [OTHER.verifier]
    with pytest.raises(Unsigned, match=NAME):
        notes.verified(note, [same_name.verifier])
    with pytest.raises(Unsigned):
        notes.verified(note, [])


def test_a_known_key_that_fails_rejects_the_note_whoever_else_signed() -> None:
    forged = Signature(NAME, SIGNER.verifier.id, bytes(64))
    note = Note(TEXT, (OTHER.sign(TEXT), SIGNER.sign(TEXT), forged))

    with pytest.raises(BadSignature):
        notes.verified(note, [OTHER.verifier, SIGNER.verifier])
    assert notes.verified(note, [OTHER.verifier]) == [OTHER.verifier]


@pytest.mark.parametrize("length", [1, 63, 65, 2_428])
def test_a_signature_of_another_length_is_none(length: int) -> None:
    note = Note(TEXT, (Signature(NAME, SIGNER.verifier.id, bytes(length)),))
    with pytest.raises(BadSignature):
        notes.verified(note, [SIGNER.verifier])


def test_one_key_is_told_once_however_often_it_signed() -> None:
    note = notes.parsed(f"{TEXT}\n{LINE}{LINE}")
    assert notes.verified(note, [SIGNER.verifier, SIGNER.verifier]) == [SIGNER.verifier]


KEY: Final = str(SIGNER.verifier)
IN_BASE64: Final = KEY.split("+", 2)[2]


@pytest.mark.parametrize(
    "written",
    [
        "", "+", "++", NAME, f"{NAME}+{SIGNER.verifier.id.hex()}", f"+{SIGNER.verifier.id.hex()}+{IN_BASE64}", f"{NAME}+{'0' * 8}+{IN_BASE64}", f"{NAME}++{IN_BASE64}",
        KEY.replace(SIGNER.verifier.id.hex(), SIGNER.verifier.id.hex().upper()), KEY[:-4], f"{KEY}\n", f" {KEY}", f"{NAME}+00000000+BA==", f"{NAME}+00000000+CQ==",
        KEY.replace(NAME, "un nom"), KEY.replace(NAME, "a\x1fb"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_written_in_the_one_way_is_refused(written: str) -> None:
    with pytest.raises(MalformedKey):
        notes.verifier(written)


def test_two_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verifier, "id", property(lambda _: b"same"))
    twin = Verifier(NAME, notes.ED25519, OTHER.verifier.public)
    with pytest.raises(MalformedKey, match="two keys"):
        notes.verified(Note(TEXT, ()), [SIGNER.verifier, twin])


@pytest.mark.parametrize("text", ["", "no newline", "a\x7f\x00\n", "\ud800\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        notes.signed(text, SIGNER)


def test_nothing_is_signed_by_nobody_or_by_half_a_key() -> None:
    with pytest.raises(MalformedNote):
        notes.signed(TEXT)
    with pytest.raises(MalformedKey, match="32 bytes, not 31"):
        Signer(NAME, bytes(31))


def test_a_checkpoint_is_signed_by_ml_dsa_44_beside_ed25519_and_nothing_else_is() -> None:
    seed = secrets.token_bytes(32)
    verifier = Verifier(NAME, ML_DSA_44, MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw())
    line = Signature(NAME, verifier.id, cosignatures.ml_dsa_44_signature(seed, NAME, CHECKPOINT, 1_700_000_000))
    note = notes.parsed(str(Note(CHECKPOINT, (SIGNER.sign(CHECKPOINT), line))))

    assert notes.verified(note, [SIGNER.verifier, verifier]) == [SIGNER.verifier, verifier]
    with pytest.raises(cosignatures.NoCheckpoint):
        cosignatures.ml_dsa_44_signature(seed, NAME, TEXT)
    with pytest.raises(BadSignature):
        notes.verified(Note(TEXT, (line,)), [verifier])
    another_time = Signature(NAME, verifier.id, bytes(8) + line.signature[8:])
    with pytest.raises(BadSignature):
        notes.verified(Note(CHECKPOINT, (another_time,)), [verifier])


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT.replace("\n7\n", "\n07\n"), CHECKPOINT.replace("\n7\n", f"\n{2**63}\n"), CHECKPOINT.replace("=", ""), CHECKPOINT.replace("A=", "B="),
        CHECKPOINT.replace("registre.example", "o" * 256), CHECKPOINT.replace("\n7\n", "\n٧\n"),
    ],
)  # fmt: skip
def test_what_only_resembles_a_checkpoint_is_not_cosigned(text: str) -> None:
    with pytest.raises(cosignatures.NoCheckpoint):
        cosignatures.ml_dsa_44_signature(bytes(32), NAME, text)
