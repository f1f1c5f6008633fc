"""Numbers that name one person or one account, told from others by their check digits."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from stdnum import iban, numdb
from stdnum.fr import nir

from adapters.screening.plain import Found, Plain

_APART: Final = r"[ .\-/\u00a0\u202f]{0,2}"
"""What may stand between two digits as people write them."""
_NIR: Final = re.compile(
    rf"(?<!\w)(?=([1-478](?:{_APART}[0-9]){{4}}(?:(?:{_APART}[0-9]){{2}}|{_APART}2{_APART}[AaBb])(?:{_APART}[0-9]){{8}})(?!\w))"
)
_IBAN: Final = re.compile(rf"(?<!\w)(?=([A-Za-z]{{2}}){_APART}[0-9]{_APART}[0-9])")
_LENGTH: Final = re.compile(r"([1-9][0-9]*)!")
_COUNTRIES: Final = numdb.get("iban")


def social_security(plain: Plain) -> Iterator[Found]:
    """French social security numbers (NIR) with their key, Corsican ones among them: 15 characters, however they are grouped."""
    for match in _NIR.finditer(plain.read):
        if nir.is_valid(_compact(match.group(1))):
            yield Found(*match.span(1))


def bank_accounts(plain: Plain) -> Iterator[Found]:
    """IBANs of every country that has them, however they are grouped.

    Whether the bank exists is not asked: lists of banks grow old, and who mistyped nothing has given an account away.
    """
    for match in _IBAN.finditer(plain.read):
        account = _account(match.group(1).upper())
        whole = account and account.match(plain.read, match.start())
        if whole and iban.is_valid(_compact(whole.group()), check_country=False):
            yield Found(*whole.span())


@lru_cache(maxsize=1_024)
def _account(country: str) -> re.Pattern[str] | None:
    """What an account of a country looks like; None where there is no such country: each has one length."""
    structure = _COUNTRIES.info(f"{country}00")[0][1].get("bban", "")
    length = sum(map(int, _LENGTH.findall(structure)))
    return re.compile(rf"[A-Za-z]{{2}}(?:{_APART}[A-Za-z0-9]){{{length + 2}}}(?!\w)") if length else None


def _compact(written: str) -> str:
    return "".join([character for character in written if character.isalnum()])
