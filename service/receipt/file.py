"""A receipt as a plain-text file that a person can keep: French and English, and between rules the lines that programs read back."""

import textwrap
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from adapters import notes
from adapters.promises import promise_of
from service.deposits import Receipt

FORM: Final = "registre.receipt/v1"
WIDTH: Final = 76
MOST_BYTES: Final = 100_000
_BEGIN, _PROMISE, _END = (f"----- {name} -----" for name in (FORM, "promise", "end"))
_MEMBERS: Final = ("address", "contribution", "code", "consultation", "theme", "charter", "commitment", "blind")
_IN_BASE64: Final = frozenset({"commitment", "blind"})

Language = Literal["fr", "en"]


class Phrase(Struct, frozen=True):
    fr: str
    en: str


TEXTS: Final = msgspec.toml.decode((Path(__file__).parent / "texts.toml").read_bytes(), type=dict[str, Phrase])


class UnreadableReceipt(ValueError):  # noqa: N818 - names what was met
    """Not a receipt, or one whose lines have been changed. The message names what is wrong."""


def written(receipt: Receipt) -> str:
    """The file. It verifies as the JSON does: the promise stands in it verbatim. Raises NoteError for a receipt that promises nothing."""
    promise = promise_of(notes.parsed(receipt.promise))
    values = {
        **{name: str(getattr(receipt, name)) for name in _MEMBERS if name != "address"},
        **{name: b64encode(getattr(receipt, name)).decode() for name in _IN_BASE64},
        "address": promise.origin,
    }
    lines = [
        f"{TEXTS['title'].fr} · {TEXTS['title'].en}",
        "",
        _BEGIN,
        *[f"{name}: {values[name]}" for name in _MEMBERS],
        _PROMISE,
    ]
    told = [line for language in ("fr", "en") for line in _told(language, promise.within_s)]
    return "\n".join([*lines, f"{receipt.promise}{_END}", *told, ""])


def read(raw: bytes) -> Receipt:
    """A receipt from its JSON, or from the file as an editor or a mail may have left it: with a mark at its start, with other line ends.

    Nothing is verified. Raises UnreadableReceipt.
    """
    if len(raw) > MOST_BYTES:
        raise UnreadableReceipt(f"a receipt has at most {MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UnreadableReceipt("a receipt is UTF-8") from None
    members = None if text.lstrip().startswith("{") else _members(text.split("\n"))
    try:
        if members is None:
            return msgspec.json.decode(text, type=Receipt)
        return msgspec.convert(members, Receipt, strict=False)
    except msgspec.MsgspecError as error:
        raise UnreadableReceipt(f"not a receipt: {error}") from None


def _members(lines: list[str]) -> Mapping[str, object]:
    rules = [line.rstrip() for line in lines]
    try:
        begin, promise, end = (rules.index(rule) for rule in (_BEGIN, _PROMISE, _END))
    except ValueError:
        raise UnreadableReceipt(
            f"neither the JSON of a receipt nor its file, which holds the rule {_BEGIN!r} and two more"
        ) from None
    pairs = [line.partition(":") for line in rules[begin + 1 : promise]]
    if tuple([name for name, _, _ in pairs]) != _MEMBERS or end < promise:
        raise UnreadableReceipt(f"between the rules stand, in this order: {', '.join(_MEMBERS)}; then the promise")
    members: dict[str, object] = {name: value.strip() for name, _, value in pairs}
    for name in _IN_BASE64:
        members[name] = _bytes(name, str(members[name]))
    return {**members, "promise": "".join([f"{line}\n" for line in lines[promise + 1 : end]])}


def _bytes(name: str, encoded: str) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        raise UnreadableReceipt(f"{name} is not base64") from None


def _told(language: Language, within_s: int) -> Iterator[str]:
    yield from ("", getattr(TEXTS["language"], language), "")
    unit, length_s = ("days", 86_400) if within_s >= 2 * 86_400 else ("hours", 3_600)
    delay = getattr(TEXTS[unit], language).format(count=-(-within_s // length_s))
    for key in ("keep", "use", "promise", "verify"):
        yield from (*textwrap.wrap(getattr(TEXTS[key], language).format(delay=delay), WIDTH, break_on_hyphens=False), "")
