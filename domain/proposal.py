"""A proposal: drawn from contributions, put before the committee, arbitrated with a motive, its progress reported."""

from typing import Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import CorruptHistory, Refused

Outcome = Literal["retained", "amended", "rejected"]


class Coverage(Struct, frozen=True):
    """How much of the proposal's theme had been read, at a position of the log."""

    read: int
    """Contributions with every reading that the policy asks for."""
    analysed: int
    """Contributions under analysis."""
    seen: int
    """Position of the log at which both were counted."""


# --- events ----------------------------------------------------------------------------------------------------------


class Drafted(Struct, frozen=True, tag="proposal.drafted.v1"):
    consultation: str
    theme: str
    title: str
    text: str
    analyst: str


class Revised(Struct, frozen=True, tag="proposal.revised.v1"):
    title: str
    text: str
    reason: str
    analyst: str


class ContributionLinked(Struct, frozen=True, tag="proposal.contribution_linked.v1"):
    contribution: UUID
    analyst: str


class ContributionUnlinked(Struct, frozen=True, tag="proposal.contribution_unlinked.v1"):
    contribution: UUID
    reason: str
    analyst: str


class Submitted(Struct, frozen=True, tag="proposal.submitted.v1"):
    """From here on the public sees it."""

    meeting: str
    secretary: str


class OpinionGiven(Struct, frozen=True, tag="proposal.opinion_given.v1"):
    meeting: str
    favourable: bool
    opinion: str
    secretary: str


class Arbitrated(Struct, frozen=True, tag="proposal.arbitrated.v1"):
    outcome: Outcome
    motive: str
    coverage: Coverage
    why_not_waited: str
    """Why the decision did not wait for full coverage; empty at full coverage."""
    arbiter: str


class ProgressReported(Struct, frozen=True, tag="proposal.progress_reported.v1"):
    text: str
    publisher: str


Event = Drafted | Revised | ContributionLinked | ContributionUnlinked | Submitted | OpinionGiven | Arbitrated | ProgressReported

# --- commands --------------------------------------------------------------------------------------------------------


class DraftProposal(Struct, frozen=True):
    consultation: str
    theme: str
    title: str
    text: str
    analyst: str
    themes: frozenset[str]


class Revise(Struct, frozen=True):
    title: str
    text: str
    reason: str
    analyst: str


class Link(Struct, frozen=True):
    """All of them or none."""

    contributions: tuple[UUID, ...]
    analyst: str
    analysed: frozenset[UUID]
    """Those that are under analysis in the same consultation."""


class Unlink(Struct, frozen=True):
    contribution: UUID
    reason: str
    analyst: str


class Submit(Struct, frozen=True):
    meeting: str
    secretary: str
    meetings: frozenset[str]


class GiveOpinion(Struct, frozen=True):
    meeting: str
    favourable: bool
    opinion: str
    secretary: str


class Arbitrate(Struct, frozen=True):
    outcome: Outcome
    motive: str
    arbiter: str
    coverage: Coverage
    consultation_closed: bool
    why_not_waited: str = ""


class ReportProgress(Struct, frozen=True):
    text: str
    publisher: str


Command = DraftProposal | Revise | Link | Unlink | Submit | GiveOpinion | Arbitrate | ReportProgress

# --- states ----------------------------------------------------------------------------------------------------------


class Draft(Struct, frozen=True):
    consultation: str
    theme: str
    linked: frozenset[UUID] = frozenset()


class BeforeCommittee(Struct, frozen=True):
    consultation: str
    theme: str
    meeting: str


class Advised(Struct, frozen=True):
    consultation: str
    theme: str


class Decided(Struct, frozen=True):
    consultation: str
    theme: str
    outcome: Outcome


State = Draft | BeforeCommittee | Advised | Decided | None
"""None: nothing has happened yet."""


def retained(state: State) -> bool:
    """Whether it was decided to carry the proposal out, as it stands or amended."""
    return isinstance(state, Decided) and state.outcome != "rejected"


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that `command` causes in `state`; raises Refused where the rules do not allow it."""
    match state, command:
        case None, DraftProposal(theme=theme, themes=themes) if theme not in themes:
            raise Refused("unknown-theme", field="theme", theme=theme)
        case None, DraftProposal(consultation, theme, title, text, analyst):
            return (Drafted(consultation, theme, title, text, analyst),)
        case Draft(), (Revise(reason=reason) | Unlink(reason=reason)) if not reason.strip():
            raise Refused("reason-missing", field="reason")
        case Draft(), Revise(title, text, reason, analyst):
            return (Revised(title, text, reason, analyst),)

        case Draft(linked=linked), Link(contributions) if taken := _repeated(linked, contributions):
            raise Refused("already-linked", contributions=taken)
        case Draft(), Link(contributions, _, analysed) if outside := sorted(set(contributions) - analysed):
            raise Refused("contribution-not-analysed", contributions=outside)
        case Draft(), Link(contributions, analyst):
            return tuple(ContributionLinked(contribution, analyst) for contribution in contributions)
        case Draft(linked=linked), Unlink(contribution) if contribution not in linked:
            raise Refused("not-linked", contribution=contribution)
        case Draft(), Unlink(contribution, reason, analyst):
            return (ContributionUnlinked(contribution, reason, analyst),)

        case Draft(linked=linked), Submit() if not linked:
            raise Refused("no-contribution-linked")
        case Draft(), Submit(meeting, meetings=meetings) if meeting not in meetings:
            raise Refused("unknown-meeting", field="meeting", meeting=meeting)
        case Draft(), Submit(meeting, secretary):
            return (Submitted(meeting, secretary),)
        case BeforeCommittee(meeting=expected), GiveOpinion(meeting) if meeting != expected:
            raise Refused("other-meeting", field="meeting", meeting=expected)
        case BeforeCommittee(), GiveOpinion(meeting, favourable, opinion, secretary):
            return (OpinionGiven(meeting, favourable, opinion, secretary),)

        case ((Draft() | BeforeCommittee()), Arbitrate()):
            raise Refused("opinion-missing")
        case Advised(), Arbitrate(consultation_closed=False):
            raise Refused("consultation-running")
        case Advised(), Arbitrate(motive=motive) if not motive.strip():
            raise Refused("reason-missing", field="motive")
        case Advised(), Arbitrate(coverage=coverage, why_not_waited=why) if coverage.read < coverage.analysed and not why.strip():
            raise Refused("coverage-incomplete", field="why_not_waited", read=coverage.read, analysed=coverage.analysed)
        case Advised(), Arbitrate(outcome, motive, arbiter, coverage, _, why):
            return (Arbitrated(outcome, motive, coverage, why if coverage.read < coverage.analysed else "", arbiter),)
        case Decided(), ReportProgress() if not retained(state):
            raise Refused("not-retained")
        case Decided(), ReportProgress(text, publisher):
            return (ProgressReported(text, publisher),)
    raise Refused("not-now", state=type(state).__name__ if state else "nothing", command=type(command).__name__)


def _repeated(linked: frozenset[UUID], contributions: tuple[UUID, ...]) -> list[UUID]:
    return sorted({one for one in contributions if one in linked or contributions.count(one) > 1})


def evolve(state: State, event: Event) -> State:
    match state, event:
        case None, Drafted(consultation, theme):
            return Draft(consultation, theme)
        case Draft(), Revised():
            return state
        case Draft(linked=linked), ContributionLinked(contribution):
            return replace(state, linked=linked | {contribution})
        case Draft(linked=linked), ContributionUnlinked(contribution):
            return replace(state, linked=linked - {contribution})
        case Draft(consultation, theme), Submitted(meeting):
            return BeforeCommittee(consultation, theme, meeting)
        case BeforeCommittee(consultation, theme), OpinionGiven():
            return Advised(consultation, theme)
        case Advised(consultation, theme), Arbitrated(outcome):
            return Decided(consultation, theme, outcome)
        case Decided(), ProgressReported():
            return state
    raise CorruptHistory(state, event)
