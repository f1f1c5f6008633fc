"""What a client reads of the service's answers. Members that it does not need are left out: a newer service may say more."""

from datetime import date
from uuid import UUID

from msgspec import Struct


class Ready(Struct, frozen=True):
    position: int
    """Of the last event of the log."""


class Receipt(Struct, frozen=True):
    contribution: UUID
    code: str
    commitment: str
    """Base64, as the blind."""
    blind: str
    theme: str
    charter: int
    consultation: str = ""
    promise: str = ""
    """A signed note. Empty in a receipt that was kept before the service promised."""


class Decision(Struct, frozen=True):
    kind: str


class Status(Struct, frozen=True):
    """What became of a contribution, for the holder of its code."""

    theme: str
    status: str
    analysed: bool
    text: str | None
    decisions: list[Decision]
    appeal_by: str | None


class Theme(Struct, frozen=True):
    id: str
    title: str
    phase: str
    received: int
    visible: int


class Clauses(Struct, frozen=True):
    version: int


class Consultation(Struct, frozen=True):
    slug: str
    title: str
    phase: str
    charter: Clauses | None
    themes: list[Theme]
    synthesis: str | None = None


class Counts(Struct, frozen=True):
    received: int
    visible: int
    withheld: int
    withdrawn: int
    pending: int
    read_enough: int


class Treatment(Struct, frozen=True):
    position: int
    """Of the log, at which the counts are true."""
    totals: Counts


class Removal(Struct, frozen=True):
    clause: str
    analysed: bool


class Review(Struct, frozen=True):
    """What a moderator is handed out."""

    contribution: UUID
    look: str
    theme: str
    text: str | None
    clauses: list[str]
    hidden: Removal | None
    appeal: str | None


class CodeEntry(Struct, frozen=True):
    id: str
    label: str


class Codebook(Struct, frozen=True):
    version: int
    codes: list[CodeEntry]


class Reading(Struct, frozen=True):
    """What a reader is handed out."""

    assignment: UUID
    theme: str
    text: str | None
    codebook: Codebook


class Coded(Struct, frozen=True):
    contribution: UUID
    codes: list[str]


class Progress(Struct, frozen=True):
    day: date
    text: str


class Proposal(Struct, frozen=True):
    id: UUID
    theme: str
    title: str
    status: str
    outcome: str | None
    links: int
    progress: list[Progress]
    version: int


class Commitment(Struct, frozen=True):
    id: str
    status: str


class Publication(Struct, frozen=True):
    id: UUID
    kind: str
    position: int
    digest: str
    """SHA-256 of the bundle's manifest, in hexadecimal."""
    status: str


class Withdrawal(Struct, frozen=True):
    contribution: UUID
    day: date


class WithdrawalPage(Struct, frozen=True):
    items: list[Withdrawal]
    next: str | None


class CodedPage(Struct, frozen=True):
    """One page of contributions with their codes."""

    items: list[Coded]
    next: str | None


class ProposalPage(Struct, frozen=True):
    items: list[Proposal]
    next: str | None
