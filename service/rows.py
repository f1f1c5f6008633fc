"""Rows of a CSV file, each a deposit to be made: its text byte for byte, its theme as the file names it."""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

SLUG_CHARACTERS: Final = 64
FIELD_BYTES: Final = 2**31 - 1
"""No field is cut: what is too long for the service the service refuses, by name."""
CHANNELS: Final[Mapping[str, str]] = {
    "papier": "paper",
    "courrier": "paper",
    "e-mail": "email",
    "courriel": "email",
    "mail": "email",
}
ACTORS: Final[Mapping[str, str]] = {
    "prive": "private",
    "associatif": "associative",
    "professionnel": "professional",
}
"""French words for what the service calls otherwise; `public` and `amateur` are the same in both."""


class FileRefused(ValueError):  # noqa: N818 - it is an answer: the file cannot be read as it was said to be
    """The file is not the CSV that the command describes. The message names the line and what to do."""


class Columns(Struct, frozen=True):
    """Where a file says what."""

    text: str
    theme: str
    channel: str | None = None
    actor: str | None = None
    delimiter: str = ","


class Row(Struct, frozen=True):
    number: int
    """From 1; the header is not counted."""
    theme: str
    text: str
    channel: str
    actor: str
    fields: Mapping[str, str]
    malformed: str = ""
    """Why the row cannot be sent; empty when it can."""


def slugged(title: str) -> str:
    """The id of a theme that a file names by its title: `Écologie & œuvres` is `ecologie-oeuvres`; empty for a blank title."""
    folded = unicodedata.normalize("NFKD", title.lower().replace("œ", "oe").replace("æ", "ae"))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARACTERS].strip("-")
    if slug or not title.strip():
        return slug
    return f"theme-{sha256(title.encode()).hexdigest()[:12]}"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read(path: Path, columns: Columns, channel: str = "web") -> Iterator[Row]:
    """Every row, in order. `channel` is that of rows which name none. Raises FileRefused."""
    csv.field_size_limit(FIELD_BYTES)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=columns.delimiter, strict=True)
        try:
            _check(reader.fieldnames or (), columns, path)
            for number, fields in enumerate(reader, start=1):
                yield _row(number, fields, columns, channel)
        except csv.Error as error:
            raise FileRefused(f"{path}, line {reader.line_num}: {error}.") from error
        except UnicodeDecodeError as error:
            raise FileRefused(f"{path} is not UTF-8 at byte {error.start}: convert it first.") from error


def _check(header: Any, columns: Columns, path: Path) -> None:
    named = (columns.text, columns.theme, columns.channel, columns.actor)
    if missing := [name for name in named if name is not None and name not in header]:
        there = ", ".join(map(repr, header)) or "none"
        raise FileRefused(
            f"{path} has no column {missing[0]!r}; its columns are {there}. Fields are separated by a comma unless --delimiter says otherwise."
        )
    if repeated := next((name for name in named if name is not None and list(header).count(name) > 1), None):
        raise FileRefused(f"{path} has several columns {repeated!r}.")


def _row(number: int, fields: dict[Any, Any], columns: Columns, channel: str) -> Row:
    malformed = ""
    if None in fields:
        malformed = f"{len(fields[None])} more fields than the header has columns"
    elif None in fields.values():
        malformed = f"{sum(value is None for value in fields.values())} fewer fields than the header has columns"
    known = {name: value or "" for name, value in fields.items() if name is not None}
    through = known[columns.channel].strip() if columns.channel else ""
    who = known[columns.actor].strip() if columns.actor else ""
    return Row(
        number,
        known[columns.theme],
        known[columns.text],
        CHANNELS.get(through.lower(), through) or channel,
        ACTORS.get(slugged(who), who),
        known,
        malformed,
    )
