"""How far those agree who judge the same contribution; the public is told of no scope in which it is about a few."""

from projections.treatment.measures.document import ReaderAgreement, ReviewerAgreement
from projections.treatment.measures.facts import Facts
from projections.treatment.measures.grouping import Grouping
from projections.treatment.measures.readers import PAIR, readers
from projections.treatment.measures.reviewers import pairs, reviewers


class Agreeing:
    """The agreement of readers and of reviewers in every scope; None where it is suppressed."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._read = Grouping(facts, facts.told(lambda each: len(each.codings) >= PAIR))
        self._reviewed = Grouping(facts, facts.told(lambda each: each.removal is not None and any(pairs(each.removal))))

    def readers(self, scope: str) -> ReaderAgreement | None:
        return readers(self._facts, self._read.inside(scope)) if self._tells(self._read, scope) else None

    def reviewers(self, scope: str) -> ReviewerAgreement | None:
        return reviewers(self._facts, self._reviewed.inside(scope)) if self._tells(self._reviewed, scope) else None

    def _tells(self, judged: Grouping, scope: str) -> bool:
        return not self._facts.public or not judged.few(scope)
