"""Shouting: capitals where nobody needs them, and marks in a row."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from adapters.screening.plain import Found, Plain, Word, words

LETTERS: Final = 20
"""Fewer capitals than that are a name, or an acronym."""
WORDS: Final = 4
"""Fewer words in capitals are a title, within a text that has other letters."""
SHARE: Final = 0.6
"""Of capitals among the letters, from which on the whole text shouts."""
_MARKS: Final = re.compile(r"[!?\uff01\uff1f](?:[ \u00a0\u202f]?[!?\uff01\uff1f]){2,}")


def shouting(plain: Plain) -> Iterator[Found]:
    """The whole text where most of it is in capitals, else each run of words in capitals; three and more exclamation or question marks."""
    yield from _whole(plain.words) or _runs(plain)
    for match in _MARKS.finditer(plain.words):
        yield Found(*match.span())


def _whole(text: str) -> list[Found]:
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    capitals = sum(text[place].isupper() for place in letters)
    if capitals < LETTERS or capitals < SHARE * len(letters):
        return []
    return [Found(letters[0], letters[-1] + 1)]


def _runs(plain: Plain) -> Iterator[Found]:
    for loud, group in groupby(words(plain), key=lambda word: word.capitals):
        run: list[Word] = list(group)
        if loud and len(run) >= WORDS and sum(word.end - word.start for word in run) >= LETTERS:
            yield Found(run[0].start, run[-1].end)
