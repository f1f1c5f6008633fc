"""What an import keeps on disk: under which salt it was begun with which file, and the receipts as they arrive."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec import Struct

from adapters.embedded.folder import write_private
from service.answers import Receipt
from service.rows import Columns, FileRefused

SALT_BYTES: Final = 32
SYNC_EVERY: Final = 256
"""Receipts between two fsyncs. A killed process loses none; after a power cut the next run fetches the last ones again."""


class Source(Struct, frozen=True):
    """What a state file was begun with: under another, the same row number would mean another text."""

    digest: str
    """SHA-256 of the file, in hexadecimal."""
    consultation: str
    columns: Columns
    channel: str
    theme_map: dict[str, str] = {}


class State(Struct, frozen=True):
    salt: bytes
    source: Source


class StateDiffers(ValueError):  # noqa: N818 - it is an answer: going on would deposit again what is there already
    """The state file belongs to another file, or to another way to read it."""

    def __init__(self, path: Path, changed: list[str]) -> None:
        super().__init__(
            f"{path} was begun with another {' and '.join(changed)}. Repeat the command as it was, or name with --state a file that "
            "does not exist yet: every row is then a new deposit."
        )


def begun(path: Path, source: Source) -> State:
    """The state of an import, made at its first run and found again at the next. Raises StateDiffers, FileRefused."""
    if not path.exists():
        state = State(secrets.token_bytes(SALT_BYTES), source)
        write_private(path, msgspec.json.encode(state))
        return state
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except msgspec.MsgspecError as error:
        raise FileRefused(f"{path} is not the state of an import: {error}.") from error
    names = {"digest": "content of the file"}
    if changed := [
        names.get(name, name.replace("_", " "))
        for name in Source.__struct_fields__
        if getattr(state.source, name) != getattr(source, name)
    ]:
        raise StateDiffers(path, changed)
    return state


class Kept(Struct, frozen=True):
    """A receipt with the number of its row: one line of the file of receipts."""

    row: int
    receipt: Receipt


class Receipts:
    """The receipts of an import, by row, appended to a file of mode 0600 as they arrive. A line that a crash cut off is forgotten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_row: dict[int, Receipt] = {}
        self._unsynced = 0

    @contextmanager
    def writing(self) -> Iterator[Self]:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "r+b", buffering=0) as self._file:  # noqa: PTH123 - opened private
            whole = self._file.read()
            complete = whole[: whole.rfind(b"\n") + 1]
            self.by_row = {kept.row: kept.receipt for kept in _LINES.decode_lines(complete)}
            self._file.truncate(len(complete))
            self._file.seek(len(complete))
            try:
                yield self
            finally:
                os.fsync(self._file.fileno())

    def add(self, row: int, receipt: Receipt) -> None:
        self._file.write(msgspec.json.encode(Kept(row, receipt)) + b"\n")
        self.by_row[row] = receipt
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY:
            os.fsync(self._file.fileno())
            self._unsynced = 0


_LINES: Final = msgspec.json.Decoder(Kept)
