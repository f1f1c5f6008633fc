"""Which groups of which attribute may be shown: one table of sizes an attribute, suppressed as a whole, scope by scope."""

from functools import cached_property
from typing import Final

import numpy as np

from projections.treatment.measures.facts import Attribute, Booleans, Facts
from projections.treatment.statistics.suppression import SMALLEST, Cell, suppressed

WHOLE: Final = "whole"


class Grouping:
    """The groups of a population: contributions on which the same question can be asked."""

    def __init__(self, facts: Facts, chosen: Booleans) -> None:
        self._facts = facts
        self.chosen = chosen

    def inside(self, scope: str) -> Booleans:
        themes = self._facts.themes
        if scope == WHOLE:
            return np.ones(len(themes.codes), dtype=np.bool_)
        inside: Booleans = themes.codes == themes.groups.index(scope)
        return inside

    def attributes(self, scope: str) -> list[Attribute]:
        """Those that a scope is broken down by: within a theme not by theme."""
        return [each for each in self._facts.attributes if scope == WHOLE or each is not self._facts.themes]

    def few(self, scope: str) -> bool:
        """Whether nothing may be told of all of them together in a scope: they are too few, or would tell of the few in another by subtraction."""
        if scope == WHOLE:
            return int(self.chosen.sum()) < SMALLEST
        return scope in self.suppressed(self._facts.themes, WHOLE)

    def suppressed(self, attribute: Attribute, scope: str) -> frozenset[str]:
        """The groups that a scope must not show; those in which nobody is are among them, so that no zero tells of anybody."""
        within = None if scope == WHOLE else scope
        return frozenset(group for place, group in self._suppressed[attribute.name] if place == within)

    @cached_property
    def _suppressed(self) -> dict[str, frozenset[Cell]]:
        return {each.name: suppressed(self._sizes(each)) for each in self._facts.attributes}

    def _sizes(self, attribute: Attribute) -> dict[str, dict[str, int]]:
        """Theme by group; the themes themselves are one row."""
        scopes = [WHOLE] if attribute is self._facts.themes else self._facts.themes.groups
        return {
            scope: dict(zip(attribute.groups, map(int, attribute.sizes(self.chosen & self.inside(scope))), strict=True))
            for scope in scopes
        }
