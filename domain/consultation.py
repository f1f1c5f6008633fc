"""A consultation: prepared, opened, its themes opened and closed each in its own window, its promises made and kept."""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from domain.adopted import Clause, Code
from domain.contribution.commands import Terms
from domain.definition import Mode, Policies, well_formed, within_reach
from domain.errors import CorruptHistory, Refused
from domain.sealed import Sealed


class Act(Struct, frozen=True, kw_only=True):
    """What every command and every event of a consultation says besides."""

    by: str
    """Pseudonym of the member of staff, or `system` for what the clock brings about."""


# --- events ----------------------------------------------------------------------------------------------------------


class Prepared(Act, frozen=True, tag="consultation.prepared.v1"):
    slug: str
    title: str
    language: str


class PoliciesAdopted(Act, frozen=True, tag="consultation.policies_adopted.v1"):
    mode: Mode
    second_look_s: int
    appeal_s: int
    readers: int
    lease_s: int
    length_min: int
    length_max: int
    retention_days: int


class CharterAdopted(Act, frozen=True, tag="consultation.charter_adopted.v1"):
    version: int
    clauses: tuple[Clause, ...]
    reason: str


class ThemeAdded(Act, frozen=True, tag="consultation.theme_added.v1"):
    theme: str
    title: str
    question: str
    opens: datetime
    closes: datetime


class MethodologyAdopted(Act, frozen=True, tag="consultation.methodology_adopted.v1"):
    version: int
    text: str
    reason: str


class CodebookAdopted(Act, frozen=True, tag="consultation.codebook_adopted.v1"):
    version: int
    codes: tuple[Code, ...]
    reason: str


class CommitmentMade(Act, frozen=True, tag="consultation.commitment_made.v1"):
    commitment: str
    text: str
    due: date


class Opened(Act, frozen=True, tag="consultation.opened.v1"):
    queue_seed_digest: bytes
    """SHA-256 of the 32 random bytes that order the readings: nobody can choose the order afterwards."""
    queue_seed: Sealed
    commitment: bytes


class ThemeOpened(Act, frozen=True, tag="consultation.theme_opened.v1"):
    theme: str


class ThemeExtended(Act, frozen=True, tag="consultation.theme_extended.v1"):
    theme: str
    closes: datetime
    reason: str


class ThemeClosed(Act, frozen=True, tag="consultation.theme_closed.v1"):
    theme: str


class Closed(Act, frozen=True, tag="consultation.closed.v1"):
    """The last window has passed."""


class ReadingsFinished(Act, frozen=True, tag="consultation.readings_finished.v1"):
    queue_seed: bytes
    seen: int
    """Position of the log at which nothing was left to read."""


class CommitteeConvened(Act, frozen=True, tag="consultation.committee_convened.v1"):
    meeting: str
    date: date


class SynthesisAdopted(Act, frozen=True, tag="consultation.synthesis_adopted.v1"):
    text: str


class CommitmentKept(Act, frozen=True, tag="consultation.commitment_kept.v1"):
    commitment: str
    evidence: str


Event = (
    Prepared | PoliciesAdopted | CharterAdopted | ThemeAdded | MethodologyAdopted | CodebookAdopted | CommitmentMade | Opened
    | ThemeOpened | ThemeExtended | ThemeClosed | Closed | ReadingsFinished | CommitteeConvened | SynthesisAdopted | CommitmentKept
)  # fmt: skip

# --- commands --------------------------------------------------------------------------------------------------------


class Prepare(Act, frozen=True):
    slug: str
    title: str
    language: str


class AdoptPolicies(Act, frozen=True):
    policies: Policies


class AdoptCharter(Act, frozen=True):
    clauses: tuple[Clause, ...]
    reason: str = ""


class AddTheme(Act, frozen=True):
    theme: str
    title: str
    question: str
    opens: datetime
    closes: datetime


class AdoptMethodology(Act, frozen=True):
    text: str
    reason: str = ""


class AdoptCodebook(Act, frozen=True):
    codes: tuple[Code, ...]
    reason: str = ""


class MakeCommitment(Act, frozen=True):
    commitment: str
    text: str
    due: date


class Open(Act, frozen=True):
    queue_seed_digest: bytes
    queue_seed: Sealed
    commitment: bytes


class OpenTheme(Act, frozen=True):
    theme: str
    now: datetime


class ExtendTheme(Act, frozen=True):
    theme: str
    closes: datetime
    reason: str


class CloseTheme(Act, frozen=True):
    theme: str
    now: datetime


class Close(Act, frozen=True):
    """Nothing is said beyond the act itself."""


class FinishReadings(Act, frozen=True):
    queue_seed: bytes
    outstanding: int
    """Contributions that lack a reading, or whose moderation is not settled, at the head of the log."""
    seen: int
    """Position of the log at which they were counted."""


class ConveneCommittee(Act, frozen=True):
    meeting: str
    date: date


class AdoptSynthesis(Act, frozen=True):
    text: str


class KeepCommitment(Act, frozen=True):
    commitment: str
    evidence: str


Command = (
    Prepare | AdoptPolicies | AdoptCharter | AddTheme | AdoptMethodology | AdoptCodebook | MakeCommitment | Open
    | OpenTheme | ExtendTheme | CloseTheme | Close | FinishReadings | ConveneCommittee | AdoptSynthesis | KeepCommitment
)  # fmt: skip

# --- states ----------------------------------------------------------------------------------------------------------


class Window(Struct, frozen=True):
    title: str
    opens: datetime
    closes: datetime
    phase: Literal["waiting", "open", "closed"] = "waiting"


class Adopted(Struct, frozen=True):
    """What has been adopted so far, whatever the phase."""

    slug: str
    title: str
    language: str
    policies: Policies | None = None
    charters: tuple[tuple[Clause, ...], ...] = ()
    """Every version in order: version n stands at index n - 1."""
    themes: Mapping[str, Window] = {}
    methodologies: int = 0
    codebooks: tuple[tuple[Code, ...], ...] = ()
    definitions: Mapping[str, str] = {}
    """Code to what it has meant since the opening, whatever version it stands in: nobody can have used it before."""
    commitments: Mapping[str, bool] = {}
    """Id to whether it has been kept."""
    meetings: frozenset[str] = frozenset()
    queue_seed_digest: bytes = b""


class Preparing(Struct, frozen=True):
    adopted: Adopted


class Running(Struct, frozen=True):
    """Opened; each theme follows its own window."""

    adopted: Adopted


class Over(Struct, frozen=True):
    adopted: Adopted
    readings_finished: bool = False
    synthesis: bool = False


Present = Preparing | Running | Over
State = Present | None
"""None: nothing has happened yet."""


def charter_in_force(state: Present) -> int:
    """The charter's version; 0 before one is adopted."""
    return len(state.adopted.charters)


def removable(state: Present, charter: int) -> frozenset[str]:
    """The clauses of a version of the charter that allow a removal."""
    return frozenset(clause.id for clause in state.adopted.charters[charter - 1] if clause.removal)


def policies(state: Present) -> Policies:
    """The policies in force. Raises Refused before they are adopted."""
    if state.adopted.policies is None:
        raise Refused("not-ready", missing=["policies"])
    return state.adopted.policies


def terms(state: Present) -> Terms:
    """What a deposit must satisfy now."""
    themes = state.adopted.themes
    lengths = policies(state)
    return Terms(
        frozenset(themes),
        frozenset(theme for theme, window in themes.items() if window.phase == "open"),
        charter_in_force(state),
        lengths.length_min,
        lengths.length_max,
        lengths.mode == "before",
    )


def codebook_in_force(state: Present) -> tuple[int, frozenset[str]]:
    """The codebook's version and its codes."""
    books = state.adopted.codebooks
    return len(books), frozenset(code.id for code in books[-1]) if books else frozenset()


def promise(due: date, kept_on: date | None, today: date) -> Literal["due", "late", "kept", "kept-late"]:
    """How a commitment stands on a day."""
    if kept_on is None:
        return "late" if today > due else "due"
    return "kept-late" if kept_on > due else "kept"


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that `command` causes in `state`; raises Refused where the rules do not allow it."""
    match state, command:
        case _, (Prepare(id_) | AddTheme(id_) | MakeCommitment(id_) | ConveneCommittee(id_)) if not well_formed(id_):
            raise Refused("identifier-malformed", field=command.__struct_fields__[0], value=id_)
        case None, Prepare(slug, title, language):
            return (Prepared(slug, title, language, by=command.by),)
        case None, _:
            raise Refused("not-now", state="nothing", command=type(command).__name__)
        case _, Prepare(slug):
            raise Refused("duplicate", field="slug", value=slug)

        case Preparing(), AdoptPolicies(p) if p.length_min > p.length_max:
            raise Refused("lengths-impossible", field="length_max")
        case Preparing(), AdoptPolicies(p):
            return (
                PoliciesAdopted(
                    p.mode,
                    p.second_look_s,
                    p.appeal_s,
                    p.readers,
                    p.lease_s,
                    p.length_min,
                    p.length_max,
                    p.retention_days,
                    by=command.by,
                ),
            )
        case _, AddTheme(opens=moment) if not within_reach(moment):
            raise Refused("moment-out-of-range", field="opens")
        case _, (AddTheme(closes=moment) | ExtendTheme(closes=moment)) if not within_reach(moment):
            raise Refused("moment-out-of-range", field="closes")
        case _, AdoptPolicies():
            raise Refused("appointed-before-opening", field="policies")
        case _, AdoptCharter(clauses, reason):
            _needs_a_reason(state, reason)
            _distinct("clauses", [clause.id for clause in clauses])
            return (CharterAdopted(len(state.adopted.charters) + 1, clauses, reason, by=command.by),)
        case _, AdoptMethodology(text, reason):
            _needs_a_reason(state, reason)
            return (MethodologyAdopted(state.adopted.methodologies + 1, text, reason, by=command.by),)
        case _, AdoptCodebook(codes, reason):
            _needs_a_reason(state, reason)
            _distinct("codes", [code.id for code in codes])
            _mean_what_they_meant(state, codes)
            return (CodebookAdopted(len(state.adopted.codebooks) + 1, codes, reason, by=command.by),)
        case Preparing(adopted), AddTheme(theme) if theme in adopted.themes:
            raise Refused("duplicate", field="theme", value=theme)
        case Preparing(), AddTheme(opens=opens, closes=closes) if closes <= opens:
            raise Refused("window-empty", field="closes", theme=command.theme)
        case Preparing(), AddTheme(theme, title, question, opens, closes):
            return (ThemeAdded(theme, title, question, opens, closes, by=command.by),)
        case _, AddTheme():
            raise Refused("appointed-before-opening", field="theme")
        case Preparing(adopted), MakeCommitment(commitment) if commitment in adopted.commitments:
            raise Refused("duplicate", field="commitment", value=commitment)
        case Preparing(), MakeCommitment(commitment, text, due):
            return (CommitmentMade(commitment, text, due, by=command.by),)
        case _, MakeCommitment():
            raise Refused("appointed-before-opening", field="commitment")

        case Preparing(adopted), Open(digest, seed, commitment):
            if missing := _missing(adopted):
                raise Refused("not-ready", missing=missing)
            return (Opened(digest, seed, commitment, by=command.by),)
        case Preparing(), _:
            raise Refused("not-open-yet", command=type(command).__name__)

        case Running(adopted), (OpenTheme(theme) | ExtendTheme(theme) | CloseTheme(theme)) if theme not in adopted.themes:
            raise Refused("unknown-theme", theme=theme)
        case Running(adopted), OpenTheme(theme) if adopted.themes[theme].phase != "waiting":
            raise Refused("theme-started", theme=theme)
        case Running(adopted), OpenTheme(theme, now) if now < adopted.themes[theme].opens:
            raise Refused("too-early", theme=theme, opens=adopted.themes[theme].opens)
        case Running(), OpenTheme(theme):
            return (ThemeOpened(theme, by=command.by),)
        case Running(adopted), (ExtendTheme(theme) | CloseTheme(theme)) if adopted.themes[theme].phase == "closed":
            raise Refused("theme-closed", theme=theme)
        case Running(), ExtendTheme(reason=reason) if not reason.strip():
            raise Refused("reason-missing", field="reason")
        case Running(adopted), ExtendTheme(theme, closes) if closes <= adopted.themes[theme].closes:
            raise Refused("closing-not-later", field="closes", theme=theme, closes=adopted.themes[theme].closes)
        case Running(), ExtendTheme(theme, closes, reason):
            return (ThemeExtended(theme, closes, reason, by=command.by),)
        case Running(adopted), CloseTheme(theme, now) if now < adopted.themes[theme].closes:
            raise Refused("too-early", theme=theme, closes=adopted.themes[theme].closes)
        case Running(), CloseTheme(theme):
            return (ThemeClosed(theme, by=command.by),)
        case Running(adopted), Close():
            if still := sorted(theme for theme, window in adopted.themes.items() if window.phase != "closed"):
                raise Refused("themes-open", themes=still)
            return (Closed(by=command.by),)
        case Over(), (OpenTheme() | ExtendTheme() | CloseTheme() | Close() | Open()):
            raise Refused("consultation-over")

        case Running(), (FinishReadings() | AdoptSynthesis()):
            raise Refused("consultation-running")
        case Over(readings_finished=True), FinishReadings():
            raise Refused("not-now", state="readings finished")
        case Over(), FinishReadings(outstanding=outstanding) if outstanding:
            raise Refused("readings-incomplete", outstanding=outstanding)
        case Over(adopted), FinishReadings(seed) if sha256(seed).digest() != adopted.queue_seed_digest:
            raise Refused("queue-seed-mismatch")
        case Over(), FinishReadings(seed, _, seen):
            return (ReadingsFinished(seed, seen, by=command.by),)
        case ((Running(adopted) | Over(adopted)), ConveneCommittee(meeting)) if meeting in adopted.meetings:
            raise Refused("duplicate", field="meeting", value=meeting)
        case ((Running() | Over()), ConveneCommittee(meeting, day)):
            return (CommitteeConvened(meeting, day, by=command.by),)
        case Over(synthesis=True), AdoptSynthesis():
            raise Refused("synthesis-adopted")
        case Over(), AdoptSynthesis(text):
            return (SynthesisAdopted(text, by=command.by),)
        case ((Running(adopted) | Over(adopted)), KeepCommitment(commitment)) if commitment not in adopted.commitments:
            raise Refused("unknown-commitment", commitment=commitment)
        case ((Running(adopted) | Over(adopted)), KeepCommitment(commitment)) if adopted.commitments[commitment]:
            raise Refused("already-kept", commitment=commitment)
        case ((Running() | Over()), KeepCommitment(commitment, evidence)):
            return (CommitmentKept(commitment, evidence, by=command.by),)
    raise Refused("not-now", state=type(state).__name__, command=type(command).__name__)


def _needs_a_reason(state: Preparing | Running | Over, reason: str) -> None:
    """After opening nothing that binds contributors changes without a word of why."""
    if not isinstance(state, Preparing) and not reason.strip():
        raise Refused("reason-missing", field="reason")


def _distinct(field: str, ids: list[str]) -> None:
    for id_ in ids:
        if not well_formed(id_.replace(".", "-")):
            raise Refused("identifier-malformed", field=field, value=id_)
        if ids.count(id_) > 1:
            raise Refused("duplicate", field=field, value=id_)


def _mean_what_they_meant(state: Present, codes: tuple[Code, ...]) -> None:
    """A code keeps its definition from the opening on, also while no codebook holds it; its label may be corrected.

    Another meaning takes another id: else readings under two versions would say different things by the same word.
    """
    if isinstance(state, Preparing):
        return
    for code in codes:
        if state.adopted.definitions.get(code.id, code.definition) != code.definition:
            raise Refused("code-redefined", field="codes", value=code.id)


def _missing(adopted: Adopted) -> list[str]:
    """What must still be adopted before opening."""
    parts = {
        "policies": adopted.policies, "charter": adopted.charters, "themes": adopted.themes,
        "methodology": adopted.methodologies, "codebook": adopted.codebooks, "commitments": adopted.commitments,
    }  # fmt: skip
    return [name for name, part in parts.items() if not part]


def evolve(state: State, event: Event) -> State:
    match state, event:
        case None, Prepared(slug, title, language):
            return Preparing(Adopted(slug, title, language))
        case Preparing(adopted), PoliciesAdopted(mode, second_look_s, appeal_s, readers, lease_s, shortest, longest, days):
            policies = Policies(mode, second_look_s, appeal_s, readers, lease_s, shortest, longest, days)
            return Preparing(replace(adopted, policies=policies))
        case Preparing(adopted), ThemeAdded(theme, title, _, opens, closes):
            return Preparing(replace(adopted, themes={**adopted.themes, theme: Window(title, opens, closes)}))
        case Preparing(adopted), CommitmentMade(commitment):
            return Preparing(replace(adopted, commitments={**adopted.commitments, commitment: False}))
        case Preparing(adopted), Opened(digest):
            return Running(replace(adopted, queue_seed_digest=digest, definitions=_definitions(*adopted.codebooks[-1:])))
        case ((Preparing(adopted) | Running(adopted) | Over(adopted)), CharterAdopted(_, clauses)):
            return replace(state, adopted=replace(adopted, charters=(*adopted.charters, clauses)))
        case ((Preparing(adopted) | Running(adopted) | Over(adopted)), MethodologyAdopted(version)):
            return replace(state, adopted=replace(adopted, methodologies=version))
        case Preparing(adopted), CodebookAdopted(_, codes):
            return Preparing(replace(adopted, codebooks=(*adopted.codebooks, codes)))
        case ((Running(adopted) | Over(adopted)), CodebookAdopted(_, codes)):
            definitions = {**adopted.definitions, **_definitions(codes)}
            return replace(state, adopted=replace(adopted, codebooks=(*adopted.codebooks, codes), definitions=definitions))
        case Running(adopted), ThemeOpened(theme):
            return Running(_with_window(adopted, theme, replace(adopted.themes[theme], phase="open")))
        case Running(adopted), ThemeExtended(theme, closes):
            return Running(_with_window(adopted, theme, replace(adopted.themes[theme], closes=closes)))
        case Running(adopted), ThemeClosed(theme):
            return Running(_with_window(adopted, theme, replace(adopted.themes[theme], phase="closed")))
        case Running(adopted), Closed():
            return Over(adopted)
        case Over(), ReadingsFinished():
            return replace(state, readings_finished=True)
        case Over(), SynthesisAdopted():
            return replace(state, synthesis=True)
        case ((Running(adopted) | Over(adopted)), CommitteeConvened(meeting)):
            return replace(state, adopted=replace(adopted, meetings=adopted.meetings | {meeting}))
        case ((Running(adopted) | Over(adopted)), CommitmentKept(commitment)):
            return replace(state, adopted=replace(adopted, commitments={**adopted.commitments, commitment: True}))
    raise CorruptHistory(state, event)


def _definitions(*codebooks: tuple[Code, ...]) -> dict[str, str]:
    return {code.id: code.definition for codes in codebooks for code in codes}


def _with_window(adopted: Adopted, theme: str, window: Window) -> Adopted:
    return replace(adopted, themes={**adopted.themes, theme: window})
