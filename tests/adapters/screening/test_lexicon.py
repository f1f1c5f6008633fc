"""The words that suggest a sensitive category: whole, in any case and accent, and under a version."""

from hashlib import sha256
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.screening.lexicon import FILE, Lexicon, SensitiveWords, load
from adapters.screening.plain import Plain
from domain.screening import Category
from tests.adapters.screening.planting import found

DIGESTS: Final = {1: "6e20706402a67a69b63b5af10f6bed0a1ed8d3b1d6a87b2e0a289d59c6fbb998"}
"""Whoever changes the lexicon raises its version and adds a line."""
LEXICON: Final = load()
CHARTER: Final = Path(__file__).parents[3] / "deploy" / "consultations" / "strategie-numerique-culturelle.toml"


def suggested(text: str) -> list[tuple[str, str | None]]:
    return [(text[each.start : each.end], each.category) for each in found(text, "sensitive")]


def own(entry: str, text: str) -> list[str]:
    """What a lexicon of one entry meets."""
    rule = SensitiveWords(Lexicon(1, {"health": {"fr": [entry]}}))
    return [text[each.start : each.end] for each in rule(Plain(text))]


def test_a_changed_lexicon_has_another_version() -> None:
    categories = msgspec.json.encode(LEXICON.categories, order="sorted")
    assert DIGESTS[LEXICON.version] == sha256(categories).hexdigest()


def test_the_eight_categories_have_words_in_french_and_english() -> None:
    assert set(LEXICON.categories) == set(get_args(Category))
    assert len(get_args(Category)) == 8
    for languages in LEXICON.categories.values():
        assert set(languages) == {"fr", "en"}
        assert all(languages.values())


@pytest.mark.parametrize("category", get_args(Category))
def test_every_entry_is_met_by_itself(category: Category) -> None:
    for written in (each for listed in LEXICON.categories[category].values() for each in listed):
        text = written.replace("*", "")
        assert (text, category) in suggested(f"xx {text}, yy"), written


@given(st.sampled_from([each for listed in LEXICON.categories["health"].values() for each in listed if "*" not in each]))
def test_no_entry_is_met_inside_a_word(entry: str) -> None:
    assert own(entry, f"xx{entry} {entry}xx") == []
    assert own(entry, f"l'{entry}.") == [entry]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Étant DIABÉTIQUE, l'accès…", [("DIABÉTIQUE", "health")]),
        ("e\u0301tant diabe\u0301tique", [("diabe\u0301tique", "health")]),
        ("sant&eacute; mentale", [("sant&eacute; mentale", "health")]),
        ("d'<b>origine</b> alg&#233;rienne", [("origine</b> alg&#233;rienne", "origin")]),
        ("syndiqué à la CGT, elle vote", [("syndiqué", "trade-union"), ("CGT", "trade-union")]),
        ("J'ai voté : militante", [("ai voté", "political-opinions"), ("militante", "political-opinions")]),
        ("mon orientation sexuelle", [("orientation sexuelle", "sex-life")]),
        ("my facial recognition, a Jew", [("facial recognition", "biometric-data"), ("Jew", "beliefs")]),
        ("ADN, adn", [("ADN", "genetic-data")]),
    ],
)
def test_words_are_met_as_people_write_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert suggested(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Ouvrir les bibliothèques le dimanche, avec du personnel.", "L'enceinte de la salle Fo est en marche.", "Un disque CD-ROM, la prégnance du mot.",
        "Les données sont technologiquement agnostiques.", "Hospitality and mission statements.",
    ],
)  # fmt: skip
def test_words_of_a_text_about_culture_suggest_nothing(text: str) -> None:
    assert suggested(text) == []


def test_stems_capitals_and_words_in_a_row() -> None:
    assert own("cancer*", "Cancers, cancérologie, précancer") == ["Cancers", "cancérologie"]
    assert own("ABC", "ABC abc Abc ABCD") == ["ABC"]
    assert own("front national*", "Front\nNationaux, front... nationale, front") == ["front... nationale"]


@pytest.mark.parametrize("broken", ["version = 1\n[categories.wealth]\nfr = ['riche']", "version = 1\nwords = []"])
def test_a_lexicon_that_the_charter_does_not_know_is_refused(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "lexicon.toml"
    path.write_text(broken, encoding="utf-8")

    with pytest.raises(msgspec.ValidationError, match=r"wealth|words"):
        load(path)


def test_an_entry_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"health: '\*' has no word"):
        SensitiveWords(Lexicon(1, {"health": {"fr": ["*"]}}))


def test_the_charter_names_the_eight_categories_in_one_clause() -> None:
    """So that a decision, which cites a clause, does not name the category."""
    words = (
        "raciale ou ethnique",
        "opinions politiques",
        "convictions",
        "syndicale",
        "génétiques",
        "biométriques",
        "santé",
        "orientation sexuelle",
    )
    clauses = [" ".join(clause["text"].split()) for clause in msgspec.toml.decode(CHARTER.read_bytes())["charter"]["clauses"]]

    assert [sum(word in clause for word in words) for clause in clauses if any(word in clause for word in words)] == [8]
    assert FILE.parent.name == "screening"
