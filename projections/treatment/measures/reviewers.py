"""How looks at the same removal agree, and what became of the removals of each reviewer."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from domain.treatment.course import Course, Removal
from projections.treatment.measures.document import Overturns, ReviewerAgreement
from projections.treatment.measures.facts import Booleans, Facts
from projections.treatment.statistics.agreement import agreement, kappa

HIDES, KEEPS = 0, 1


def reviewers(facts: Facts, scope: Booleans) -> ReviewerAgreement:
    """Over the pairs of successive looks in a scope."""
    matrix = np.zeros((2, 2), dtype=np.int64)
    for removal in _removals(facts, scope):
        for earlier, later in pairs(removal):
            matrix[earlier, later] += 1
    return ReviewerAgreement(int(matrix.sum()), matrix.tolist(), agreement(matrix), kappa(matrix).value)


def pairs(removal: Removal) -> Iterator[tuple[int, int]]:
    """What each look at a removal decided, with what the next one did."""
    stands = HIDES
    for look in (removal.second, removal.third):
        if look is not None:
            verdict = HIDES if look == "agrees" else KEEPS
            yield stands, verdict
            stands = verdict
    if removal.appeal_settled is not None:
        yield stands, KEEPS if removal.granted else HIDES


def overturns(facts: Facts) -> dict[str, Overturns]:
    """By reviewer, those with removals alone."""
    by: defaultdict[str, list[Removal]] = defaultdict(list)
    for removal in _removals(facts, np.ones(len(facts.courses), dtype=np.bool_)):
        by[removal.by].append(removal)
    return {reviewer: _overturns(removals) for reviewer, removals in sorted(by.items())}


def _overturns(removals: list[Removal]) -> Overturns:
    judged = [each for each in removals if each.concluded is not None and not each.lifted]
    overturned = sum(each.overturned for each in judged)
    return Overturns(
        len(removals),
        sum(each.second is not None for each in removals),
        sum(each.third == "disagrees" for each in removals),
        sum(each.lifted for each in removals),
        sum(each.appealed is not None for each in removals),
        sum(each.granted for each in removals),
        overturned / len(judged) if judged else None,
    )


def _removals(facts: Facts, scope: Booleans) -> Iterator[Removal]:
    chosen: Iterator[Course] = (course for course, inside in zip(facts.courses, scope, strict=True) if inside)
    return (course.removal for course in chosen if course.removal is not None)
