"""What ships with the project is whole: definitions that open, a corpus with every path in it, a script that knows their codes."""

from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import pytest

from domain.consultation import Open, Running, State, decide, evolve
from domain.definition import Definition
from domain.sealed import PENDING
from service.demo.plans import by_rule, codes_of, scripted
from service.demo.scenario import corpus, of_file
from service.demo.script import load_script
from service.demo.stage import NotPlayed
from service.http.consultations import prepared
from service.rows import Columns, FileRefused, Row

DEFINITIONS: Final = sorted((Path(__file__).parents[2] / "deploy" / "consultations").glob("*.toml"))
SENSITIVE: Final = ("raciale", "politiques", "religieuses", "syndicale", "génétiques", "biométriques", "santé", "sexuelle")
"""A word of each of the eight categories of article 9 of the General Data Protection Regulation."""


def row(text: str, **fields: str) -> Row:
    return Row(1, "fetes", text, "web", "", fields)


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_a_definition_that_ships_opens(path: Path) -> None:
    definition = msgspec.toml.decode(path.read_bytes(), type=Definition)

    state: State = None
    for event in prepared(definition, "system"):
        state = evolve(state, event)
    (opened,) = decide(state, Open(sha256(bytes(32)).digest(), PENDING, bytes(32), by="system"))

    assert definition.slug == path.stem
    assert isinstance(evolve(state, opened), Running)
    assert all(not clause.removal or clause.binds != "ministry" for clause in definition.charter.clauses)


def test_the_ministry_s_consultation_has_its_ten_themes_its_charter_and_its_promises() -> None:
    definition = corpus().definition
    charter = {clause.id.partition(".")[2]: clause for clause in definition.charter.clauses}

    assert len(definition.themes) == 10
    assert len({(theme.opens, theme.closes) for theme in definition.themes}) == 10
    assert all(word in charter["donnees-sensibles"].text for word in SENSITIVE)
    assert {
        "anonymat",
        "consentement",
        "cordialite",
        "sincerite",
        "bien-commun",
        "egalite",
        "arbitrage",
        "publication",
    } <= charter.keys()
    assert {made.id for made in definition.commitments} == {"synthese", "decisions", "methodologie", "verbatims"}
    assert min(made.due for made in definition.commitments) > max(theme.closes for theme in definition.themes).date()


def test_the_corpus_goes_through_every_theme_every_length_and_every_path() -> None:
    scenario = corpus()
    texts = [each.text for each in scenario.rows]
    plans = list(scenario.plans.values())

    assert len(texts) >= 120
    assert Counter(each.theme for each in scenario.rows).keys() == {theme.id for theme in scenario.definition.themes}
    assert min(map(len, texts)) < 40
    assert max(map(len, texts)) > 1_500
    assert {each.channel for each in scenario.rows} == {"web", "paper", "email"}
    assert any(plan.clause for plan in plans)
    assert {plan.appeal for plan in plans} == {"", "granted", "lost"}
    assert {(plan.second, plan.third) for plan in plans} >= {(True, True), (False, True), (False, False)}
    assert any(not plan.analysed for plan in plans)
    assert any(plan.withdrawn for plan in plans)


def test_the_script_knows_the_codes_the_clauses_and_the_themes() -> None:
    scenario, script = corpus(), load_script()
    codes = {code.id for code in scenario.definition.codebook.codes}
    removable = {clause.id for clause in scenario.definition.charter.clauses if clause.removal}
    themes = {theme.id for theme in scenario.definition.themes}

    assert script.keywords.keys() | {script.otherwise} == codes
    assert script.statements.keys() <= removable
    assert {plan.clause for plan in scenario.plans.values()} <= removable | {""}
    assert {draft.theme for draft in script.proposals} == themes
    assert {code for draft in script.proposals for code in draft.codes} <= codes
    assert {draft.outcome for draft in script.proposals} == {"retained", "amended", "rejected"}


def test_a_word_of_the_script_that_means_nothing_is_refused() -> None:
    with pytest.raises(FileRefused, match="forgiven"):
        scripted([row("Un bal.", script="appeal-granted forgiven")])


def test_plans_by_rule_take_every_path_and_follow_from_the_texts_alone() -> None:
    texts = [f"Idée {number}." for number in range(500)]
    plans = by_rule(texts, ["3.cordialite", "5.donnees-sensibles"])

    assert plans == by_rule(list(reversed(texts)), ["3.cordialite", "5.donnees-sensibles"])
    assert {plan.appeal for plan in plans.values()} == {"", "granted", "lost"}
    assert {plan.second for plan in plans.values()} == {True, False}
    assert sum(plan.withdrawn for plan in plans.values()) == 2
    assert len(by_rule(["seul"], ["3.cordialite"])) == 1


def test_a_reader_gives_the_codes_whose_words_stand_in_the_text_and_hesitates_now_and_then() -> None:
    keywords = {"access": ["accès"], "costs": ["prix", "coût"]}
    texts = [f"Le PRIX et l'accès, {number}." for number in range(400)]

    given = Counter(tuple(codes_of(text, "ada", keywords, "other")) for text in texts)

    assert given[("access", "costs")] > 350
    assert given.keys() == {("access", "costs"), ("other",)}
    assert codes_of("Rien.", "x", keywords, "other") in (["other"], ["access"])


def test_a_file_brings_its_own_themes(tmp_path: Path) -> None:
    file = tmp_path / "Débat 2026.csv"
    file.write_text("body,theme\nUn,Écologie\nDeux,Données & IA\nTrois,écologie\n", encoding="utf-8")

    scenario = of_file(file, Columns("body", "theme"))

    assert scenario.slug == "debat-2026"
    assert [(theme.id, theme.title) for theme in scenario.definition.themes] == [
        ("ecologie", "Écologie"),
        ("donnees-ia", "Données & IA"),
    ]
    assert all(theme.opens < scenario.during < theme.closes for theme in scenario.definition.themes)


def test_a_file_without_a_theme_cannot_be_played(tmp_path: Path) -> None:
    file = tmp_path / "vide.csv"
    file.write_text("body,theme\nUn, \n", encoding="utf-8")

    with pytest.raises(NotPlayed, match="0 themes"):
        of_file(file, Columns("body", "theme"))
