"""The report as files: the page, and the document beside it that the page is made from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from projections.treatment.measures.document import Measures
from service.report.page import GENERATOR, page

PAGE: Final = "index.html"
DATA: Final = "treatment.json"
MARK: Final = f'<meta name="generator" content="{GENERATOR}">'
HEAD_BYTES: Final = 1_000
"""In which the mark of a page of ours stands."""


def write(out: Path, measures: Measures, titles: Mapping[str, str], title: str) -> list[Path]:
    """Write index.html and treatment.json into a folder, made where it is missing; what was written.

    An earlier report is replaced. Raises FileExistsError where a file that is no report stands at one of the names, and then writes
    neither; NotADirectoryError where the folder is a file; ValueError as `page` does.
    """
    contents = {out / PAGE: page(measures, titles, title), out / DATA: encoded(measures)}
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file: name a folder")
    for path in contents:
        if path.exists() and not _ours(path):
            raise FileExistsError(f"{path} is there and is not of a report: name another folder, or take it away")
    out.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        _replace(path, content)
    return list(contents)


def encoded(measures: Measures) -> bytes:
    """The document as JSON, indented by two, a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(measures), indent=2) + b"\n"


def _ours(path: Path) -> bool:
    if not path.is_file():
        return False
    if path.name == PAGE:
        with path.open("rb") as file:
            return MARK.encode() in file.read(HEAD_BYTES)
    try:
        msgspec.json.decode(path.read_bytes(), type=Measures)
    except msgspec.DecodeError:
        return False
    return True


def _replace(path: Path, content: bytes) -> None:
    """Whoever reads meanwhile reads the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)
