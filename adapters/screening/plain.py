"""A text as people read it, whose every place can be said in the text as it was deposited."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from html import unescape
from typing import Final, NamedTuple

from domain.screening import Category

MOST: Final = 50
"""Findings that are kept of one rule in one text: a reviewer needs no more to see what it is."""
_MARKUP: Final = re.compile(
    r"""</?(?:a|abbr|article|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|iframe|img|ins|li|mark|ol|p
        |pre|q|s|script|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul|video)(?=[\s/>])[^<>]*>
        |&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});""",
    re.IGNORECASE | re.VERBOSE,
)
"""Tags of HTML, and character references. What else stands in angle brackets is somebody's text."""
_JOINERS: Final = "\u00ad\u200b-\u200d\u2060\ufeff"
"""Soft hyphens, and what joins or parts letters without being seen."""
_WORD: Final = re.compile(rf"(?:[^\W_]|[\u0300-\u036f{_JOINERS}])+")
_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae"})
_UNSEEN: Final = frozenset({"Mn", "Cf"})


class Found(NamedTuple):
    """Where a rule found something, in the text as read."""

    start: int
    end: int
    category: Category | None = None


class Word(NamedTuple):
    start: int
    end: int
    folded: str
    """Without case, accents and what cannot be seen."""
    capitals: bool


class _Run(NamedTuple):
    """A stretch whose characters stand one to one in both texts, or a reference that stands for one or two characters."""

    read: int
    deposited: int
    length: int
    """In the text as deposited."""
    literal: bool


class Plain:
    """`read` has character references replaced by what they stand for; `words`, of the same length, has blanks in place of tags as well."""

    def __init__(self, deposited: str) -> None:
        self.deposited = deposited
        self._runs = list(_runs(deposited))
        self._starts = [run.read for run in self._runs]
        parts = [deposited[run.deposited : run.deposited + run.length] for run in self._runs]
        self.read = "".join([part if run.literal else unescape(part) for run, part in zip(self._runs, parts, strict=True)])
        self.words = "".join(
            [
                (" " * run.length if _MARKUP.fullmatch(part) else part) if run.literal else unescape(part)
                for run, part in zip(self._runs, parts, strict=True)
            ]
        )

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the text as read, which is not empty, stands in the text as deposited."""
        first, last = self._run(start), self._run(end - 1)
        begins = first.deposited + (start - first.read if first.literal else 0)
        ends = last.deposited + (end - last.read if last.literal else last.length)
        return begins, ends

    def _run(self, at: int) -> _Run:
        return self._runs[bisect_right(self._starts, at) - 1]


def _runs(deposited: str) -> Iterator[_Run]:
    read = after = 0
    for markup in _MARKUP.finditer(deposited):
        if markup.start() > after:
            yield _Run(read, after, markup.start() - after, literal=True)
            read += markup.start() - after
        tag, after = markup.group().startswith("<"), markup.end()
        yield _Run(read, markup.start(), len(markup.group()), literal=tag)
        read += len(markup.group() if tag else unescape(markup.group()))
    if after < len(deposited):
        yield _Run(read, after, len(deposited) - after, literal=True)


def words(plain: Plain) -> Iterator[Word]:
    """Every word, apart from tags: letters and digits, with the accents that follow them."""
    for match in _WORD.finditer(plain.words):
        if folded := fold(match.group()):
            yield Word(*match.span(), folded, match.group().isupper())


def fold(word: str) -> str:
    """A word without what people leave out, or write in more than one way: case, accents, ligatures, soft hyphens."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold().translate(_LIGATURES))
    return "".join([letter for letter in decomposed if unicodedata.category(letter) not in _UNSEEN])
