"""The page for people says every figure in both languages, in valid HTML that loads nothing and runs nothing."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from projections.treatment.measures.document import Audience, Measures, Parity, Rate, Scope
from service.report.page import GENERATOR, LANGUAGES, STYLE, page
from service.report.words import TEXTS, delay, phrase
from service.report.writing import DATA, PAGE, write
from tests.service.documents import DEFINITIONS, HOSTILE, MEASURES, PSEUDONYM, TITLE, TITLES, UNDEFINED, example

VOID: Final = {"meta", "br", "link", "img", "hr", "input"}
AUDIENCES: Final[tuple[Audience, ...]] = ("public", "internal")
BOTH: Final = pytest.mark.parametrize("audience", AUDIENCES)


class Read(HTMLParser):
    """The elements of a page with their attributes, and its words; refuses what is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    def of(self, *tags: str) -> list[tuple[str, dict[str, str]]]:
        return [(tag, attributes) for tag, attributes in self.elements if tag in tags]


@cache
def html(audience: Audience) -> str:
    return page(example(audience), TITLES, TITLE).decode()


@cache
def read(audience: Audience) -> Read:
    return Read(html(audience))


@cache
def halves(audience: Audience) -> tuple[str, str]:
    """The words of the French article and those of the English one."""
    french, english = re.findall(r"<article id.*?</article>", html(audience), re.DOTALL)
    return " ".join(Read(french).text), " ".join(Read(english).text)


@BOTH
def test_the_page_runs_nothing_and_loads_nothing(audience: Audience) -> None:
    found = read(audience)

    assert found.of("script", "link", "img", "iframe", "object", "embed", "base", "form") == []
    for _, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "style", "srcset", "xlink:href"}]
        assert re.fullmatch(r"(#[a-z0-9-]+|treatment\.json)?", attributes.get("href", ""))
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_the_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    (policy,) = [each["content"] for _, each in read("public").of("meta") if "http-equiv" in each]

    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert html("public").count("<style>") == 1
    assert f"<style>{STYLE}</style>" in html("public")


@BOTH
def test_every_table_has_a_caption_and_every_heading_cell_a_scope(audience: Audience) -> None:
    tables = re.findall(r"<table>\s*<caption id=[^>]+>[^<]+</caption>\s*<thead>", html(audience))

    assert len(tables) == len(read(audience).of("table")) > 100
    assert all(cell.get("scope") in {"col", "row", "rowgroup"} for _, cell in read(audience).of("th"))


@BOTH
def test_headings_do_not_skip_a_level_and_there_is_one_first(audience: Audience) -> None:
    levels = [int(tag[1]) for tag, _ in read(audience).of("h1", "h2", "h3", "h4", "h5", "h6")]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@BOTH
def test_ids_are_unique_and_whatever_points_to_one_finds_it(audience: Audience) -> None:
    elements = read(audience).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    pointed = {one for _, each in elements for one in each.get("aria-labelledby", "").split()}
    linked = {each["href"][1:] for _, each in elements if each.get("href", "").startswith("#")}

    assert len(ids) == len(set(ids))
    assert pointed | linked <= set(ids)


@BOTH
def test_every_drawing_is_well_formed_and_says_what_it_shows(audience: Audience) -> None:
    drawings = re.findall(r"<svg.*?</svg>", html(audience), re.DOTALL)

    assert len(drawings) > 100
    for drawing in drawings:
        svg = ET.fromstring(drawing)  # noqa: S314  # what this test has just made
        title, description = svg[0], svg[1]
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert (title.tag, description.tag) == ("{http://www.w3.org/2000/svg}title", "{http://www.w3.org/2000/svg}desc")
        assert title.text
        assert description.text


@BOTH
def test_each_language_says_every_figure_as_it_writes_numbers(audience: Audience) -> None:
    french, english = halves(audience)
    measures = example(audience)

    for scope in (measures.whole, *measures.themes.values()):
        rates = [rate.rate for parity in scope.parity or () for rate in parity.groups.values()]
        shares = [share.share for share in scope.coverage.values()]
        for each in (each for each in rates + shares if each is not None):
            shown = f"{each * 100:.1f}".removesuffix(".0")
            assert f"{shown.replace('.', ',')}\u202f%" in french
            assert f"{shown}%" in english
        for code in scope.readers.codes if scope.readers else ():
            assert code in french
            assert code in english
        for steps in (scope.delays or {}).values():
            for spread in (spread for spreads in steps.by.values() for spread in spreads.values() if spread):
                assert all(delay("fr", value, measures.unit) in french for value in (spread.median, spread.p90, spread.max))
                assert all(delay("en", value, measures.unit) in english for value in (spread.median, spread.p90, spread.max))
    for key in DEFINITIONS.keys() - (set() if audience == "internal" else {"queues", "overturns"}):
        definition = DEFINITIONS[key]
        assert definition.fr.replace(" :", "\u202f:").replace(" ;", "\u202f;").replace(" ?", "\u202f?") in french
        assert definition.en in english
        assert definition.source in french
        assert definition.source in english


def test_figures_are_written_as_each_language_writes_them() -> None:
    french, english = halves("internal")

    assert "1\u202f512" in french
    assert "1,512" in english
    assert "\u22120,04" in french
    assert "\u22120.04" in english
    assert "1er\u00a0novembre 2026" in french
    assert "1\u00a0November 2026" in english
    assert "<\u00a00,001" in french
    assert "<\u00a00.001" in english
    assert "jusqu’à 120 caractères" in french
    assert "Week 36 of 2026" in english
    assert "Semaine du 14\u00a0septembre 2026" in french


@BOTH
def test_what_is_suppressed_is_said_and_what_is_undefined_has_its_reason(audience: Audience) -> None:
    french, english = halves(audience)

    assert "groupe trop petit" in french
    assert "group too small" in english
    assert "Groupe trop petit : cette mesure n’est pas montrée.".replace(" :", "\u00a0:") in french
    assert "—: undefined: no contribution is concerned." in english
    assert "Effectif : 1\u202f503".replace(" :", "\u00a0:") in french


@BOTH
def test_each_suppressed_group_is_said_to_be_too_small_and_has_no_figure(audience: Audience) -> None:
    measures = example(audience)
    scopes = [measures.whole, *measures.themes.values()]
    suppressed = sum(len(parity.suppressed) for scope in scopes for parity in scope.parity or ())
    steps = [delays for scope in scopes for delays in (scope.delays or {}).values()]
    absent = sum(spread is None for delays in steps for spreads in delays.by.values() for spread in spreads.values())
    parity = Parity(
        "hidden", "channel", 40, {"web": Rate(30, 3, 0.1), "paper": Rate(7, 6, 6 / 7)}, ["paper"], None, None, UNDEFINED
    )
    leaking = msgspec.structs.replace(measures, whole=msgspec.structs.replace(measures.whole, parity=[parity]), themes={})

    assert html(audience).count("<td colspan") == 2 * (suppressed + absent) > 100
    assert "85.7%" not in page(leaking, TITLES, TITLE).decode()


@BOTH
def test_hostile_words_are_shown_and_never_obeyed(audience: Audience) -> None:
    assert HOSTILE not in html(audience)
    assert HOSTILE in " ".join(read(audience).text)
    assert "&lt;culturelle&gt; &amp; « demain »</h1>" in html(audience)


def test_the_public_page_knows_neither_contact_details_nor_reviewers() -> None:
    for internal in (
        PSEUDONYM,
        TEXTS["attributes"]["contact"].fr,
        TEXTS["attributes"]["contact"].en,
        "fr-overturns",
        "en-queues",
    ):
        assert internal in html("internal")
        assert internal not in html("public")


@BOTH
def test_the_page_says_what_it_is_computed_from_and_how_to_compute_it_again(audience: Audience) -> None:
    for text, language in zip(halves(audience), LANGUAGES, strict=True):
        words = " ".join(text.replace("\u202f", "\u00a0").split())
        public = " --public" if audience == "public" else ""

        assert f"registre audit treatment culture --as-of 12345{public} registre audit replay --consultation culture" in words
        for key in (audience, "proof", "recompute"):
            assert " ".join(phrase(language, "preface", key).replace("\u202f", "\u00a0").split()) in words


def test_a_public_document_that_holds_what_is_internal_is_refused() -> None:
    public, internal = example("public"), example("internal")
    contact = Scope({}, None, None, None, [Parity("hidden", "contact", 0, {}, [], None, None, UNDEFINED)])

    for field, wrong in {
        "queues": msgspec.structs.replace(public, queues=internal.queues),
        "overturns": msgspec.structs.replace(public, overturns=internal.overturns),
        "whole.delays: contact": msgspec.structs.replace(public, whole=internal.whole),
        "themes.mot.parity: contact": msgspec.structs.replace(public, themes={"mot": contact}),
    }.items():
        with pytest.raises(ValueError, match=re.escape(field)):
            page(wrong, TITLES, TITLE)


@BOTH
def test_the_same_document_gives_the_same_bytes(audience: Audience) -> None:
    again = msgspec.json.decode(msgspec.json.encode(example(audience)), type=Measures)

    assert page(again, dict(reversed(TITLES.items())), TITLE).decode() == html(audience)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MEASURES)
def test_any_document_makes_a_page_without_a_word_of_the_machine(measures: Measures) -> None:
    found = page(measures, {}, "Consultation").decode()

    parsed = Read(found)
    assert not re.search(r"\b(None|nan|inf|Undefined)\b", found.replace(STYLE, ""))
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for drawing in re.findall(r"<svg.*?</svg>", found, re.DOTALL):
        ET.fromstring(drawing)  # noqa: S314  # what this test has just made


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_words_stand_out_from_what_is_behind_them_by_day_at_night_and_on_paper() -> None:
    sets = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", STYLE)]

    assert len(sets) == 3
    for colours in sets:
        for behind in ("paper", "wash"):
            assert all(contrast(colours[ink], colours[behind]) >= 4.5 for ink in ("ink", "soft", "accent"))
        assert contrast(colours["line"], colours["paper"]) >= 3
    for number, ink in enumerate(["#1a1a1a"] * 3 + ["#ffffff"] * 2):
        (fill,) = re.findall(rf"\.heat{number} rect {{ fill: (#[0-9a-f]{{6}})", STYLE)
        assert contrast(fill, ink) >= 4.5


def test_the_report_is_written_and_an_earlier_one_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "rapport" / "public"

    assert write(out, example("internal"), TITLES, TITLE) == [out / PAGE, out / DATA]
    write(out, example("public"), TITLES, TITLE)

    assert sorted(path.name for path in out.iterdir()) == [PAGE, DATA]
    assert (out / PAGE).read_text(encoding="utf-8") == html("public")
    assert msgspec.json.decode((out / DATA).read_bytes(), type=Measures) == example("public")
    assert GENERATOR in html("public")[:1_000]


@pytest.mark.parametrize("name", [PAGE, DATA])
def test_a_file_that_is_no_report_is_left_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}", encoding="utf-8")

    with pytest.raises(FileExistsError, match=name):
        write(tmp_path, example("public"), TITLES, TITLE)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "{}"


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")

    with pytest.raises(NotADirectoryError, match="name a folder"):
        write(tmp_path / "out", example("public"), TITLES, TITLE)
