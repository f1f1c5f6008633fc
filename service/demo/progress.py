"""How far a demo has come: kept in its folder, so that one that was killed goes on where it was."""

from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.embedded.folder import write_private
from service.demo.script import Draft
from service.kept import Source
from service.publishing import Prepared


class Deposited(Struct, frozen=True):
    """What became of the rows."""

    rows: int
    received: int
    refused: dict[str, int]
    """By reason."""


class Drawn(Struct, frozen=True):
    """A proposal, and what the script says of it."""

    proposal: UUID
    draft: Draft


class Progress(Struct):
    salt: bytes
    source: Source
    done: list[str] = []
    """Acts that have been played to their end."""
    deposited: Deposited | None = None
    drawn: list[Drawn] = []
    publication: Prepared | None = None


class Notebook:
    """The progress on disk: replaced whole, so that a crash leaves the old or the new."""

    def __init__(self, path: Path, bundle: Path, progress: Progress, *, resumed: bool) -> None:
        self._path = path
        self.bundle = bundle
        """Where the published results are kept."""
        self.progress = progress
        self.resumed = resumed
        """Whether an earlier demo was killed in this folder."""

    def write(self) -> None:
        write_private(self._path, msgspec.json.encode(self.progress))

    def finished(self, act: str) -> None:
        self.progress.done.append(act)
        self.write()
