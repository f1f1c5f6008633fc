"""Files whose bytes follow from their contents alone: no time of creation, no owner, no order of the day."""

import csv
import io
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: the same in every bundle."""
_UNIX: Final = 3
"""The system named as the zip's maker, wherever it is written."""

Row = dict[str, Any]


def as_json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """RFC 4180 in UTF-8. Verbatim: a text that a spreadsheet would take for a formula stands as it was deposited."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """As in the JSON file, without its quotes; nothing for null."""
    match value:
        case None:
            return ""
        case str() | UUID():
            return value
    return msgspec.json.encode(value).decode().strip('"')


def write(files: Mapping[str, bytes], out: Path) -> Path:
    """Write the folder `out` and `out`.zip, and return the zip's path.

    Each is written beside its place, forced to disk and moved there; the zip last, so that whoever finds it finds everything.
    """
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _folder(files, out)
    archive = out.with_name(f"{out.name}.zip")
    draft = archive.with_name(f".{archive.name}.new")
    _written(draft, zipped(files))
    draft.replace(archive)
    _sync(out.parent)
    return archive


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`, in order of their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name], compresslevel=6)
    return packed.getvalue()


def _folder(files: Mapping[str, bytes], out: Path) -> None:
    draft = out.with_name(f".{out.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name, content in files.items():
        _written(draft / name, content)
    _sync(draft)
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)


def _written(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Force to disk which names a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
