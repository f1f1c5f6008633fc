"""What a consultation goes by, as its events hold it.

No patterns and no bounds here: who defines a consultation meets those of `definition`, which may become stricter. What has been adopted is read for
ever.
"""

from typing import Literal

from msgspec import Struct


class Clause(Struct, frozen=True):
    id: str
    title: str
    text: str
    binds: Literal["participants", "ministry", "both"] = "both"
    removal: bool = False
    """Whether a contribution may be hidden under this clause."""


class Code(Struct, frozen=True):
    id: str
    label: str
    definition: str
