"""What screening tells a reviewer of a text: where something stands that the charter may forbid. It decides nothing, and is seen by nobody else."""

from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

Rule = Literal["email", "phone", "social-security", "bank-account", "link", "shouting", "duplicate", "sensitive"]
Category = Literal[
    "origin", "political-opinions", "beliefs", "trade-union", "genetic-data", "biometric-data", "health", "sex-life"
]  # fmt: skip
"""The eight of the charter, as article 9 of the GDPR lists them. They are one clause, so that a decision does not name the category."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """One thing found, and where."""

    rule: Rule
    version: int
    """Of the rule."""
    start: int
    """In code points of the text as it was deposited, from 0."""
    end: int
    """After the last code point."""
    category: Category | None = None
    """What the words suggest, for the rule `sensitive`."""
    other: UUID | None = None
    """The earlier contribution that this one resembles, for the rule `duplicate`."""
    similarity: float | None = None
    """How near both are, from 0 to 1: of the pairs of words that stand in either, the estimated share that stand in both."""
    exact: bool = False
    """Whether both have the same words in the same order, whatever their case, accents, punctuation and markup."""
    more: bool = False
    """The rule found more in this text than was kept: this is the last that was."""
    failed: bool = False
    """The rule could not be applied to this text: nothing is known of what it would have found."""


SEALED_AS: Final = "findings"
"""The sealed field of a Flagged event that holds a JSON array of findings, which may be empty."""
