"""The document of the measures: what auditors, the public and the bundles are given. Nothing in it is ever NaN; what is undefined is null."""

from datetime import date
from typing import Literal

from msgspec import Struct

from projections.treatment.statistics.delays import Spread

VERSION = 2
"""Of the computation: raised whenever the same log would give another document."""

Audience = Literal["public", "internal"]


class Definition(Struct, frozen=True):
    """What a measure means, in French and English, and the events that it is computed from."""

    fr: str
    en: str
    source: str


class Share(Struct, frozen=True):
    """So many of so many; the charter's target is all of them."""

    count: int
    of: int
    share: float | None
    target: float | None = 1.0


class Delays(Struct, frozen=True):
    """Of one step: over all, and by group of each attribute. A suppressed group is null; so is all of it, for the public, where it is of a few."""

    overall: Spread | None
    by: dict[str, dict[str, Spread | None]]


class CodeAgreement(Struct, frozen=True):
    alpha: float | None
    """Krippendorff's, nominal: whether readers agree that a text carries the code. Null where it is undefined."""
    given: int
    """Readings that gave the code."""


class ReaderAgreement(Struct, frozen=True):
    units: int
    """Contributions with at least two readings."""
    readings: int
    alpha: float | None
    """Over all codes together."""
    codes: dict[str, CodeAgreement]


class ReviewerAgreement(Struct, frozen=True):
    """Pairs of looks at the same removal: what one decided, and what the next one did."""

    pairs: int
    matrix: list[list[int]]
    """Rows: the earlier look hides, keeps; columns: the later one does."""
    agreement: float | None
    kappa: float | None


class Rate(Struct, frozen=True):
    n: int
    yes: int
    rate: float | None


class Tests(Struct, frozen=True):
    """Whether rates differ between groups by more than chance. A small p alone is no finding: it says where to look."""

    fisher_p: float | None
    chi_square: float | None
    chi_square_p: float | None
    permutation_p: float | None
    cmh: float | None
    """Cochran-Mantel-Haenszel statistic across theme and quarter of length."""
    cmh_df: int | None
    cmh_p: float | None
    holm_p: float | None
    """`p`, corrected for all the comparisons of the document (Holm)."""
    test: str | None = None
    """The one that suits the table: `fisher`, `chi-square` or `permutation`."""
    p: float | None = None
    """That of `test`."""


class Parity(Struct, frozen=True):
    outcome: str
    attribute: str
    n: int
    groups: dict[str, Rate]
    suppressed: list[str]
    """Groups too small to be shown, and those without which the small ones could be told by subtraction."""
    rest: Rate | None
    """The suppressed groups together."""
    ratio: float | None
    """Lowest rate over highest."""
    tests: Tests
    seed: str = ""
    """The label from which the permutations are drawn again."""


class Scope(Struct, frozen=True):
    """The whole consultation, or one theme. What is null is suppressed: those that it is about are too few."""

    coverage: dict[str, Share]
    delays: dict[str, Delays] | None
    readers: ReaderAgreement | None
    reviewers: ReviewerAgreement | None
    parity: list[Parity] | None
    """Without the outcomes that could come to a few alone."""


class Overturns(Struct, frozen=True):
    """What became of the removals of one reviewer, who stands under a pseudonym."""

    removals: int
    looked_at_again: int
    overturned_by_looks: int
    lifted: int
    """Nobody confirmed them in time."""
    appealed: int
    overturned_by_appeal: int
    rate: float | None
    """Overturned over those that a look or an appeal has settled."""


class Departed(Struct, frozen=True):
    """An assignment that did not take the lowest eligible item."""

    position: int
    why: str


class QueueConformity(Struct, frozen=True):
    assignments: int
    conforming: int
    unverifiable: int
    """The order is still sealed, and its seed is not known to whoever computed this."""
    departures: list[Departed]


class Measures(Struct, frozen=True, kw_only=True):
    consultation: str
    position: int
    """Of the log: everything here is computed from the events up to it."""
    day: date | None
    """Of the last of those events."""
    audience: Audience
    version: int = VERSION
    unit: Literal["seconds", "days"]
    """Of delays."""
    length_bounds: list[float]
    """Lengths, in characters, between the quarters `q1` to `q4`."""
    smallest_group: int
    definitions: dict[str, Definition]
    whole: Scope
    themes: dict[str, Scope]
    queues: dict[str, QueueConformity] | None = None
    """Internal: by queue."""
    overturns: dict[str, Overturns] | None = None
    """Internal: by reviewer."""
