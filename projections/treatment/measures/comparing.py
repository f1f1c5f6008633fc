"""Whether outcomes came as often in every group: for each outcome, each attribute and each scope, on what may be shown alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from projections.treatment.measures.document import VERSION, Parity, Rate, Tests
from projections.treatment.measures.facts import Attribute, Booleans, Facts, Integers
from projections.treatment.measures.grouping import Grouping
from projections.treatment.statistics.multiplicity import holm
from projections.treatment.statistics.parity import parity
from projections.treatment.statistics.strata import cochran_mantel_haenszel
from projections.treatment.statistics.tables import Outcomes

OTHERS: Final = "(others)"
"""What is suppressed, together: tests rest on what is shown and on this, so that they tell nothing more."""


@dataclass(frozen=True)
class Outcome:
    name: str
    held: Booleans
    population: Grouping


class Comparing:
    """Every comparison of a document, corrected for how many there are."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        decided, included = Grouping(facts, facts.decided), Grouping(facts, facts.included)
        self._outcomes = [
            Outcome("hidden", facts.told(lambda each: each.hidden), decided),
            Outcome("excluded", facts.told(lambda each: each.excluded), decided),
            Outcome("in-a-proposal", facts.linked, included),
            Outcome("retained", facts.retained, included),
        ]

    def within(self, scopes: list[str]) -> dict[str, list[Parity]]:
        """By scope. Holm's correction is over all of them."""
        found = {scope: list(self._comparisons(scope)) for scope in scopes}
        corrected = iter(holm([each.tests.p for comparisons in found.values() for each in comparisons]))
        return {scope: [_corrected(each, next(corrected)) for each in comparisons] for scope, comparisons in found.items()}

    def _comparisons(self, scope: str) -> Iterator[Parity]:
        for outcome in self._outcomes:
            if outcome.population.few(scope):
                continue
            for attribute in outcome.population.attributes(scope):
                yield self._compared(outcome, attribute, scope)

    def _compared(self, outcome: Outcome, attribute: Attribute, scope: str) -> Parity:
        inside = outcome.population.chosen & outcome.population.inside(scope)
        hidden = outcome.population.suppressed(attribute, scope)
        table = _merged(_counted(attribute, inside, outcome.held), hidden)
        ledger = self._facts.ledger
        seed = f"registre parity v{VERSION} {ledger.slug} {ledger.position} {scope} {outcome.name} {attribute.name}"
        result = parity(table, seed)
        rates = {share.group: Rate(share.total, share.yes, share.rate) for share in result.shares if share.total}
        stratified = cochran_mantel_haenszel(self._strata(outcome, attribute, inside, hidden))
        pearson, drawn = result.chi_square, result.permutation
        tests = Tests(
            result.fisher_p,
            pearson.statistic if pearson else None,
            pearson.p if pearson else None,
            drawn.p if drawn else None,
            stratified.statistic,
            stratified.df if stratified.undefined is None else None,
            stratified.p,
            None,
            result.test,
            result.p,
        )
        rest = rates.pop(OTHERS, None)
        return Parity(
            outcome.name, attribute.name, result.n, rates, sorted(hidden), rest, result.ratio, tests, seed if drawn else ""
        )

    def _strata(
        self, outcome: Outcome, attribute: Attribute, inside: Booleans, hidden: frozenset[str]
    ) -> Iterator[Mapping[str, tuple[int, int]]]:
        """One table for each theme and quarter of length, less the one that is compared."""
        if not inside.any():
            return
        layers = [each for each in (self._facts.themes, self._facts.quartiles) if each is not attribute]
        stratum = np.zeros(len(inside), dtype=np.int64)
        for layer in layers:
            stratum = stratum * len(layer.groups) + layer.codes
        width = len(attribute.groups)
        cells = stratum * width + attribute.codes
        total = np.bincount(cells[inside], minlength=(int(stratum.max(initial=0)) + 1) * width).reshape(-1, width)
        yes = np.bincount(cells[inside & outcome.held], minlength=total.size).reshape(-1, width)
        for held, of in zip(yes, total, strict=True):
            if of.any():
                yield _merged(_table(attribute, held, of), hidden)


def _counted(attribute: Attribute, inside: Booleans, held: Booleans) -> Outcomes:
    return _table(attribute, attribute.sizes(inside & held), attribute.sizes(inside))


def _table(attribute: Attribute, yes: Integers, total: Integers) -> dict[str, tuple[int, int]]:
    return {group: (int(held), int(of)) for group, held, of in zip(attribute.groups, yes, total, strict=True) if of}


def _merged(table: Outcomes, hidden: frozenset[str]) -> dict[str, tuple[int, int]]:
    """The same with what is suppressed as one group."""
    shown = {group: counts for group, counts in table.items() if group not in hidden}
    rest = [counts for group, counts in table.items() if group in hidden]
    return shown | ({OTHERS: (sum(yes for yes, _ in rest), sum(total for _, total in rest))} if rest else {})


def _corrected(found: Parity, holm_p: float | None) -> Parity:
    return msgspec.structs.replace(found, tests=msgspec.structs.replace(found.tests, holm_p=holm_p))
