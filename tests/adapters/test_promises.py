"""A promise states origin, commitment and delay, and nothing of its holder."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import notes
from adapters.notes import BadSignature, MalformedKey, Note, Signer, Unsigned
from adapters.promises import FORM, LONGEST_S, MalformedPromise, Promise, Promises, key_name, promise_of

ORIGIN = "consultation.example/2026"
PROMISES = Promises(ORIGIN, bytes(range(32)), 604_800)
COMMITMENT = bytes(range(100, 132))


def test_a_promise_is_these_four_lines_and_one_signature() -> None:
    encoded = b64encode(COMMITMENT).decode()
    lines = PROMISES.of(COMMITMENT).split("\n")

    assert lines[:4] == ["registre.promise/v1", f"origin {ORIGIN}", f"commitment {encoded}", "within 604800"]
    assert lines[4] == ""
    assert lines[5].startswith(f"\u2014 {ORIGIN}/promise ")
    assert lines[6:] == [""]


@given(st.binary(min_size=32, max_size=32), st.integers(1, LONGEST_S))
def test_a_promise_reads_as_it_was_made(commitment: bytes, within_s: int) -> None:
    promises = Promises(ORIGIN, bytes(32), within_s)
    note = notes.parsed(promises.of(commitment))

    assert promise_of(note) == Promise(ORIGIN, commitment, within_s)
    assert notes.verified(note, [promises.verifier]) == [promises.verifier]
    assert promises.of(commitment) == Promises(ORIGIN, bytes(32), within_s).of(commitment)


def test_another_key_or_another_commitment_does_not_verify() -> None:
    other = Promises(ORIGIN, bytes(32), 604_800)
    note = notes.parsed(PROMISES.of(COMMITMENT))

    with pytest.raises(Unsigned):
        notes.verified(note, [other.verifier])
    with pytest.raises(BadSignature):
        notes.verified(Note(str(Promise(ORIGIN, bytes(32), 604_800)), note.signatures), [PROMISES.verifier])


def test_promises_are_signed_under_a_name_that_no_journal_has() -> None:
    assert PROMISES.verifier.name == key_name(ORIGIN) != ORIGIN
    with pytest.raises(MalformedKey):
        Promises("un nom", bytes(32), 60)


GOOD = str(Promise(ORIGIN, COMMITMENT, 60))


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n{b64encode(COMMITMENT).decode()}\n", f"{GOOD}date 2026-11-25\n", GOOD.replace(FORM, "registre.promise/v2"), GOOD.replace("within 60", "within 060"),
        GOOD.replace("within 60", "within 0"), GOOD.replace("within 60", f"within {LONGEST_S + 1}"), GOOD.replace("within 60", "within \u0666"), GOOD.replace("M=", "N="),
        GOOD.replace("origin ", "origin https://"), GOOD.replace(ORIGIN, f"{ORIGIN}/"), GOOD.replace("origin ", "origin  "), f"\n{GOOD}", f"{GOOD}\n",
    ],
)  # fmt: skip
def test_a_note_of_another_form_promises_nothing(text: str) -> None:
    assert text != GOOD
    with pytest.raises(MalformedPromise):
        promise_of(notes.parsed(notes.signed(text, Signer("a", bytes(32)))))
