"""E-mail addresses, telephone numbers and links: ways to reach somebody, or to lead readers elsewhere."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import phonenumbers

from adapters.screening.plain import MOST, Found, Plain

REGION: Final = "FR"
"""Numbers without a country code are read as French ones."""
_LOCAL_LONGEST: Final = 64
"""RFC 5321, section 4.5.3.1.1."""
_AT: Final = re.compile(r"@|[ ]?[(\[][ ]?(?:at|arobase|arobas|@)[ ]?[)\]][ ]?|[ ]arobas(?:e)?[ ]", re.IGNORECASE)
_DOT: Final = r"(?:\.|[ ]?[(\[](?:dot|point)[)\]][ ]?|[ ](?:dot|point)[ ])"
_DOMAIN: Final = re.compile(rf"(?:[^\W_][\w-]{{0,62}}{_DOT}){{1,8}}[^\W\d_]{{2,24}}(?![\w@-])", re.IGNORECASE)
_FRENCH: Final = re.compile(r"(?<![0-9+])(?=(0[1-9](?:[ .\-/\u00a0\u202f]?[0-9]{2}){4})(?![0-9]))")
_ENDS: Final = "com|org|net|info|eu|fr|gouv|io|co|be|ch|ca|uk|lu|nl|nc|bzh|paris|alsace|corsica|app|dev|tv|gov|edu|biz|online|site|shop|blog|xyz|ly"
"""Ends of domains that no French or English sentence is likely to begin with."""
_LINK: Final = re.compile(
    rf"""(?<![\w@])(?:
        (?i:https?|ftp)://[^\s<>"]{{1,2000}}
        |(?i:www)\.[^\s<>"]{{1,2000}}
        |(?<![.\-])(?:[^\W_][\w-]{{0,62}}\.){{1,8}}(?:{_ENDS}|{_ENDS.upper()})(?![\w@-]|\.\w)(?:[/?\#:][^\s<>"]{{0,2000}})?
    )""",
    re.VERBOSE,
)
_AFTER_A_LINK: Final = ".,;:!?…)]}'’»*"


def emails(plain: Plain) -> Iterator[Found]:
    """Addresses as `name@example.org`, and as people write them for people: `name (at) example.org`, `name arobase example point org`."""
    text = plain.read
    for sign in _AT.finditer(text):
        start = sign.start()
        while start > 0 and sign.start() - start < _LOCAL_LONGEST and (text[start - 1].isalnum() or text[start - 1] in "._%+-"):
            start -= 1
        while start < sign.start() and not text[start].isalnum():
            start += 1
        domain = _DOMAIN.match(text, sign.end())
        if domain and start < sign.start():
            yield Found(start, domain.end())


def phones(plain: Plain) -> Iterator[Found]:
    """Numbers that exist, of France and, with their country code, of any country. French ones are found among other digits too."""
    text = plain.read
    matched = [Found(match.start, match.end) for match in islice(phonenumbers.PhoneNumberMatcher(text, REGION), MOST + 1)]
    taken = {place for found in matched for place in range(found.start, found.end)}
    yield from matched
    for candidate in _FRENCH.finditer(text):
        start, end = candidate.span(1)
        if start not in taken and end - 1 not in taken:
            number = phonenumbers.parse(text[start:end], REGION)
            if phonenumbers.is_valid_number(number):
                yield Found(start, end)


def links(plain: Plain) -> Iterator[Found]:
    """Web addresses with or without their scheme, in the text and in its tags."""
    for match in _LINK.finditer(plain.read):
        found = match.group().rstrip(_AFTER_A_LINK)
        if "." in found or "://" in found:
            yield Found(match.start(), match.start() + len(found))
