"""Every refusal is told by its code, and every code is one that something provokes."""

import re
from pathlib import Path
from typing import Final

import pytest

from domain.errors import TITLES, Refused
from tests.domain import test_consultation, test_contribution, test_moderation, test_proposal, test_publication, test_readings

ROOT: Final = Path(__file__).parents[2]
BESIDE: Final = {"commitment-used"}
"""Told by the store's own uniqueness, not by a decider."""
PROVOKED: Final = {
    case.code
    for tests in (test_consultation, test_contribution, test_moderation, test_proposal, test_publication, test_readings)
    for case in tests.REFUSED
}


def test_every_code_is_provoked_by_a_test() -> None:
    assert TITLES.keys() - BESIDE == PROVOKED


def test_every_refusal_in_the_rules_has_a_title() -> None:
    raised = {
        code
        for file in (ROOT / "domain").rglob("*.py")
        for code in re.findall(r'Refused\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8"))
    }

    assert raised == TITLES.keys() - BESIDE


def test_a_refusal_tells_its_title_and_its_details() -> None:
    refused = Refused("theme-closed", field="theme", theme="archives")

    assert str(refused) == refused.code == "theme-closed"
    assert refused.title == TITLES["theme-closed"]
    assert refused.details == {"field": "theme", "theme": "archives"}


def test_a_code_without_a_title_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Refused("made-up")
