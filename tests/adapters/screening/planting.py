"""What is planted in texts, and the words of people around it."""

from typing import Final

from hypothesis import strategies as st
from stdnum.fr import nir
from stdnum.iso7064 import mod_97_10

from adapters.screening.plain import Plain
from adapters.screening.rules import FINDERS, findings
from domain.screening import Finding, Rule

SURROUNDINGS: Final = st.text(max_size=60) | st.sampled_from(
    [
        "",
        "l'été &amp; la <b>mémoire</b>",
        "&#x1f3ad; 12 34 ",
        "<a href='/1'>1</a> ",
        "Paragraphe 3, alinéa 2 : 75 % de 1 000.",
        "e\u0301\u0301",
    ]
)
"""Whatever stands before and after, a blank apart."""

LABELS: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
EMAILS: Final = st.builds("{}.{}@{}.{}".format, LABELS, LABELS, LABELS, st.sampled_from(["fr", "org", "gouv.fr", "museum"]))
LINKS: Final = st.builds(
    "{}{}.{}{}".format,
    st.sampled_from(["http://", "https://", "www.", "HTTPS://", ""]),
    LABELS,
    st.sampled_from(["fr", "org", "com"]),
    st.sampled_from(["", "/", "/chemin/page-1.html", "?q=a&b=c"]),
)
_PAIRS: Final = st.integers(0, 99).map("{:02}".format)
PHONES: Final = st.builds(
    lambda first, separator, *pairs: separator.join([f"0{first}", *pairs]),
    st.sampled_from("16"),
    st.sampled_from([" ", ".", "-", "", "\u00a0"]),
    st.integers(10, 29).map(str),
    *[_PAIRS] * 3,
)


def _nir(sex: str, year: str, month: int, department: str, place: int, order: int, separator: str) -> str:
    groups = [sex, year, f"{month:02}", department, f"{place:03}", f"{order:03}"]
    return separator.join([*groups, nir.calc_check_digits("".join(groups))])


NIRS: Final = st.builds(
    _nir, st.sampled_from("12"), _PAIRS, st.integers(1, 12), st.sampled_from(["01", "75", "2A", "2B", "93"]), st.integers(1, 990),
    st.integers(1, 999), st.sampled_from([" ", "", ".", "\u202f"]),
)  # fmt: skip


def _iban(bank: int, branch: int, account: int, step: int) -> str:
    """A French account, whose national key follows from its bank, branch and number (FBNR, 97 - (89b + 15g + 3c) mod 97)."""
    key = 97 - (89 * bank + 15 * branch + 3 * account) % 97
    bban = f"{bank:05}{branch:05}{account:011}{key:02}"
    number = f"FR{mod_97_10.calc_check_digits(f'{bban}FR')}{bban}"
    return " ".join(number[at : at + step] for at in range(0, len(number), step))


IBANS: Final = st.builds(
    _iban, st.integers(1, 99_999), st.integers(1, 99_999), st.integers(1, 10**11 - 1), st.sampled_from([4, 27])
)


def found(text: str, rule: Rule) -> list[Finding]:
    """What one rule finds."""
    return findings(Plain(text), [finder for finder in FINDERS if finder.rule == rule])


def said(text: str, rule: Rule) -> list[str]:
    """The same, as it stands in the text."""
    return [text[each.start : each.end] for each in found(text, rule)]
