"""How long each step took, over all and by group."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np

from domain.treatment.course import Course, Removal
from projections.treatment.measures.document import Delays
from projections.treatment.measures.facts import Attribute, Booleans, Facts
from projections.treatment.measures.grouping import Grouping
from projections.treatment.statistics.delays import Spread, spread

Moment: TypeAlias = Callable[[Course], datetime | None]


def _of_removal(of: Callable[[Removal], datetime | None]) -> Moment:
    return lambda course: of(course.removal) if course.removal else None


STEPS: Final[dict[str, tuple[Moment, Moment]]] = {
    "moderation": (lambda each: each.received, lambda each: each.decided),
    "removal": (_of_removal(lambda removal: removal.at), _of_removal(lambda removal: removal.concluded)),
    "appeal": (_of_removal(lambda removal: removal.appealed), _of_removal(lambda removal: removal.appeal_settled)),
    "first-reading": (lambda each: each.settled, lambda each: each.read),
    "readings": (lambda each: each.settled, lambda each: each.read_enough),
    "linking": (lambda each: each.received, lambda each: each.linked),
    "arbitration": (lambda each: each.linked, lambda each: each.arbitrated),
}
"""From where to where each step is counted."""


class Delaying:
    """The delays of one step in every scope."""

    def __init__(self, facts: Facts, step: str) -> None:
        self._public = facts.public
        self._delays = facts.delays(*STEPS[step])
        self._grouping = Grouping(facts, ~np.isnan(self._delays))

    def within(self, scope: str) -> Delays:
        """`scope` is a theme, or the whole."""
        grouping = self._grouping
        if self._public and grouping.few(scope):
            return Delays(None, {})
        chosen = grouping.chosen & grouping.inside(scope)
        return Delays(
            spread(self._delays[chosen]),
            {each.name: self._by(each, scope, chosen) for each in grouping.attributes(scope)},
        )

    def _by(self, attribute: Attribute, scope: str, chosen: Booleans) -> dict[str, Spread | None]:
        hidden = self._grouping.suppressed(attribute, scope)
        return {
            group: None if group in hidden else spread(self._delays[chosen & (attribute.codes == number)])
            for number, group in enumerate(attribute.groups)
        }
