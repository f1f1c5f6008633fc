"""Receipts on disk: appended as they arrive, found again after a crash."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec import Struct

from service.answers import Receipt

SYNC_EVERY: Final = 256
"""Receipts between two fsyncs. A killed process loses none; after a power cut the next run fetches the last ones again."""


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
