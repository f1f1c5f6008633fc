"""The worked example of docs/receipts.md is what the code makes, and verifies by what the page says alone."""

import hmac
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.promises import LONGEST_S, Promises
from service.codes import BEAT_S, BURST, MOST, REFILL_S

PAGE = (Path(__file__).parents[3] / "docs" / "receipts.md").read_text(encoding="utf-8")
TEXT = "Ouvrir le dimanche."


def example(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_verifies_by_the_five_steps_of_the_page() -> None:
    text, _, line = example("promise").rpartition("\n\n")
    lines = text.split("\n")
    assert lines[0] == "registre.promise/v1"
    name, stated, encoded = example("key").strip().split("+", 2)
    key = b64decode(encoded)
    identity = sha256(name.encode() + b"\n" + key).digest()[:4]
    assert (identity.hex(), key[0], lines[1]) == (stated, 1, f"origin {name.removesuffix('/promise')}")
    dash, signer, signature = line.strip().split(" ")
    assert (dash, signer, b64decode(signature)[:4]) == ("\u2014", name, identity)
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(b64decode(signature)[4:], f"{text}\n".encode())
    opened = hmac.digest(bytes(range(32)), b'contribution.submitted.v1\x00{"text":"%s"}' % TEXT.encode(), "sha256")
    assert b64decode(lines[2].removeprefix("commitment ")) == opened


def test_the_example_is_what_the_service_makes() -> None:
    promises = Promises("consultation.example/2026", bytes(32), 604_800)
    commitment = b64decode(example("promise").split("\n")[2].removeprefix("commitment "))

    assert promises.of(commitment) == example("promise")
    assert str(promises.verifier) == example("key").strip()


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    for told in (
        f"After {BURST} wrong codes", f"every {REFILL_S:.0f} seconds", f"multiple of {BEAT_S * 1000:.0f} ms", f"watches {MOST:,}", f"1 to {LONGEST_S}",
    ):  # fmt: skip
        assert told in PAGE
