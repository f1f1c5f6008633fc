"""What a consultation is defined by before it opens: charter, themes, commitments, codebook, policies."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import astuple

from domain.adopted import Clause, Code

NOT_BLANK: Final = r"^[^\x00]*[^\x00\s][^\x00]*$"
Slug = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}(?!\n)$", max_length=64, description="Lower-case letters, digits and hyphens.")
]
ClauseId = Annotated[
    str, Meta(pattern=r"^[0-9]{1,2}\.[a-z0-9-]{1,40}(?!\n)$", description="Number, dot, name: `5.sensitive-data`.")
]
Line = Annotated[
    str,
    Meta(
        min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*(?!\n)$", description="One line of text."
    ),
]
Prose = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=NOT_BLANK, description="Text, line breaks allowed.")]
Reason = Annotated[str, Meta(max_length=2_000, pattern=r"^[^\x00]*$", description="Why; may be empty only before opening.")]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]

_ALPHABET: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

Mode = Literal["before", "after"]
Seconds = Annotated[int, Meta(ge=1, le=366 * 86_400)]


class Policies(Struct, frozen=True, forbid_unknown_fields=True):
    """How contributions are treated: adopted before opening, the same for every one of them."""

    mode: Mode
    """Whether moderation comes before or after publication."""
    second_look_s: Seconds
    """How long a removal may stand without a second look before it is lifted."""
    appeal_s: Seconds
    readers: Annotated[int, Meta(ge=1, le=5)] = 2
    lease_s: Seconds = 1_800
    length_min: Annotated[int, Meta(ge=1, le=1_000)] = 2
    """In characters (code points), surrounding white space left out."""
    length_max: Annotated[int, Meta(ge=100, le=50_000)] = 20_000
    """In characters (code points), all of them."""
    retention_days: Annotated[int, Meta(ge=1, le=3_660)] = 1_095
    """For how long contact details may be kept after closing. Contributions stay: they are the record."""


class ClauseDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    id: ClauseId
    title: Line
    text: Prose
    binds: Literal["participants", "ministry", "both"] = "both"
    removal: bool = False
    """Whether a contribution may be hidden under this clause."""

    def adopted(self) -> Clause:
        return Clause(*astuple(self))


class Charter(Struct, frozen=True, forbid_unknown_fields=True):
    clauses: Annotated[list[ClauseDefinition], Meta(min_length=1, max_length=99)]


class Theme(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    title: Line
    question: Prose
    opens: Moment
    closes: Moment


class Commitment(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    text: Prose
    due: date


class CodeDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    label: Line
    definition: Prose

    def adopted(self) -> Code:
        return Code(*astuple(self))


class Codebook(Struct, frozen=True, forbid_unknown_fields=True):
    codes: Annotated[list[CodeDefinition], Meta(min_length=1, max_length=500)]


class Definition(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole consultation, as one TOML file or one request body defines it."""

    slug: Slug
    title: Line
    methodology: Prose
    policies: Policies
    charter: Charter
    themes: Annotated[list[Theme], Meta(min_length=1, max_length=200)]
    commitments: Annotated[list[Commitment], Meta(min_length=1, max_length=100)]
    codebook: Codebook
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}(?!\n)$")] = field(default="fr")


def within_reach(moment: datetime) -> bool:
    """Whether every part of the service can hold a moment, in every time zone."""
    return 2000 <= moment.year < 2200


def well_formed(identifier: str) -> bool:
    r"""Whether an identifier can stand in a path and in a subject.

    What a path names has passed no pattern above. In those, `(?!\n)` stands before `$`, which also matches before a line break at the end:
    JSON Schema knows no other end.
    """
    return bool(identifier) and identifier[0] != "-" and all(each in _ALPHABET for each in identifier)


SYSTEM: Final = "system"
"""The actor of what the clock brings about."""
