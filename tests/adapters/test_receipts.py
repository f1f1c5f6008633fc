"""Receipts: the same request computes the same receipt, any other computes another, and a person can copy the code."""

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.receipts import (
    MalformedCode,
    code,
    code_digest,
    contribution_id,
    normalised,
    pseudonym,
    same,
    server_blind,
    similarity_key,
)

SECRET = bytes(range(32))
BODY = sha256(b"body").digest()
CODE = code(SECRET, "culture", "key-1", BODY)


def test_the_id_of_a_contribution_is_an_hmac_laid_out_as_a_version_4_uuid() -> None:
    parts = (b"registre.contribution.v1", b"culture", b"key-1")
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    expected = bytearray(hmac.digest(SECRET, message, "sha256")[:16])
    expected[6] = expected[6] & 0x0F | 0x40
    expected[8] = expected[8] & 0x3F | 0x80
    found = contribution_id(SECRET, "culture", "key-1")
    assert found.bytes == bytes(expected)
    assert found.version == 4


def test_a_retry_computes_the_same_receipt() -> None:
    assert code(SECRET, "culture", "key-1", BODY) == CODE
    assert server_blind(SECRET, "culture", "key-1", BODY) == server_blind(SECRET, "culture", "key-1", BODY)


def test_another_secret_consultation_key_or_body_computes_another_receipt() -> None:
    other = bytes(32)
    requests = [
        (SECRET, "culture", "key-1", BODY),
        (other, "culture", "key-1", BODY),
        (SECRET, "archives", "key-1", BODY),
        (SECRET, "culture", "key-2", BODY),
        (SECRET, "culture", "key-1", other),
        (SECRET, "culturek", "ey-1", BODY),
    ]
    assert len({code(*request) for request in requests}) == len(requests)
    assert len({server_blind(*request) for request in requests}) == len(requests)
    assert len({contribution_id(*request[:3]) for request in requests}) == len(requests) - 1


def test_a_code_and_a_blind_have_nothing_in_common() -> None:
    assert int.from_bytes(server_blind(SECRET, "culture", "key-1", BODY)[:20], "big") != _number(CODE)


def test_a_code_shows_160_bits_in_eight_groups_of_four() -> None:
    assert [len(group) for group in CODE.split("-")] == [4] * 8
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (b"registre.code.v1", b"culture", b"key-1", BODY))
    assert _number(CODE) == int.from_bytes(hmac.digest(SECRET, message, "sha256")[:20], "big")


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["", " ", "-", " – ", "\u00a0", "\n"]), st.booleans())
def test_a_code_is_read_however_a_person_writes_it(secret: bytes, between: str, small: bool) -> None:
    issued = code(secret, "culture", "key", BODY)
    written = f" {between.join(issued.split('-'))}\t".replace("0", "O").replace("1", "l")
    assert code_digest(written.lower() if small else written) == code_digest(issued)


def test_the_digest_of_a_code_says_what_it_is_a_digest_of() -> None:
    assert code_digest(CODE) == sha256(b"registre.code.v1\x00" + CODE.replace("-", "").encode()).digest()


@pytest.mark.parametrize("written", ["", CODE[:-1], CODE + "0", CODE[:-1] + "U", CODE[:-1] + "é", CODE[:-1] + "\u0665"])
def test_what_is_not_a_code_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(MalformedCode) as refusal:
        normalised(written)
    assert CODE[:4] not in str(refusal.value)


def test_digests_are_compared_whole() -> None:
    assert same(BODY, bytes(BODY))
    assert not same(BODY, BODY[:-1] + bytes([BODY[-1] ^ 1]))
    assert not same(BODY, BODY[:-1])


def test_a_member_of_staff_has_another_pseudonym_in_each_consultation() -> None:
    one = pseudonym(SECRET, "https://issuer.example", "alice", "culture")
    assert one == pseudonym(SECRET, "https://issuer.example", "alice", "culture")
    assert one.startswith("staff-")
    assert len(bytes.fromhex(one.removeprefix("staff-"))) == 16
    others = [("https://issuer.example", "alice", "archives"), ("https://issuer.example", "bob", "culture"),
              ("https://issuer.exampl", "ealice", "culture")]  # fmt: skip
    assert len({one, *(pseudonym(SECRET, *other) for other in others)}) == 4


def test_texts_of_each_consultation_are_compared_under_a_key_of_its_own() -> None:
    keys = {similarity_key(SECRET, "culture"), similarity_key(SECRET, "archives"), similarity_key(bytes(32), "culture")}

    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
    assert similarity_key(SECRET, "culture") in keys


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        contribution_id(SECRET[:-1], "culture", "key-1")


def _number(written: str) -> int:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for letter in written.replace("-", ""):
        number = number * 32 + alphabet.index(letter)
    return number
