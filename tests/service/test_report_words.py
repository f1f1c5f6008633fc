"""Figures are written as each language writes them, and no rounding says more than the figure does."""

from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.record import Recorded, topic
from domain.treatment.ledger import Ledger
from projections.treatment.measures.document import Delays, Measures
from projections.treatment.measures.facts import Facts
from projections.treatment.statistics.delays import Spread
from service.report import scale, words
from service.report.glance import glance
from service.report.voice import Voice
from service.report.words import TEXTS
from tests.bench.consultations import SLUG, Played
from tests.service.documents import example

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("share", "french", "english"),
    [
        (None, "—", "—"),
        (0.0, "0\u202f%", "0%"),
        (1.0, "100\u202f%", "100%"),
        (0.9996, ">\u00a099,9\u202f%", ">\u00a099.9%"),
        (0.9994, "99,9\u202f%", "99.9%"),
        (0.0004, "<\u00a00,1\u202f%", "<\u00a00.1%"),
        (0.5, "50\u202f%", "50%"),
        (0.1234, "12,3\u202f%", "12.3%"),
    ],
)
def test_only_all_is_a_hundred_percent_and_only_nothing_is_zero(share: float | None, french: str, english: str) -> None:
    assert (words.percent("fr", share), words.percent("en", share)) == (french, english)


@pytest.mark.parametrize(
    ("seconds", "french"),
    [
        (0.0, "0\u00a0s"),
        (59.0, "59\u00a0s"),
        (60.0, "1\u00a0min"),
        (5_400.0, "1,5\u00a0h"),
        (DAY_S, "24\u00a0h"),
        (1.5 * DAY_S, "1,5\u00a0jour"),
        (2 * DAY_S, "2\u00a0jours"),
        (1_234.4 * DAY_S, "1\u202f234\u00a0jours"),
    ],
)
def test_a_delay_is_said_in_the_unit_that_a_person_would_choose(seconds: float, french: str) -> None:
    assert words.delay("fr", seconds, "seconds", brief=False) == french


def test_days_are_plural_as_each_language_has_it() -> None:
    assert [words.delay("fr", days, "days", brief=False) for days in (0.0, 1.0, 1.5, 2.0)] == [
        "0\u00a0jour",
        "1\u00a0jour",
        "1,5\u00a0jour",
        "2\u00a0jours",
    ]
    assert [words.delay("en", days, "days", brief=False) for days in (0.0, 1.0, 1.5)] == [
        "0\u00a0days",
        "1\u00a0day",
        "1.5\u00a0days",
    ]
    assert words.delay("en", 3.0, "days") == "3\u00a0d"


def test_a_small_p_is_only_said_to_be_small_and_a_minus_is_a_minus() -> None:
    assert words.probability("fr", 0.0004) == "<\u00a00,001"
    assert words.probability("en", 0.05) == "0.050"
    assert words.number("fr", -1_234.5, 1) == "\u22121\u202f234,5"
    assert words.number("en", -0.001, 2) == "0.00"


def test_dates_are_words() -> None:
    assert words.day("fr", date(2026, 8, 1)) == "1er\u00a0août 2026"
    assert words.day("en", date(2026, 8, 31)) == "31\u00a0August 2026"
    assert words.day("fr", None) == "aucun événement"


def test_every_text_stands_in_both_languages_and_keeps_its_facts() -> None:
    for section in TEXTS.values():
        for text in section.values():
            assert text.fr
            assert text.en
            assert sorted(part.partition("}")[0] for part in text.fr.split("{")[1:]) == sorted(
                part.partition("}")[0] for part in text.en.split("{")[1:]
            )


def test_french_double_signs_stay_with_their_word() -> None:
    for section in TEXTS.values():
        for text in section.values():
            assert words.spaced(text.fr) == text.fr


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=8), st.sampled_from(["seconds", "days"]))
def test_every_delay_lies_on_its_axis_and_a_longer_one_lies_no_further_left(
    values: list[float], unit: Literal["seconds", "days"]
) -> None:
    axis = scale.delays(values, unit)
    places = [axis.at(value) for value in sorted(values)]

    assert places == sorted(places)
    assert all(0 <= place <= 1 + 1e-9 for place in places)
    assert all(0 <= axis.at(mark) <= 1 + 1e-9 for mark in axis.marks)


def test_delays_far_apart_are_put_on_a_logarithmic_axis_with_marks_that_can_be_read() -> None:
    axis = scale.delays([30.0, 4_000.0, 90 * DAY_S], "seconds")

    assert axis.logarithmic
    assert axis.marks == (1.0, 60.0, 3_600.0, DAY_S, 30 * DAY_S)
    assert not scale.delays([2 * DAY_S, 9 * DAY_S], "seconds").logarithmic


@pytest.mark.parametrize(("rates", "top"), [([], 0.01), ([0.0], 0.01), ([0.012, 0.03], 0.05), ([0.5], 0.5), ([0.51], 1.0)])
def test_an_axis_of_rates_ends_at_a_round_share(rates: list[float], top: float) -> None:
    assert scale.top_of(rates) == top


def with_moderation(median: float, p90: float) -> Measures:
    measures = example("public")
    delays = {"moderation": Delays(Spread(9, median, p90, 30.0), {})}
    return replace(measures, whole=replace(measures.whole, delays=delays))


@pytest.mark.parametrize(
    ("median", "p90", "said"),
    [
        (0.0, 0.0, "nine contributions in ten had it on the same day."),
        (0.0, 3.0, "half of the contributions had it on the same day, nine in ten within 3\u00a0days."),
        (1.0, 3.0, "half of the contributions had it within 1\u00a0day, nine in ten within 3\u00a0days."),
    ],
)
def test_the_glance_says_the_same_day_where_that_is_what_days_can_tell(median: float, p90: float, said: str) -> None:
    measures = with_moderation(median, p90)

    assert f"First moderation decision: {said}" in glance(Voice("en", measures, {}), measures)


def test_the_glance_counts_the_comparisons_that_chance_hardly_explains() -> None:
    measures = example("internal")

    assert (
        "Comparisons between groups: 244, of which 10 where chance alone hardly explains the difference (corrected p below 0.05)."
        in (glance(Voice("en", measures, {}), measures))
    )
    assert "Queues: 103 of 4,621 assignments depart from the order." in glance(Voice("en", measures, {}), measures)


def test_what_the_measures_call_a_channel_or_a_contact_left_has_a_name_in_both_languages() -> None:
    ledger = Ledger(SLUG)
    for position, (stream, version, event, at) in enumerate(Played(40).events(), 1):
        ledger.follow(Recorded(position, stream, version, SLUG, at, event, topic(event)))
    groups = {each.name: set(each.groups) for each in Facts(ledger, public=False).attributes}

    assert groups["contact"] == set(TEXTS["contact"]) == {"left", "none"}
    assert groups["channel"] <= set(TEXTS["channel"])
