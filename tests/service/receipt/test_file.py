"""A receipt as a file is for people, and nothing of it is lost to programs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.receipt.file import TEXTS, WIDTH, UnreadableReceipt, read, written
from tests.service.receipt.keeping import RECEIPT, receipt_of

FILE = written(RECEIPT)


def test_the_file_and_the_json_hold_the_same_receipt() -> None:
    assert read(FILE.encode()) == RECEIPT
    assert read(msgspec.json.encode(RECEIPT)) == RECEIPT
    assert read(msgspec.json.format(msgspec.json.encode(RECEIPT))) == RECEIPT


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True))
def test_whatever_was_deposited_the_file_is_read_as_it_was_written(text: str, key: str) -> None:
    receipt = receipt_of(text, key)
    assert read(written(receipt).encode()) == receipt


def test_the_file_holds_what_a_person_needs_in_two_languages() -> None:
    for told in (
        "address: consultation.example",
        f"contribution: {RECEIPT.contribution}",
        f"code: {RECEIPT.code}",
        RECEIPT.promise,
    ):
        assert told in FILE
    assert FILE.index("FRANÇAIS") < FILE.index("ENGLISH")
    assert FILE.count("7 jours") == FILE.count("7 days") == 1
    assert "{" not in FILE
    prose = FILE[FILE.index("FRANÇAIS") :].splitlines()
    assert max(map(len, prose)) <= WIDTH


def test_every_text_stands_in_both_languages() -> None:
    assert all(phrase.fr.strip() and phrase.en.strip() and phrase.fr != phrase.en for phrase in TEXTS.values())


@pytest.mark.parametrize(
    "mangled",
    [
        FILE.replace("\n", "\r\n"), f"\ufeff{FILE}", f"\n\n{FILE}\n\n", FILE.replace(" -----\n", " -----  \n"),
        FILE.replace(f"code: {RECEIPT.code}", f"code:   {RECEIPT.code} "), FILE[: FILE.index("FRANÇAIS")],
    ],
)  # fmt: skip
def test_what_editors_and_mails_do_to_a_file_does_not_matter(mangled: str) -> None:
    assert mangled != FILE
    assert read(mangled.encode()) == RECEIPT


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "neither the JSON"),
        (b"\xff", "UTF-8"),
        (b"{}", "missing required field `contribution`"),
        (b"[1]", "neither the JSON"),
        (msgspec.json.encode(RECEIPT).replace(b'"blind":"', b'"blind":"!'), "blind"),
        (FILE.replace("commitment: ", "commitment: !", 1).encode(), "commitment is not base64"),
        (FILE.replace("charter: 1", "charter: one").encode(), "charter"),
        (FILE.replace(f"contribution: {RECEIPT.contribution}", "contribution: 7").encode(), "contribution"),
        (FILE.replace("theme: archives\n", "").encode(), "in this order: address, contribution"),
        (FILE.replace("----- end -----", "").encode(), "neither the JSON"),
        (b"x" * 100_001, "at most 100000 bytes"),
    ],
)
def test_what_is_no_receipt_is_refused_and_says_why(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadableReceipt, match=said):
        read(raw)


@given(st.binary(max_size=400))
def test_anything_at_all_is_read_or_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableReceipt):
        read(raw)
