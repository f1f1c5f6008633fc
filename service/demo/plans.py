"""What the demo's people will do with a text: moderators and readers know it by its exact words alone, as they would in earnest."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from service.rows import FileRefused, Row

HIDDEN_IN: Final = 200
"""Of the texts of a file without a script, one in so many is hidden."""
WITHDRAWN_IN: Final = 500
HESITANT_IN: Final = 25
"""One reading in so many shares no code with the others: a third reader follows."""
CODES_MOST: Final = 3


class Plan(Struct, frozen=True):
    """How a text fares that a moderator hides, or that its author withdraws."""

    clause: str = ""
    """Empty: it is kept."""
    analysed: bool = True
    second: bool = True
    """Whether the second reviewer agrees with the first."""
    third: bool = True
    """Whether the third does, when the second does not."""
    appeal: str = ""
    """`granted` or `lost`; empty when its author does not appeal."""
    withdrawn: bool = False


KEPT: Final = Plan()
WORDS: Final = frozenset({"excluded", "third-agrees", "third-disagrees", "appeal-granted", "appeal-lost", "withdrawn"})


def by_rule(texts: Sequence[str], clauses: Sequence[str]) -> dict[str, Plan]:
    """Plans for a file without a script: some texts, picked by their hash, take every path in turn."""
    ordered = sorted(set(texts), key=lambda text: sha256(text.encode()).digest())
    hidden = min(max(len(_PATHS), len(ordered) // HIDDEN_IN), len(ordered))
    withdrawn = ordered[hidden : hidden + max(2, len(ordered) // WITHDRAWN_IN)]
    plans = {text: Plan(withdrawn=True) for text in withdrawn}
    for number, text in enumerate(ordered[:hidden]):
        analysed, second, third, appeal = _PATHS[number % len(_PATHS)]
        plans[text] = Plan(clauses[number % len(clauses)], analysed, second, third, appeal)
    return plans


_PATHS: Final[tuple[tuple[bool, bool, bool, str], ...]] = (
    (True, True, True, ""),
    (True, True, True, "granted"),
    (False, True, True, "lost"),
    (True, False, True, ""),
    (True, False, False, ""),
    (False, True, True, ""),
)
"""Whether it is analysed, whether the second and the third reviewer agree, how the appeal ends."""


def scripted(rows: Iterable[Row]) -> dict[str, Plan]:
    """Plans of the corpus: its column `breaks` names the clause that a text breaks, `script` what follows, in words separated by spaces.

    Raises FileRefused for a word that means nothing.
    """
    plans: dict[str, Plan] = {}
    for row in rows:
        words = row.fields.get("script", "").split()
        if unknown := set(words) - WORDS:
            raise FileRefused(f"row {row.number} of the corpus: {', '.join(sorted(unknown))} is no word of the script")
        if row.fields.get("breaks") or words:
            appeal = next((word.removeprefix("appeal-") for word in words if word.startswith("appeal-")), "")
            plans[row.text] = Plan(
                row.fields.get("breaks", ""),
                "excluded" not in words, not {"third-agrees", "third-disagrees"} & set(words), "third-disagrees" not in words, appeal, "withdrawn" in words,
            )  # fmt: skip
    return plans


def codes_of(text: str, reader: str, keywords: Mapping[str, Sequence[str]], otherwise: str) -> list[str]:
    """The codes that a reader gives: those whose keywords stand in the text, but for a hesitant reading now and then."""
    plain = text.casefold()
    found = [code for code, words in keywords.items() if any(word in plain for word in words)][:CODES_MOST] or [otherwise]
    if int.from_bytes(sha256(f"{reader}\n{text}".encode()).digest()[:4]) % HESITANT_IN:
        return found
    return [next((code for code in keywords if code not in found), otherwise)]
