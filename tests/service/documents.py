"""Documents of measures for tests of the report: one full example in both forms, and any that hypothesis can think of."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from hypothesis import strategies as st

from projections.treatment.measures import document
from projections.treatment.measures.document import (
    Audience,
    CodeAgreement,
    Definition,
    Delays,
    Departed,
    Measures,
    Overturns,
    Parity,
    QueueConformity,
    Rate,
    ReaderAgreement,
    ReviewerAgreement,
    Scope,
    Share,
    Tests,
)
from projections.treatment.statistics.delays import Spread

DEFINITIONS: Final = msgspec.toml.decode(
    (Path(document.__file__).parent / "definitions.toml").read_bytes(), type=dict[str, Definition]
)
TITLE: Final = "Stratégie numérique <culturelle> & « demain »"
HOSTILE: Final = '<script>alert("x")</script>'
TITLES: Final = {
    "langue": "Langue française & langues de France",
    "archives": HOSTILE,
    "long": "Accès de toutes et tous aux œuvres, aux collections et aux lieux de culture, quels que soient l’âge, le revenu et la commune" * 2,
    "mot": "Anticonstitutionnellement" * 6,
    **{f"theme-{number}": f"Thème numéro {number}" for number in range(5, 11)},
}  # fmt: skip
PSEUDONYM: Final = "staff-5f0c7b"
COVERAGE: Final = ("received", "moderated", "read-once", "read-enough", "coded", "linked", "arbitrated", "published")
DELAYS: Final = ("moderation", "removal", "appeal", "first-reading", "readings", "linking", "arbitration")
OUTCOMES: Final = ("hidden", "excluded", "in-a-proposal", "retained")
GROUPS: Final = {
    "theme": tuple(TITLES),
    "length": ("q1", "q2", "q3", "q4"),
    "channel": ("web", "paper", "email"),
    "week": ("2026-W36", "2026-W37", "2026-09-14"),
    "language": ("fr", "en", "br"),
    "actor": ("", "public", "associative"),
}
UNDEFINED: Final = Tests(None, None, None, None, None, None, None, None)


class Example:
    """Draws the figures of the full example, the same ones for the same seed."""

    def __init__(self, audience: Audience, seed: int = 7) -> None:
        self._draw = Random(seed)
        self._audience: Audience = audience
        self._groups = GROUPS | ({"contact": ("left", "none")} if audience == "internal" else {})

    def measures(self) -> Measures:
        internal = self._audience == "internal"
        small = Scope({"received": Share(4, 4, 1.0, None)}, None, None, None, None)
        themes = {theme: small if theme == "theme-10" else self.scope(150, within=True) for theme in TITLES}
        return Measures(
            consultation="culture",
            position=12_345,
            day=date(2026, 11, 1),
            audience=self._audience,
            unit="seconds" if internal else "days",
            length_bounds=[120.0, 480.5, 1_250.0],
            smallest_group=10,
            definitions=DEFINITIONS,
            whole=self.scope(1_512, within=False),
            themes=themes,
            queues=self.queues() if internal else None,
            overturns={PSEUDONYM: Overturns(12, 11, 3, 1, 4, 2, 5 / 11), HOSTILE: Overturns(1, 0, 0, 0, 0, 0, None)}
            if internal
            else None,
        )

    def scope(self, n: int, *, within: bool) -> Scope:
        groups = {name: keys for name, keys in self._groups.items() if not (within and name == "theme")}
        return Scope(
            coverage={key: self.share(key, n) for key in COVERAGE},
            delays={step: self.delays(step, n, groups) for step in DELAYS},
            readers=ReaderAgreement(n - 9, 2 * n - 12, 0.713, self.codes()),
            reviewers=ReviewerAgreement(40, [[31, 6], [3, 0]], 31 / 40, -0.117),
            parity=[
                self.parity(outcome, attribute, n, keys) for outcome in OUTCOMES for attribute, keys in groups.items()
            ],
        )  # fmt: skip

    def share(self, key: str, n: int) -> Share:
        if key == "published":
            return Share(0, 0, None, None)
        count = n if key == "received" else n - self._draw.randrange(n // 3)
        return Share(count, n, count / n)

    def spread(self, step: str, n: int) -> Spread:
        hours = {"moderation": 4.0, "removal": 31.0, "appeal": 200.0, "linking": 1_100.0, "arbitration": 2_600.0}.get(step, 70.0)
        median, p90, longest = sorted(hours * self._draw.uniform(0.6, most) for most in (1.2, 4.0, 12.0))
        if self._audience == "internal":
            return Spread(n, median * 3_600, p90 * 3_600, longest * 3_600)
        return Spread(n, *(float(round(value / 24)) for value in (median, p90, longest)))

    def delays(self, step: str, n: int, groups: dict[str, tuple[str, ...]]) -> Delays:
        if step == "appeal":
            return Delays(None, {})
        by = {
            name: {key: None if key in {"br", "theme-10"} else self.spread(step, n // len(keys)) for key in keys}
            for name, keys in groups.items()
        }
        return Delays(self.spread(step, n), by)

    def codes(self) -> dict[str, CodeAgreement]:
        alphas = {"acces": 0.91, "moyens": 0.72, "formation": 0.512, "langues": 0.2, HOSTILE: -0.04, "autre": None}
        return {code: CodeAgreement(alpha, self._draw.randrange(400)) for code, alpha in alphas.items()}

    def parity(self, outcome: str, attribute: str, n: int, keys: tuple[str, ...]) -> Parity:
        each = n // len(keys)
        drawn = {key: self._draw.randrange(1, each // 4) for key in keys}
        suppressed = [key for key in keys if key in {"br", "en", "theme-10", "theme-9"}]
        groups = {key: Rate(each, yes, yes / each) for key, yes in drawn.items() if key not in suppressed}
        rest = Rate(13, 2, 2 / 13) if suppressed else None
        if attribute == "language":
            return Parity(outcome, attribute, n, groups, suppressed, rest, None, UNDEFINED)
        notable = outcome == "hidden" and attribute == "channel"
        tests = Tests(None, 12.34, 0.0123, 0.0004, 5.25, 2, 0.072, 0.031 if notable else 1.0)
        return Parity(outcome, attribute, n, groups, suppressed, rest, 0.6667, tests)

    def queues(self) -> dict[str, QueueConformity]:
        departures = [Departed(700 + number, f"took the {number}th: {HOSTILE}") for number in range(103)]
        return {"review": QueueConformity(1_620, 1_517, 0, departures), "reading": QueueConformity(3_001, 0, 3_001, [])}


def example(audience: Audience) -> Measures:
    return Example(audience).measures()


WORDS: Final = st.text(min_size=1, max_size=12).filter(lambda word: not {"None", "nan"} & set(word.split()))
"""Whatever somebody may have typed: markup, controls, emoji."""
COUNTS: Final = st.integers(0, 10**7)
SHARES: Final = st.none() | st.floats(0, 1)
SCORES: Final = st.none() | st.floats(-1, 1)
STATISTICS: Final = st.none() | st.floats(0, 1e6)
SPREADS: Final = st.builds(
    lambda n, values: Spread(n, *sorted(values)), st.integers(1, 10**7), st.tuples(*3 * [st.floats(0, 1e10)])
)
RATES: Final = st.builds(Rate, COUNTS, COUNTS, SHARES)
PARITIES: Final = st.builds(
    Parity, st.sampled_from(OUTCOMES) | WORDS, st.sampled_from(list(GROUPS)) | WORDS, COUNTS, st.dictionaries(WORDS, RATES, max_size=3),
    st.lists(WORDS, max_size=2), st.none() | RATES, SHARES,
    st.builds(Tests, SHARES, STATISTICS, SHARES, SHARES, STATISTICS, st.none() | st.integers(1, 9), SHARES, SHARES),
)  # fmt: skip
SCOPES: Final = st.builds(
    Scope,
    st.dictionaries(st.sampled_from(COVERAGE) | WORDS, st.builds(Share, COUNTS, COUNTS, SHARES, SHARES), max_size=3),
    st.none() | st.dictionaries(
        st.sampled_from(DELAYS) | WORDS,
        st.builds(Delays, st.none() | SPREADS, st.dictionaries(WORDS, st.dictionaries(WORDS, st.none() | SPREADS, max_size=3), max_size=2)),
        max_size=3,
    ),
    st.none() | st.builds(
        ReaderAgreement, COUNTS, COUNTS, SCORES, st.dictionaries(WORDS, st.builds(CodeAgreement, SCORES, COUNTS), max_size=3)
    ),
    st.none() | st.builds(ReviewerAgreement, COUNTS, st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=2), SHARES, SCORES),
    st.none() | st.lists(PARITIES, max_size=3),
)  # fmt: skip
MEASURES: Final = st.builds(
    Measures,
    consultation=WORDS,
    position=COUNTS,
    day=st.none() | st.dates(),
    audience=st.just("internal"),
    version=st.just(1),
    unit=st.sampled_from(["seconds", "days"]),
    length_bounds=st.lists(st.floats(0, 1e6), max_size=4),
    smallest_group=COUNTS,
    definitions=st.just(DEFINITIONS) | st.dictionaries(WORDS, st.builds(Definition, WORDS, WORDS, WORDS), max_size=3),
    whole=SCOPES,
    themes=st.dictionaries(WORDS, SCOPES, max_size=2),
    queues=st.none() | st.dictionaries(
        st.sampled_from(["review", "reading"]) | WORDS,
        st.builds(QueueConformity, COUNTS, COUNTS, COUNTS, st.lists(st.builds(Departed, COUNTS, WORDS), max_size=3)),
        max_size=2,
    ),
    overturns=st.none() | st.dictionaries(WORDS, st.builds(Overturns, *6 * [COUNTS], SHARES), max_size=2),
)  # fmt: skip
