"""A text takes a time in proportion to its length, whatever it says: anybody may send one of the longest."""

import time
from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from adapters.screening.plain import Plain
from adapters.screening.rules import FINDERS, findings
from adapters.screening.similarity import Similarity

LONGEST: Final = 20_000
TIMES: Final = 8
BOUND: Final = TIMES * 3
"""Eight times the text may take three times eight times as long on a busy machine; what is quadratic takes sixty-four times as long."""
TOO_SHORT_S: Final = 0.05
"""Below this at full length nothing can be told from noise, nor needs to be."""
_ANYTHING: Final = "aA1 .@-/(<&;#!+é\n"

REPEATED: Final = [
    "a", "1", "1 ", "0612345678 ", "0612345679 ", "06 12 34 56 78 ", "01 01 ", "@", "a@", "a@a.", "a.a.", "@a.", " arobase ", "a(at)b(dot)",
    "<a ", "<a", "&", "&a", "&a;", "&#64;", "FR76 ", "FR7630006000011234567890189 ", "1 85 05 78 006 084 91 ", "2A", "http://", "www.", "a-.",
    "! ", "?!", "A ", "AAAA ", "(", "+33 ", "1/2/", "handicap ", "je ", "front ", "e\u0301", "\u0301", "\u200b", " ", "œ", "ﷺ", "1 1 ext ", "+1;ext=",
]  # fmt: skip
RANDOM: Final = ["".join(Random(seed).choices(_ANYTHING, k=size)) for seed, size in enumerate([3, 5, 7, 11, 13, LONGEST])]


def _taken(work: Callable[[str], object], text: str, attempts: int = 1) -> float:
    """Of this process's own time, the least of the attempts."""
    taken = []
    for _ in range(attempts):
        began = time.process_time()
        work(text)
        taken.append(time.process_time() - began)
    return min(taken)


WORK: Final[dict[str, Callable[[str], object]]] = {
    "plain": Plain,
    "likeness": lambda text: Similarity(bytes(32)).of(Plain(text)),
    **{finder.rule: lambda text, finder=finder: findings(Plain(text), [finder]) for finder in FINDERS},  # type: ignore[misc]
}


@pytest.mark.parametrize("work", WORK)
def test_time_grows_with_the_length_and_no_faster(work: str) -> None:
    for piece in (*REPEATED, *RANDOM):
        long = (piece * LONGEST)[:LONGEST]
        if _taken(WORK[work], long) > TOO_SHORT_S:
            took_s, short_s = _taken(WORK[work], long, 3), _taken(WORK[work], long[: LONGEST // TIMES], 3)
            assert took_s < BOUND * short_s, f"{work}: {piece[:20]!r} takes {took_s:.2f} s, an eighth of it {short_s:.3f} s"
