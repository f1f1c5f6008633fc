"""What each rule finds, where it says it found it, and what it leaves alone."""

from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.screening.plain import MOST, Found, Plain
from adapters.screening.rules import DUPLICATES, FINDERS, RULES, VERSION, Finder, findings
from domain.screening import Finding, Rule
from tests.adapters.screening.planting import EMAILS, IBANS, LINKS, NIRS, PHONES, SURROUNDINGS, found, said

PLANTS: Final[dict[Rule, st.SearchStrategy[str]]] = {
    "email": EMAILS, "phone": PHONES, "social-security": NIRS, "bank-account": IBANS, "link": LINKS,
}  # fmt: skip


@pytest.mark.parametrize("rule", PLANTS)
@given(data=st.data(), before=SURROUNDINGS, after=SURROUNDINGS)
@settings(max_examples=60)
def test_what_is_planted_is_found_at_its_place(rule: Rule, data: st.DataObject, before: str, after: str) -> None:
    planted = data.draw(PLANTS[rule])
    text = f"{before} {planted} {after}"
    start = len(before) + 1

    assert Finding(rule, 1, start, start + len(planted)) in found(text, rule)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("email", "Écrire à : jean.dupont+avis@exemple.gouv.fr.", ["jean.dupont+avis@exemple.gouv.fr"]),
        ("email", "(jean@exemple.fr)", ["jean@exemple.fr"]),
        ("email", "jean (at) exemple (point) fr ou jean arobase exemple point fr", ["jean (at) exemple (point) fr", "jean arobase exemple point fr"]),
        ("email", "jean&#64;exemple.fr", ["jean&#64;exemple.fr"]),
        ("email", "<a href='mailto:jean@exemple.fr'>moi</a>", ["jean@exemple.fr"]),
        ("email", "à 5 @ le kilo, @jean, jean@, @exemple.fr, jean@exemple", []),
        ("phone", "Tél. 01 42 68 53 00 ou +33 (0)1 42 68 53 01", ["01 42 68 53 00", "+33 (0)1 42 68 53 01"]),
        ("phone", "06 12 34 56 78 06 12 34 56 79", ["06 12 34 56 78", "06 12 34 56 79"]),
        ("phone", "+49 30 901820", ["+49 30 901820"]),
        ("phone", "le 12/10/2015, la loi n° 78-753 du 17 juillet 1978, article L. 1112-23, 1 000 000 000 euros", []),
        ("social-security", "NIR 1 85 05 78 006 084 91.", ["1 85 05 78 006 084 91"]),
        ("social-security", "12 1 85 05 78 006 084 91 2", ["1 85 05 78 006 084 91"]),
        ("social-security", "1 85 05 78 006 084 92, 185057800608491a, 9185057800608491", []),
        ("bank-account", "IBAN : FR76 3000 6000 0112 3456 7890 189 ET PUIS", ["FR76 3000 6000 0112 3456 7890 189"]),
        ("bank-account", "be68539007547034", ["be68539007547034"]),
        ("bank-account", "FR76 3000 6000 0112 3456 7890 188, ZZ76 3000 6000 0112 3456 7890 189, le FR76", []),
        ("link", 'Voir http://www.exemple.fr/a_(b), exemple.org. Et <a href="https://x.example/?a=1">ici</a>',
         ["http://www.exemple.fr/a_(b", "exemple.org", "https://x.example/?a=1"]),
        ("link", "Fin.Ensuite, art.2, c.a.d. etc.com3, jean.fr@exemple.org, 3.14, http://", []),
        ("shouting", "VOUS NE NOUS ÉCOUTEZ JAMAIS", ["VOUS NE NOUS ÉCOUTEZ JAMAIS"]),
        ("shouting", "Non. ON NE PEUT PAS ACCEPTER CELA, et nous le disons posément à tous.", ["ON NE PEUT PAS ACCEPTER CELA"]),
        ("shouting", "Quoi ?! Assez!!! Vraiment ? ! ?", ["!!!", "? ! ?"]),
        ("shouting", "La SNCF, la RATP et l'UNESCO comprennent mal ; LOI N° 2015 ! Oui !!", []),
    ],
)  # fmt: skip
def test_a_rule_finds_no_more_and_no_less(rule: Rule, text: str, expected: list[str]) -> None:
    assert said(text, rule) == expected


@given(st.text(max_size=300))
@example("İ&#1;&NotEqualTilde;<b>\ud800ﷺ\u0301" * 20)
def test_whatever_is_said_findings_stand_inside_the_text_in_order(text: str) -> None:
    places = [(each.start, each.end) for each in findings(Plain(text))]

    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)


def test_the_same_text_gives_the_same_findings() -> None:
    text = "LISEZ-MOI ENFIN TOUS !!! jean@exemple.fr, 06 12 34 56 78, www.exemple.fr : je suis syndiqué et diabétique."
    first = findings(Plain(text))

    assert {each.rule for each in first} == {"shouting", "email", "phone", "link", "sensitive"}
    assert findings(Plain(text)) == first


def test_a_rule_that_finds_too_much_says_so_on_the_last_it_keeps() -> None:
    many = found("a@exemple.fr " * (MOST + 1), "email")

    assert [each.more for each in many] == [False] * (MOST - 1) + [True]
    assert [each.more for each in found("a@exemple.fr " * MOST, "email")] == [False] * MOST


def test_a_rule_that_fails_says_so_without_the_text_and_stops_no_other() -> None:
    def breaks(plain: Plain) -> list[Found]:
        raise ValueError(plain.deposited)

    with capture_logs() as logs:
        found = findings(Plain("secret@exemple.fr"), [Finder("phone", 7, breaks), FINDERS[0]])

    assert found == [Finding("email", 1, 0, 17), Finding("phone", 7, 0, 17, failed=True)]
    assert logs == [{"event": "a screening rule failed", "rule": "phone", "error": "ValueError", "log_level": "error"}]


def test_a_change_of_any_rule_is_a_change_of_the_rules() -> None:
    """Whoever raises a version here raises VERSION in the same commit, and adds a line."""
    history = {
        1: {
            "email": 1,
            "phone": 1,
            "social-security": 1,
            "bank-account": 1,
            "link": 1,
            "shouting": 1,
            "sensitive": 1,
            "duplicate": 1,
        }
    }

    assert history[VERSION] == {finder.rule: finder.version for finder in FINDERS} | {"duplicate": DUPLICATES}
    assert f"screening.{max(history)}" == RULES
