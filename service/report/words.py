"""How figures are written in French and English. Everything takes None, which is what is undefined, and writes a dash for it."""

import re
from datetime import date
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

Language = Literal["fr", "en"]

DASH: Final = "—"
NARROW: Final = "\u202f"
"""The narrow no-break space that French sets between thousands and before a percent sign."""
JOINED: Final = "\u00a0"
"""The no-break space between a number and its unit."""
BEFORE_SIGN: Final = re.compile(r" (?=[:;?!»])")
DAY_S: Final = 86_400.0
SHORTER: Final = ((60.0, 1.0, "second"), (3_600.0, 60.0, "minute"), (1.5 * DAY_S, 3_600.0, "hour"))
"""Units below the day: up to how many seconds each is used, its length in seconds, its name."""


class Phrase(Struct, frozen=True):
    fr: str
    en: str


TEXTS: Final = msgspec.toml.decode((Path(__file__).parent / "texts.toml").read_bytes(), type=dict[str, dict[str, Phrase]])


def phrase(language: Language, section: str, key: str, **facts: str) -> str:
    """A text of the catalogue. Raises KeyError for what it does not hold, or for a fact that is missing."""
    text = TEXTS[section][key]
    return (text.fr if language == "fr" else text.en).format(**facts)


def spaced(text: str) -> str:
    """A French text whose double signs stay on the line of their word."""
    return BEFORE_SIGN.sub(NARROW, text)


def number(language: Language, value: float | None, digits: int = 0) -> str:
    """With so many digits after the decimal sign: 1 234,5 or 1,234.5; the minus is a minus sign."""
    if value is None:
        return DASH
    text = f"{value:,.{digits}f}".replace("-", "\u2212" if round(value, digits) else "")
    return text.translate({ord(","): NARROW, ord("."): ","}) if language == "fr" else text


def percent(language: Language, share: float | None) -> str:
    """A share with one decimal. Only all is written 100 %, and only nothing 0 %."""
    if share is None:
        return DASH
    sign = f"{NARROW}%" if language == "fr" else "%"
    if 0.9995 <= share < 1:
        return f">{JOINED}{number(language, 99.9, 1)}{sign}"
    if 0 < share < 0.0005:
        return f"<{JOINED}{number(language, 0.1, 1)}{sign}"
    hundredths = round(share * 100, 1)
    return f"{number(language, hundredths, 0 if hundredths.is_integer() else 1)}{sign}"


def probability(language: Language, p: float | None) -> str:
    """Three decimals; what is smaller is only said to be smaller."""
    if p is not None and 0 <= p < 0.001:
        return f"<{JOINED}{number(language, 0.001, 3)}"
    return number(language, p, 3)


def delay(language: Language, value: float | None, unit: Literal["seconds", "days"], *, brief: bool = True) -> str:
    """In the unit that a person would choose; days as j and d where it is brief, else as words."""
    if value is None:
        return DASH
    for most, size, name in () if unit == "days" else SHORTER:
        if value < most:
            return f"{_short(language, value / size)}{JOINED}{phrase(language, 'unit', name)}"
    days = value if unit == "days" else value / DAY_S
    return f"{_short(language, days)}{JOINED}{phrase(language, 'unit', 'day_brief' if brief else _days(language, days))}"


def _days(language: Language, days: float) -> Literal["day", "days"]:
    """French says the plural from two on, English of everything but one."""
    shown = round(days, 1) if days < 100 else round(days)
    return "days" if (shown >= 2 if language == "fr" else shown != 1) else "day"


def _short(language: Language, value: float) -> str:
    return number(language, value, 0 if value >= 100 or round(value, 1).is_integer() else 1)


def day(language: Language, when: date | None) -> str:
    """A date in words: 1er septembre 2026, 1 September 2026."""
    if when is None:
        return phrase(language, "dash", "day")
    first = "1er" if language == "fr" and when.day == 1 else str(when.day)
    return f"{first}{JOINED}{phrase(language, 'month', str(when.month))} {when.year:04}"
