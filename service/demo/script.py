"""The words of the demo: what reasons moderators give, by which words readers recognise a code, which proposals are drawn and how they fare."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from domain.definition import Definition

PACKAGE: Final = Path(__file__).parents[1]
SCRIPT: Final = PACKAGE / "demo_script.toml"
CORPUS: Final = PACKAGE / "corpus.csv"
DEFINITIONS: Final = (PACKAGE / "consultations", PACKAGE.parent / "deploy" / "consultations")
"""In an installed wheel, and in a checkout."""


class Draft(Struct, frozen=True):
    """A proposal with what becomes of it."""

    theme: str
    title: str
    text: str
    codes: Sequence[str]
    """It rests on contributions that were given one of these."""
    favourable: bool
    opinion: str
    outcome: Literal["retained", "amended", "rejected"]
    motive: str
    progress: str = ""
    """What is reported of it after the decision."""


class Meeting(Struct, frozen=True):
    meeting: str
    date: date


class Script(Struct, frozen=True):
    keywords: dict[str, list[str]]
    """By code: words of which one in a text is enough, in lower case."""
    otherwise: str
    """The code of a text in which no such word stands."""
    statements: dict[str, str]
    """By clause: the reasons for a removal under it."""
    statement: str
    """The reasons for a removal under any other."""
    appeal: str
    granted: str
    lost: str
    withdrawal: str
    erasure: str
    """The reason that the publisher gives for erasing what an author asked to be erased."""
    meeting: Meeting
    synthesis: str
    evidence: str
    """By which a commitment is kept."""
    proposals: list[Draft] = field(default_factory=list)

    def reasons(self, clause: str) -> str:
        return self.statements.get(clause, self.statement)

    def verdict(self, *, granted: bool) -> str:
        return self.granted if granted else self.lost


def load_script(path: Path = SCRIPT) -> Script:
    return msgspec.toml.decode(path.read_bytes(), type=Script)


def load_definition(name: str) -> Definition:
    """The definition that ships with the project under this name. Raises FileNotFoundError."""
    folder = next((each for each in DEFINITIONS if (each / f"{name}.toml").exists()), DEFINITIONS[0])
    return msgspec.toml.decode((folder / f"{name}.toml").read_bytes(), type=Definition)
