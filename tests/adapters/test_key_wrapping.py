"""Wrapping: keys rest under a key-encryption key whose name tells nothing, and what is amiss is told by name."""

from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from adapters.key_wrapping import WRAPPED_BYTES, Kek, Keks, KekUnknown, KeyDamaged
from adapters.store import Unavailable

OLD = Kek.of(bytes(range(32)))
NEW = Kek.of(bytes(range(32, 64)))
SECRETS = st.binary(min_size=32, max_size=32)


def test_wrapping_is_that_of_rfc_3394_section_4_6() -> None:
    data = bytes.fromhex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")
    wrapped = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
    assert OLD.wrap(data).hex().upper() == wrapped
    assert OLD.unwrap(uuid4(), bytes.fromhex(wrapped)) == data


@given(SECRETS, SECRETS)
def test_a_wrapped_key_comes_back_and_what_its_row_holds_is_neither_key(kek: bytes, secret: bytes) -> None:
    by = Kek.of(kek)
    wrapped = by.wrap(secret)
    assert len(wrapped) == WRAPPED_BYTES
    assert by.unwrap(uuid4(), wrapped) == secret
    assert secret not in wrapped
    assert by.id not in (kek[:8], Cipher(AES(kek), ECB()).encryptor().update(bytes(16))[:8])  # noqa: S305 - no check value of the key


@given(SECRETS, st.integers(0, WRAPPED_BYTES * 8 - 1))
def test_a_changed_bit_is_noticed_and_told_of_the_key(secret: bytes, bit: int) -> None:
    key, wrapped = uuid4(), bytearray(OLD.wrap(secret))
    wrapped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KeyDamaged, match=f"{key} does not unwrap under the key-encryption key {OLD.id.hex()}"):
        OLD.unwrap(key, bytes(wrapped))


@pytest.mark.parametrize("length", [0, 8, 24, 39, 48])
def test_bytes_of_another_length_are_damage(length: int) -> None:
    with pytest.raises(KeyDamaged):
        OLD.unwrap(uuid4(), bytes(length))


def test_another_key_encryption_key_is_noticed_even_under_the_name_of_the_right_one() -> None:
    pretender = Kek(NEW.secret, OLD.id)
    with pytest.raises(KeyDamaged):
        pretender.unwrap(uuid4(), OLD.wrap(bytes(32)))


def test_the_current_one_wraps_and_any_that_is_known_unwraps() -> None:
    keks = Keks.fixed(NEW.secret, OLD.secret, OLD.secret)
    assert (keks.current, keks.previous) == (NEW, [OLD.id])
    for kek in (OLD, NEW):
        assert keks.unwrap(uuid4(), kek.id, kek.wrap(b"s" * 32)) == b"s" * 32


def test_an_unknown_one_is_no_damage_and_is_told_with_its_name_and_the_setting() -> None:
    with pytest.raises(KekUnknown, match=rf"{OLD.id.hex()}, which is not configured.* REGISTRE_KEK_PREVIOUS") as told:
        Keks.fixed(NEW.secret).unwrap(uuid4(), OLD.id, OLD.wrap(bytes(32)))
    assert isinstance(told.value, Unavailable)
    assert not isinstance(told.value, ValueError)


def test_an_unknown_one_is_looked_for_once_more_and_what_was_known_stays_known() -> None:
    configured = [OLD.secret]
    keks = Keks(lambda: configured)
    configured[:] = [NEW.secret]
    assert keks.unwrap(uuid4(), NEW.id, NEW.wrap(b"n" * 32)) == b"n" * 32
    assert keks.current == NEW
    assert keks.unwrap(uuid4(), OLD.id, OLD.wrap(b"o" * 32)) == b"o" * 32


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_it_has_exactly_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Kek.of(bytes(length))


def test_it_shows_in_no_representation() -> None:
    for shown in (repr(OLD), f"{OLD}", pretty_repr(OLD), repr(Keks.fixed(OLD.secret)), pretty_repr(Keks.fixed(OLD.secret))):
        assert OLD.id.hex() in shown
        assert r"\x" not in shown
