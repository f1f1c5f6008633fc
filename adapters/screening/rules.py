"""The rules of screening with their versions, and their application to one text."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, NamedTuple

import structlog

from adapters.screening import contacts, lexicon, numbers
from adapters.screening.plain import MOST, Found, Plain
from adapters.screening.shouting import shouting
from domain.screening import Finding, Rule

_LEXICON: Final = lexicon.load()
_log = structlog.get_logger()


class Finder(NamedTuple):
    rule: Rule
    version: int
    """Raised whenever the rule finds something else than before in any text."""
    find: Callable[[Plain], Iterable[Found]]


FINDERS: Final = (
    Finder("email", 1, contacts.emails),
    Finder("phone", 1, contacts.phones),
    Finder("social-security", 1, numbers.social_security),
    Finder("bank-account", 1, numbers.bank_accounts),
    Finder("link", 1, contacts.links),
    Finder("shouting", 1, shouting),
    Finder("sensitive", _LEXICON.version, lexicon.SensitiveWords(_LEXICON)),
)
DUPLICATES: Final = 1
"""Version of the rule `duplicate`, which compares with other texts."""
VERSION: Final = 1
"""Raised with the version of any rule: what has been screened under an earlier one is told from what has not."""
RULES: Final = f"screening.{VERSION}"


def findings(plain: Plain, finders: Iterable[Finder] = FINDERS) -> list[Finding]:
    """Everything that the rules find in one text, in order of place. Takes a time that grows with the length of the text, whatever it says.

    A rule that fails says so instead of its findings: a text that breaks one must not keep others from being screened.
    """
    found: list[Finding] = []
    for finder in finders:
        try:
            found += _found(finder, plain)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rules apply; the text must not reach the log
            _log.error("a screening rule failed", rule=finder.rule, error=type(error).__name__)
            found.append(Finding(finder.rule, finder.version, 0, len(plain.deposited), failed=True))
    return sorted(found, key=lambda each: (each.start, each.end, each.rule, each.category or ""))


def _found(finder: Finder, plain: Plain) -> list[Finding]:
    found = list(islice(finder.find(plain), MOST + 1))
    cut = len(found) > MOST
    return [
        Finding(finder.rule, finder.version, *plain.place(each.start, each.end), each.category, more=cut and number == MOST)
        for number, each in enumerate(found[:MOST], start=1)
    ]
