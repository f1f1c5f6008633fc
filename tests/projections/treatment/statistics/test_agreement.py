"""How far readers agree: published examples, what the library says of the same, and what is undefined."""

import csv
from pathlib import Path
from time import process_time
from typing import Final

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.treatment.statistics.agreement import Alpha, Kappa, agreement, alpha, alpha_over_all, code_alpha, kappa

REAL: Final = Path(__file__).parents[5] / "shared" / "data" / "consultation_an_codings.csv"
LISTED: Final = {
    "XP personnelle": 0.461,
    "nouvelles mesures": 0.270,
    "questions": 0.253,
    "description pb": 0.249,
    "contre 1 mesure": 0.219,
    "original": 0.152,
    "analyse ou proposit°": 0.138,
    "prend en compte": 0.116,
    "ne fait rien": 0.097,
    "reçoit": 0.091,
    "analyse des causes": 0.080,
    "cite": 0.031,
    "demande à éclaircir": 0.030,
    "pour 1 mesure": None,
}
# The example of kripp.alpha in R's package irr: four readers, twelve units, 0 where a reader gave none.
IRR: Final = ["1101", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "0555", "0011", "0030"]

ROWS: Final = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=12)


def counted(units: list[str], values: str) -> list[list[int]]:
    return [[unit.count(value) for value in values] for unit in units]


def test_alpha_is_what_r_gives() -> None:
    result = alpha(counted(IRR, "12345"))
    assert result.value == pytest.approx(0.7434, abs=5e-5)
    assert (result.undefined, result.units, result.readings) == (None, 11, 40)


def test_units_read_once_and_values_never_given_change_nothing() -> None:
    assert alpha([*counted(IRR, "12345"), [1, 0, 0, 0, 0]]) == alpha(counted(IRR, "12345"))
    assert alpha(counted(IRR, "1234567")) == alpha(counted(IRR, "12345"))


@given(ROWS)
def test_alpha_is_what_the_library_gives_before_anything_is_merged(rows: list[list[int]]) -> None:
    ours = alpha(rows)
    paired = [row for row in rows if sum(row) >= 2]
    if not paired:
        assert ours == Alpha(None, "no-pairs", 0, 0)
    elif sum(any(column) for column in zip(*paired, strict=True)) < 2:
        assert (ours.value, ours.undefined) == (None, "no-variation")
    else:
        theirs = krippendorff.alpha(value_counts=np.array(paired), level_of_measurement="nominal")
        assert ours.value == pytest.approx(theirs, abs=1e-12)
        assert (ours.undefined, ours.readings) == (None, sum(map(sum, paired)))


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/consultation_an_codings.csv beside the project")
def test_real_codings_give_the_alphas_that_are_known_of_them() -> None:
    with REAL.open(encoding="utf-8", newline="") as file:
        codings = list(csv.DictReader(file))
    assert len(codings) == 3751
    texts = {text: number for number, text in enumerate(sorted({coding["document_id"] for coding in codings}))}
    readings, with_codes = np.zeros(len(texts), int), np.zeros((len(texts), len(LISTED)), int)
    for coding in codings:
        readings[texts[coding["document_id"]]] += 1
        with_codes[texts[coding["document_id"]]] += [int(coding[code]) for code in LISTED]
    found = [code_alpha(readings, with_codes[:, code]) for code in range(len(LISTED))]
    assert [None if one.value is None else round(one.value, 3) for one in found] == list(LISTED.values())
    assert found[-1].undefined == "no-variation"
    assert found[0].units == np.count_nonzero(readings >= 2)


def test_alpha_over_all_pools_every_unit_and_code() -> None:
    readings, with_codes = [2, 3, 2], [[2, 0], [1, 3], [0, 1]]
    items = [[2, 0], [0, 2], [1, 2], [3, 0], [0, 2], [1, 1]]
    assert alpha_over_all(readings, with_codes) == alpha(items)


def test_a_hundred_thousand_texts_of_twenty_codes_take_about_a_second() -> None:
    random = np.random.default_rng(20)
    readings = random.integers(1, 4, size=100_000)
    with_codes = random.binomial(readings[:, None], random.uniform(0.01, 0.3, size=20)[None, :])
    began = process_time()
    result = alpha_over_all(readings, with_codes)
    assert process_time() - began < 4  # half a second, and 180 MB, on a quiet machine
    assert result.units == 20 * np.count_nonzero(readings >= 2)
    assert result.value is not None


def test_kappa_and_agreement_are_those_of_the_published_tables() -> None:
    # Two readers of fifty grant proposals, and two tables of the same agreement whose margins differ.
    assert kappa([[20, 5], [10, 15]]) == Kappa(pytest.approx(0.4), None, 50)  # type: ignore[arg-type]  # approx stands for a float
    assert agreement([[20, 5], [10, 15]]) == pytest.approx(0.7)
    assert kappa([[45, 15], [25, 15]]).value == pytest.approx(0.1304, abs=5e-5)
    assert kappa([[25, 35], [5, 35]]).value == pytest.approx(0.2593, abs=5e-5)
    assert agreement([[45, 15], [25, 15]]) == agreement([[25, 35], [5, 35]]) == pytest.approx(0.6)


def test_kappa_is_undefined_where_chance_alone_agrees_fully() -> None:
    assert kappa([[0, 0], [0, 0]]) == Kappa(None, "no-pairs", 0)
    assert kappa([[7, 0], [0, 0]]) == Kappa(None, "no-variation", 7)
    assert agreement([[0, 0], [0, 0]]) is None
    assert agreement([[7, 0], [0, 0]]) == 1.0
    assert kappa([[0, 7], [0, 0]]).value == 0.0


def test_what_is_no_count_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"counts: .* negative"):
        alpha([[1, -1]])
    with pytest.raises(ValueError, match=r"counts: .* whole numbers"):
        alpha([[1.5, 1.0]])
    with pytest.raises(ValueError, match="matrix: 1 rows but 2 columns"):
        kappa([[1, 2]])
    with pytest.raises(ValueError, match="with_code: more readings"):
        code_alpha([2], [3])
    with pytest.raises(ValueError, match="with_codes: 1 units, but readings has 2"):
        alpha_over_all([2, 2], [[1, 1]])
