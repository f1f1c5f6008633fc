"""A receipt proves what it says to whoever holds the service's public key, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.notes import Signer
from adapters.promises import Promises, key_name
from service.deposits import Receipt
from service.receipt.verifying import Findings, verify
from tests.service.definitions import PROMISES
from tests.service.receipt.keeping import RECEIPT, TEXT, receipt_of

KEYS = [PROMISES.verifier]
FORGER = Promises("consultation.example", b"f" * 32, 604_800)


def states(found: Findings) -> dict[str, str]:
    return {each.check: each.state for each in found.findings}


def test_a_receipt_verifies_with_the_key_and_the_text() -> None:
    found = verify(RECEIPT, KEYS, TEXT)

    assert found.verdict == "verified"
    assert states(found) == dict.fromkeys(("code", "promise", "signature", "text"), "holds")
    assert found.signed_by == str(PROMISES.verifier)


def test_without_its_text_a_receipt_verifies_and_says_what_was_not_compared() -> None:
    found = verify(RECEIPT, KEYS)

    assert (found.verdict, states(found)["text"]) == ("verified", "unchecked")


def test_without_a_key_nothing_is_proven_and_this_is_said() -> None:
    found = verify(RECEIPT, [], TEXT)

    assert (found.verdict, states(found)["signature"], found.signed_by) == ("unproven", "unchecked", None)
    assert "no key was given" in next(each.sentence for each in found.findings if each.check == "signature")


def test_the_key_of_another_service_proves_nothing_even_if_it_signed() -> None:
    other = Promises("elsewhere.example", b"e" * 32, 604_800)
    assert verify(RECEIPT, [other.verifier], TEXT).verdict == "unproven"

    # Elsewhere signs, under its own name, what consultation.example never promised.
    text = RECEIPT.promise.partition("\n\n")[0] + "\n"
    forged = replace(RECEIPT, promise=f"{text}\n{Signer(key_name('elsewhere.example'), b'e' * 32).sign(text)}")
    assert verify(forged, [other.verifier], TEXT).verdict == "unproven"
    assert verify(forged, [other.verifier, *KEYS], TEXT).verdict == "false"


def test_a_promise_by_another_key_under_the_same_name_is_false() -> None:
    forged = replace(RECEIPT, promise=FORGER.of(RECEIPT.commitment))

    found = verify(forged, KEYS, TEXT)

    assert (found.verdict, states(found)["signature"]) == ("false", "fails")


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"code": "0" * 31}, "code"),
        ({"code": RECEIPT.code.replace(RECEIPT.code[0], "U")}, "code"),
        ({"commitment": bytes(32)}, "promise"),
        ({"commitment": bytes(32), "promise": PROMISES.of(bytes(32))}, "text"),
        ({"blind": bytes(32)}, "text"),
        ({"blind": bytes(31)}, "text"),
        ({"promise": ""}, "promise"),
        ({"promise": RECEIPT.promise.replace("within 604800", "within 3600")}, "signature"),
        ({"promise": RECEIPT.promise.rstrip()}, "promise"),
    ],
)
def test_each_part_that_is_changed_is_found(changed: dict[str, Any], check: str) -> None:
    found = verify(replace(RECEIPT, **changed), KEYS, TEXT)

    assert found.verdict == "false"
    assert states(found)[check] == "fails"


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: text.rstrip("\r\n") != TEXT))
def test_no_other_text_fits(text: str) -> None:
    assert states(verify(RECEIPT, KEYS, text))["text"] == "fails"


def test_a_text_is_compared_verbatim_but_for_the_line_end_that_an_editor_adds() -> None:
    for ended in ("\n", "\r\n"):
        found = verify(RECEIPT, KEYS, TEXT + ended)
        assert "without the line end" in found.findings[-1].sentence
        assert found.verdict == "verified"
    assert verify(RECEIPT, KEYS, f"{TEXT}\n\n").verdict == "false"
    assert verify(receipt_of(f"{TEXT}\n"), KEYS, TEXT).verdict == "false"
    assert verify(receipt_of(f"{TEXT}\n"), KEYS, f"{TEXT}\n").verdict == "verified"


def test_a_code_is_taken_as_a_person_writes_it() -> None:
    assert verify(replace(RECEIPT, code=RECEIPT.code.lower().replace("-", " ")), KEYS).verdict == "verified"


def test_two_identical_texts_give_receipts_of_which_neither_stands_in_for_the_other() -> None:
    one, other = receipt_of(key="k" * 22), receipt_of(key="l" * 22)
    assert one.commitment != other.commitment

    def crossed(**changed: Any) -> Receipt:
        return replace(one, **changed)

    assert verify(one, KEYS, TEXT).verdict == verify(other, KEYS, TEXT).verdict == "verified"
    assert verify(crossed(promise=other.promise), KEYS, TEXT).verdict == "false"
    assert verify(crossed(blind=other.blind), KEYS, TEXT).verdict == "false"
