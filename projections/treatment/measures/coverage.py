"""How far every contribution has come, against the promise that each of them comes as far."""

from collections.abc import Callable
from typing import Final

from domain.treatment.course import Course
from projections.treatment.measures.document import Share
from projections.treatment.measures.facts import Booleans, Facts

MEASURES: Final = ("received", "moderated", "read-once", "read-enough", "coded", "linked", "arbitrated", "published")


def coverage(facts: Facts, scope: Booleans) -> dict[str, Share]:
    """Shares by measure, of the contributions in a scope. What is withdrawn is received, and counts in nothing else."""
    present, included = facts.present & scope, facts.included & scope

    def of_included(chosen: Booleans) -> Share:
        return _share(chosen & included, included)

    return {
        "received": Share(int(scope.sum()), int(scope.sum()), 1.0 if scope.any() else None),
        "moderated": _share(facts.decided & present, present),
        "read-once": of_included(facts.told(lambda each: each.read is not None)),
        "read-enough": of_included(facts.told(lambda each: each.read_enough is not None)),
        "coded": of_included(facts.told(lambda each: any(each.codings))),
        "linked": of_included(facts.linked),
        "arbitrated": of_included(facts.arbitrated),
        "published": _share(facts.told(_shown_at(facts.ledger.published)) & present, present),
    }


def _shown_at(position: int) -> Callable[[Course], bool]:
    """Whether a bundle at a position shows a contribution, or the reason why not: one that waited for its first look out of sight is neither."""
    return lambda course: course.accounted is not None and course.accounted <= position


def _share(chosen: Booleans, of: Booleans) -> Share:
    count, total = int(chosen.sum()), int(of.sum())
    return Share(count, total, count / total if total else None)
