"""How often chance alone tells groups apart as far as was seen, by dealing the outcome out again and again."""

from hashlib import sha256
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from projections.treatment.statistics.tables import Counts

DRAWS: Final = 9_999
_TIE: Final = 1e-12
"""Relative: sums of the same terms in another order are ties, which count as exceeding."""


class Permutation(Struct, frozen=True):
    """A p-value that whoever has the label computes again to the last digit, with the same minor release of numpy."""

    p: float
    draws: int
    seed: str
    """The label."""


def permuted(yes: Counts, total: Counts, seed: str) -> Permutation:
    """Pearson's chi-square under permuted labels: p = (1 + draws at least as far apart) / (1 + draws).

    (Phipson and Smyth, Permutation p-values should never be zero, 2010.) Permuting who had the outcome while the groups' sizes stay
    is one multivariate hypergeometric draw of numpy's Generator over PCG64, seeded with SHA-256 of the label in UTF-8, read big
    endian. With the margins fixed the statistic grows with the sum of yes² / total, so that sum is compared; it is the same
    function of those who had the outcome and of those who had not, so whichever are fewer are dealt out.
    `yes` and `total` have one entry a group, none of them empty, in the order of the groups' names; fewer than 10^9 in all.
    """
    rarer = min(yes, total - yes, key=lambda counts: int(counts.sum()))
    random = np.random.Generator(np.random.PCG64(int.from_bytes(sha256(seed.encode()).digest(), "big")))
    drawn = random.multivariate_hypergeometric(total, int(rarer.sum()), size=DRAWS, method=_method(rarer, total))
    seen = float((rarer.astype(np.float64) ** 2 / total).sum())
    exceeding = np.count_nonzero((drawn.astype(np.float64) ** 2) @ (1 / total) >= seen * (1 - _TIE))
    return Permutation((1 + int(exceeding)) / (1 + DRAWS), DRAWS, seed)


def _method(rarer: Counts, total: Counts) -> Literal["count", "marginals"]:
    """Whichever is faster: `count` takes time with each one dealt out and memory with all, `marginals` time with the groups."""
    return "count" if rarer.sum() < 20 * len(total) and total.sum() < 1_000_000 else "marginals"
