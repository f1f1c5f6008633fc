"""A language that speaks about one document: what the templates ask for words, figures and names."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from projections.treatment.measures.document import Definition, Measures, Parity
from service.report import words
from service.report.words import TEXTS, Language

QUARTER: Final = re.compile(r"q([1-4])")
WEEK: Final = re.compile(r"(\d{4})-?W(\d{2})")
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Voice:
    def __init__(self, language: Language, measures: Measures, titles: Mapping[str, str]) -> None:
        self.language: Final = language
        self._measures = measures
        self._titles = titles
        self._anchors = {key: f"{language}-definition-{at}" for at, key in enumerate(measures.definitions, 1)}

    def say(self, section: str, key: str, **facts: str) -> str:
        return words.phrase(self.language, section, key, **facts)

    def number(self, value: float | None, digits: int = 0) -> str:
        return words.number(self.language, value, digits)

    def percent(self, share: float | None) -> str:
        return words.percent(self.language, share)

    def probability(self, p: float | None) -> str:
        return words.probability(self.language, p)

    def delay(self, value: float | None) -> str:
        return words.delay(self.language, value, self._measures.unit)

    def delay_in_words(self, value: float) -> str:
        return words.delay(self.language, value, self._measures.unit, brief=False)

    def day(self, when: date | None) -> str:
        return words.day(self.language, when)

    def measure(self, key: str) -> str:
        """Its name; one that the catalogue does not know keeps its id."""
        return self._known("measures", key)

    def definition(self, key: str) -> Definition | None:
        return self._measures.definitions.get(key)

    def meaning(self, definition: Definition) -> str:
        return words.spaced(definition.fr) if self.language == "fr" else definition.en

    def anchor(self, key: str) -> str | None:
        """The id of its entry among the definitions."""
        return self._anchors.get(key)

    def attribute(self, key: str) -> str:
        return self._known("attributes", key)

    def theme(self, key: str) -> str:
        return self._titles.get(key, key)

    def queue(self, key: str) -> str:
        return self._known("queue", key)

    def group(self, attribute: str, key: str) -> str:
        """What a group of an attribute is called; one whose form is not known keeps its id."""
        match attribute:
            case "theme":
                return self.theme(key)
            case "length":
                return self._length(key)
            case "week":
                return self._week(key)
            case "channel" | "language" | "actor" | "contact":
                return self._known(attribute, key)
            case _:
                return key

    def _known(self, section: str, key: str) -> str:
        return self.say(section, key) if key in TEXTS[section] else key

    def _length(self, key: str) -> str:
        bounds = [self.number(bound) for bound in self._measures.length_bounds]
        quarter = QUARTER.fullmatch(key)
        if quarter is None or len(bounds) != 3:
            return key
        match int(quarter[1]):
            case 1:
                return self.say("length", "first", high=bounds[0])
            case 4:
                return self.say("length", "last", low=bounds[2])
            case between:
                return self.say("length", "between", low=bounds[between - 2], high=bounds[between - 1])

    def _week(self, key: str) -> str:
        if week := WEEK.fullmatch(key):
            return self.say("week", "iso", year=week[1], week=str(int(week[2])))
        if DAY.fullmatch(key):
            return self.say("week", "of", day=self._calendar(key))
        return key

    def _calendar(self, key: str) -> str:
        try:
            return self.day(date.fromisoformat(key))
        except ValueError:
            return key


def by_outcome(compared: Iterable[Parity]) -> dict[str, list[Parity]]:
    """The comparisons of each outcome, in the document's order."""
    grouped: dict[str, list[Parity]] = {}
    for parity in compared:
        grouped.setdefault(parity.outcome, []).append(parity)
    return grouped
