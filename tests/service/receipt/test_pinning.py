"""A key that somebody trusts is kept, and another one under its name is noticed."""

from pathlib import Path

import pytest

from adapters.notes import MalformedKey
from adapters.promises import Promises
from service.receipt import pinning
from tests.service.definitions import PROMISES

OURS = PROMISES.verifier
ANOTHER = Promises("consultation.example", b"f" * 32, 60).verifier
ELSEWHERE = Promises("elsewhere.example", b"e" * 32, 60).verifier


def test_kept_keys_are_used_where_none_is_given(tmp_path: Path) -> None:
    path = tmp_path / "config" / "keys"
    assert pinning.trusted(path, None) == []
    assert pinning.keep(path, OURS)
    assert not pinning.keep(path, OURS)
    assert pinning.trusted(path, None) == [OURS]
    assert pinning.trusted(path, ELSEWHERE) == [ELSEWHERE]


def test_another_key_under_a_name_that_is_kept_is_refused_until_it_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    pinning.keep(path, OURS)
    with pytest.raises(pinning.KeyDiffers, match="another key is kept"):
        pinning.trusted(path, ANOTHER)
    pinning.keep(path, ANOTHER)
    assert pinning.trusted(path, ANOTHER) == [ANOTHER]
    assert pinning.kept(path) == [OURS, ANOTHER]


def test_a_line_that_holds_no_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{OURS}\n\nnonsense\n", encoding="utf-8")
    with pytest.raises(MalformedKey, match="line 3"):
        pinning.kept(path)
