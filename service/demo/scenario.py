"""What is played: a definition, rows to deposit, and how each of them fares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain.adopted import Code
from domain.definition import Definition, Theme
from domain.proposal import Outcome
from service.answers import Coded
from service.demo.plans import KEPT, Plan, by_rule, scripted
from service.demo.script import CORPUS, Draft, Script, load_definition, load_script
from service.demo.stage import NotPlayed
from service.rows import Columns, Row, digest, read, slugged

CONSULTATION: Final = "strategie-numerique-culturelle"
CORPUS_COLUMNS: Final = Columns("text", "theme", "channel", "actor")
LINKS_MOST: Final = 25
TITLE_CHARACTERS: Final = 300
THEMES_MOST: Final = 200
OUTCOMES: Final[tuple[Outcome, ...]] = ("retained", "amended", "rejected")


class Scenario(Struct, frozen=True):
    definition: Definition
    rows: Sequence[Row]
    digest: str
    """SHA-256 of the file of rows, in hexadecimal."""
    columns: Columns
    plans: Mapping[str, Plan]
    """By text; a text that is not in it is kept."""
    script: Script

    @property
    def slug(self) -> str:
        return self.definition.slug

    @property
    def during(self) -> datetime:
        """A moment at which every theme is open. Raises NotPlayed when there is none."""
        opens = max(theme.opens for theme in self.definition.themes)
        if min(theme.closes for theme in self.definition.themes) <= opens + timedelta(days=1):
            raise NotPlayed("the themes are never all open at once")
        return opens + timedelta(hours=12)

    def plan(self, text: str) -> Plan:
        return self.plans.get(text, KEPT)

    def drafts(self, theme: Theme, coded: Sequence[Coded]) -> list[tuple[Draft, list[str]]]:
        """The proposals of a theme, each with the contributions that it rests on: those of the script, or one on its most frequent code."""
        written = [draft for draft in self.script.proposals if draft.theme == theme.id] or self._drawn(theme, coded)
        linked = [(draft, _supporting(draft, coded)) for draft in written]
        return [(draft, contributions) for draft, contributions in linked if contributions]

    def _drawn(self, theme: Theme, coded: Sequence[Coded]) -> list[Draft]:
        frequent = Counter(code for each in coded for code in each.codes).most_common(1)
        labels = {code.id: code.label for code in self.definition.codebook.codes}
        number = [each.id for each in self.definition.themes].index(theme.id)
        return [_draft(theme, Code(code, labels[code], ""), number) for code, _ in frequent]


def _draft(theme: Theme, code: Code, number: int) -> Draft:
    outcome = OUTCOMES[number % len(OUTCOMES)]
    return Draft(
        theme=theme.id,
        title=f"{theme.title[:200]} : {code.label[:90]}",
        text=f"Donner suite aux contributions du thème « {theme.title} » qui portent sur « {code.label} ».",
        codes=[code.id],
        favourable=outcome != "rejected",
        opinion="Le comité a examiné la proposition et les contributions dont elle est tirée.",
        outcome=outcome,
        motive="La décision suit l'avis du comité ; elle est prise au vu de toutes les contributions lues.",
        progress="" if outcome == "rejected" else "Un premier calendrier est arrêté.",
    )


def _supporting(draft: Draft, coded: Sequence[Coded]) -> list[str]:
    return [str(each.contribution) for each in coded if set(each.codes) & set(draft.codes)][:LINKS_MOST]


def corpus() -> Scenario:
    """The consultation that ships with the project: its corpus says how each text fares."""
    rows = list(read(CORPUS, CORPUS_COLUMNS))
    return Scenario(load_definition(CONSULTATION), rows, digest(CORPUS), CORPUS_COLUMNS, scripted(rows), load_script())


def of_file(path: Path, columns: Columns) -> Scenario:
    """The same charter, codebook and team over the rows of a file, whose themes become those of the consultation. Raises FileRefused, NotPlayed."""
    rows = list(read(path, columns))
    base = load_definition(CONSULTATION)
    themes = _themes(rows, base.themes[0])
    if not 1 <= len(themes) <= THEMES_MOST:
        raise NotPlayed(
            f"{path} names {len(themes)} themes in its column {columns.theme!r}: between 1 and {THEMES_MOST} can be played"
        )
    definition = replace(base, slug=slugged(path.stem), title=f"Consultation : {path.stem}"[:TITLE_CHARACTERS], themes=themes)
    removals = [clause.id for clause in base.charter.clauses if clause.removal]
    plans = by_rule([row.text for row in rows], removals)
    return Scenario(definition, rows, digest(path), columns, plans, load_script())


def _themes(rows: Sequence[Row], like: Theme) -> list[Theme]:
    """Those that the rows name, in order of appearance, all open as long as `like`."""
    titles: dict[str, str] = {}
    for row in rows:
        if slug := slugged(row.theme):
            titles.setdefault(slug, " ".join(row.theme.split())[:TITLE_CHARACTERS])
    return [replace(like, id=slug, title=title, question=f"Que proposez-vous : {title} ?") for slug, title in titles.items()]
