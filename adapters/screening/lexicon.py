"""Words that suggest one of the charter's eight sensitive categories, from the versioned list beside this file."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from adapters.screening.plain import Found, Plain, Word, words
from domain.screening import Category

FILE: Final = Path(__file__).with_name("lexicon.toml")
_STEM: Final = "*"


class Lexicon(Struct, frozen=True, forbid_unknown_fields=True):
    """A stem ends in `*` and stands for every word that begins so; an entry all in capitals is met in capitals alone; others in any case.

    Several words are met in a row. Accents are written for people: they are left out on both sides.
    """

    version: int
    categories: dict[Category, dict[str, list[str]]]
    """By category, then by language. Every text is searched for the words of each: people write in more than one."""


class _Part(NamedTuple):
    folded: str
    stem: bool
    capitals: bool

    def met_by(self, word: Word) -> bool:
        same = word.folded.startswith(self.folded) if self.stem else word.folded == self.folded
        return same and (word.capitals or not self.capitals)


class _Entry(NamedTuple):
    category: Category
    parts: tuple[_Part, ...]


class SensitiveWords:
    """A rule made of one lexicon. A text is read once: each word is looked up whole, and by its beginnings of the lengths that stems have."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._whole: defaultdict[str, list[_Entry]] = defaultdict(list)
        self._stems: defaultdict[str, list[_Entry]] = defaultdict(list)
        for category, languages in lexicon.categories.items():
            for entry in (_entry(category, written) for listed in languages.values() for written in listed):
                (self._stems if entry.parts[0].stem else self._whole)[entry.parts[0].folded].append(entry)
        self._lengths = sorted({len(stem) for stem in self._stems})

    def __call__(self, plain: Plain) -> Iterator[Found]:
        """Of entries of one category that begin at the same word, the longest."""
        text = list(words(plain))
        for place in range(len(text)):
            longest: dict[Category, int] = {}
            for category, parts in self._begun(text[place]):
                run = text[place : place + len(parts)]
                if len(run) == len(parts) and all(part.met_by(word) for part, word in zip(parts, run, strict=True)):
                    longest[category] = max(longest.get(category, 0), len(parts))
            for category, length in longest.items():
                yield Found(text[place].start, text[place + length - 1].end, category)

    def _begun(self, word: Word) -> Sequence[_Entry]:
        found = list(self._whole.get(word.folded, ()))
        for length in self._lengths:
            if length > len(word.folded):
                break
            found += self._stems.get(word.folded[:length], ())
        return found


def load(path: Path = FILE) -> Lexicon:
    """Raises msgspec.ValidationError, which names the place, for a category that the charter does not know."""
    return msgspec.toml.decode(path.read_bytes(), type=Lexicon)


def _entry(category: Category, written: str) -> _Entry:
    capitals = written.isupper() and len(written) > 1
    parts = [_Part(word.folded, written[word.end : word.end + 1] == _STEM, capitals) for word in words(Plain(written))]
    if not parts:
        raise ValueError(f"{category}: {written!r} has no word")
    return _Entry(category, tuple(parts))
