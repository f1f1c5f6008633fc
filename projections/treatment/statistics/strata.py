"""Whether groups differ in an outcome within themes: a difference between themes alone is no difference in treatment."""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy import typing as npt
from scipy import stats

from projections.treatment.statistics.tables import Outcomes, checked

_RANK: Final = 1e-10
"""Relative to the largest singular value: below it a direction of the covariance is rounding, not variation."""

Floats: TypeAlias = npt.NDArray[np.float64]
WhyNoAssociation = Literal["no-informative-stratum"]


class Association(Struct, frozen=True):
    """The Cochran-Mantel-Haenszel statistic of general association, chi-square distributed where no group differs in any stratum."""

    statistic: float | None
    df: int
    p: float | None
    undefined: WhyNoAssociation | None
    """Set exactly where statistic and p are None: in no stratum are there two groups and both outcomes."""
    strata: int
    """Those with at least two groups and both outcomes: the others say nothing."""
    n: int
    """How many are in these strata."""


def cochran_mantel_haenszel(strata: Iterable[Outcomes]) -> Association:
    """Compare groups within strata (Landis, Heyman and Koch, Average partial association in three-way contingency tables,
    International Statistical Review 46, 1978; Agresti, Categorical Data Analysis, 3rd ed. 2013, section 8.4.3).

    For two groups it is the Mantel-Haenszel chi-square without a correction for continuity. A group that a stratum does not name has
    nobody there. Degrees of freedom are the rank of the covariance: groups less one where strata link all groups to one another,
    less where some groups never meet. Raises ValueError for counts that cannot be.
    """
    tables = [ordered for ordered in (checked(stratum, "strata") for stratum in strata) if _informative(ordered)]
    groups = sorted({group for table in tables for group, (_, total) in table.items() if total})
    n = sum(total for table in tables for _, total in table.values())
    if not tables:
        return Association(None, 0, None, "no-informative-stratum", 0, 0)
    excess, covariance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for table in tables:
        yes, total = np.array([table.get(group, (0, 0)) for group in groups], dtype=np.float64).T
        excess += yes - total * (yes.sum() / total.sum())
        covariance += _covariance(yes.sum(), total)
    df = int(np.linalg.matrix_rank(covariance, rtol=_RANK, hermitian=True))
    statistic = float(excess @ np.linalg.pinv(covariance, rtol=_RANK, hermitian=True) @ excess)
    return Association(statistic, df, float(stats.chi2.sf(statistic, df)), None, len(tables), n)


def _informative(stratum: Outcomes) -> bool:
    yes, n = (sum(column) for column in zip(*stratum.values(), strict=True)) if stratum else (0, 0)
    return 0 < yes < n and sum(total > 0 for _, total in stratum.values()) >= 2


def _covariance(yes: float, total: Floats) -> Floats:
    """Of the groups' yes-counts when `yes` are dealt out over groups of sizes `total`: multivariate hypergeometric."""
    n = total.sum()
    spread: Floats = (np.diag(total) * n - np.outer(total, total)) * (yes * (n - yes) / (n * n * (n - 1)))
    return spread
