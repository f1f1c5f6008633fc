"""How readers of the same contribution agree on its codes."""

from itertools import compress
from typing import Final

import numpy as np

from domain.treatment.course import Course
from projections.treatment.measures.document import CodeAgreement, ReaderAgreement
from projections.treatment.measures.facts import Booleans, Facts, Integers
from projections.treatment.statistics.agreement import alpha_over_all, code_alpha

PAIR: Final = 2


def readers(facts: Facts, scope: Booleans) -> ReaderAgreement:
    """Over the contributions of a scope that were read at least twice, whatever became of them."""
    read = [course for course in compress(facts.courses, scope) if len(course.codings) >= PAIR]
    codes = sorted({code for course in read for codes in course.codings for code in codes})
    readings = np.array([len(course.codings) for course in read], dtype=np.int64)
    given = _given(read, codes)
    over_all = alpha_over_all(readings, given)
    return ReaderAgreement(
        len(read),
        int(readings.sum()),
        over_all.value,
        {
            code: CodeAgreement(code_alpha(readings, given[:, number]).value, int(given[:, number].sum()))
            for number, code in enumerate(codes)
        },
    )


def _given(read: list[Course], codes: list[str]) -> Integers:
    """Contributions x codes: how many readings gave the code."""
    place = {code: number for number, code in enumerate(codes)}
    given = np.zeros((len(read), len(codes)), dtype=np.int64)
    for row, course in enumerate(read):
        for chosen in course.codings:
            for code in set(chosen):
                given[row, place[code]] += 1
    return given
