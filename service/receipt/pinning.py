"""Verifier keys that somebody has decided to trust, one a line in a file: a service that shows another one later is noticed."""

from collections.abc import Sequence
from pathlib import Path

from adapters import notes
from adapters.notes import MalformedKey, Verifier


class KeyDiffers(ValueError):  # noqa: N818 - says what was met
    """The key given is not the one that is kept under its name."""


def kept(path: Path) -> list[Verifier]:
    """The keys of a file; none where there is no file. Raises MalformedKey, which names the line."""
    if not path.exists():
        return []
    keys = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                keys.append(notes.verifier(line.strip()))
            except MalformedKey as error:
                raise MalformedKey(f"{path}, line {number}: {error}") from None
    return keys


def trusted(path: Path, given: Verifier | None) -> Sequence[Verifier]:
    """The keys to verify by: the one given, else those kept. Raises KeyDiffers, MalformedKey."""
    known = kept(path)
    if given is None:
        return known
    if given not in known and any(key.name == given.name for key in known):
        raise KeyDiffers(
            f"another key is kept for {given.name} in {path}. If the service has announced a new one, repeat with --keep; if not, do not trust it"
        )
    return [given]


def keep(path: Path, key: Verifier) -> bool:
    """Trust a key from now on; whether it is new."""
    if key in kept(path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{key}\n")
    return True
