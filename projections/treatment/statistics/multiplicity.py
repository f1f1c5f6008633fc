"""Many comparisons find something by chance: p-values adjusted for how many were made."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted so that the chance of any false alarm among them stays below the level (Holm, A simple sequentially rejective multiple
    test procedure, Scandinavian Journal of Statistics 6, 1979). None, a comparison that could not be made, stays None and
    counts for nothing. Raises ValueError for what is no probability.
    """
    known = [(p, place) for place, p in enumerate(p_values) if p is not None]
    if not all(0 <= p <= 1 for p, _ in known):
        raise ValueError("p_values: holds something other than probabilities")
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(sorted(known)):
        adjusted[place] = highest = min(1.0, max(highest, (len(known) - rank) * p))
    return adjusted
