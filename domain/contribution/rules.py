"""What the charter and the policy allow."""

from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from domain.contribution.commands import (
    AnswerQuestion,
    Appeal,
    AskQuestion,
    AssignReading,
    AssignReview,
    CodeReading,
    Command,
    Erase,
    ExpireLease,
    Flag,
    Hide,
    Keep,
    LiftUnconfirmed,
    Recode,
    Review,
    SettleAppeal,
    Submit,
    Withdraw,
)  # fmt: skip
from domain.contribution.events import (
    CONTRIBUTOR,
    Appealed,
    AppealSettled,
    Coded,
    Erased,
    Event,
    Flagged,
    Hidden,
    HidingConfirmed,
    HidingDisputed,
    Kept,
    LeaseExpired,
    QuestionAnswered,
    QuestionAsked,
    ReadingAssigned,
    Recoded,
    Reinstated,
    ReviewAssigned,
    Submitted,
)  # fmt: skip
from domain.contribution.states import (
    Contested,
    Disputed,
    Dossier,
    Gone,
    Lease,
    Present,
    State,
    UnderAppeal,
    Unreviewed,
    Withheld,
    analysed,
    has_read,
    lease_of,
    look,
    reading_of,
    reading_owed,
    screening_owed,
    settled,
)  # fmt: skip
from domain.definition import SYSTEM
from domain.errors import Refused


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that `command` causes in `state`; raises Refused where the charter or the policy does not allow it."""
    match state, command:
        case None, Submit():
            return (_submitted(command),)
        case None, _:
            raise Refused("not-now", state="nothing", command=type(command).__name__)
        case _, (Appeal(code) | AnswerQuestion(code) | Withdraw(code)) if not compare_digest(code, state.dossier.code_digest):
            raise Refused("wrong-code")
        case Gone(), _:
            raise Refused("erased")
        case _, Submit():
            raise Refused("duplicate", field="Idempotency-Key")

        case _, Withdraw():
            return (Erased(CONTRIBUTOR, "withdrawal"),)
        case _, Erase(cause="withdrawal"):
            raise Refused("not-a-withdrawal", field="cause")
        case _, Erase(cause="request" | "legal-order", reason=None):
            raise Refused("reason-missing", field="reason")
        case _, Erase(publisher, cause, commitment, reason):
            return (Erased(publisher, cause, commitment, reason),)
        case _, Flag(rules) if not screening_owed(state, rules):
            raise Refused("already-screened", rules=rules)
        case _, Flag(rules, commitment, sealed):
            return (Flagged(rules, commitment, sealed),)

        case _, ExpireLease(assignment, now):
            return (_expired(state.dossier, assignment, now),)
        case _, AssignReview():
            return (_review_assigned(state, command),)
        case _, (Keep() | Hide() | Review() | SettleAppeal()):
            return _reviewed(state, command)
        case ((Contested(confirm_by=due) | Disputed(confirm_by=due)), LiftUnconfirmed(now)) if now >= due:
            return (Reinstated(SYSTEM, "unconfirmed"),)
        case ((Contested(confirm_by=due) | Disputed(confirm_by=due)), LiftUnconfirmed()):
            raise Refused("too-early", confirm_by=due)

        case Withheld(appeal_by=due), Appeal(now=now) if now > due:
            raise Refused("appeal-too-late", appeal_by=due)
        case Withheld(), Appeal(commitment=commitment, sealed=sealed):
            return (Appealed(commitment, sealed),)
        case _, Appeal() if state.dossier.appealed:
            raise Refused("already-appealed")

        case _, AssignReading():
            return (_reading_assigned(state, command),)
        case _, CodeReading():
            return (_coded(state.dossier, command),)
        case _, Recode():
            return (_recoded(state, command),)

        case _, AskQuestion(question) if question in state.dossier.asked:
            raise Refused("duplicate", field="question", value=question)
        case _, AskQuestion(question, asker, commitment, sealed):
            return (QuestionAsked(question, asker, commitment, sealed),)
        case _, AnswerQuestion(question=question) if question not in state.dossier.asked:
            raise Refused("unknown-question", question=question)
        case _, AnswerQuestion(question=question) if question in state.dossier.answered:
            raise Refused("already-answered", question=question)
        case _, AnswerQuestion(_, question, commitment, sealed):
            return (QuestionAnswered(question, commitment, sealed),)
    raise Refused("not-now", state=type(state).__name__, command=type(command).__name__)


def _submitted(command: Submit) -> Submitted:
    terms = command.terms
    if command.theme not in terms.themes:
        raise Refused("unknown-theme", field="theme", theme=command.theme)
    if command.theme not in terms.open_themes:
        raise Refused("theme-closed", field="theme", theme=command.theme)
    if command.charter != terms.charter:
        raise Refused("charter-superseded", field="charter", in_force=terms.charter)
    if not command.stripped_length:
        raise Refused("empty", field="text")
    if command.stripped_length < terms.length_min or command.length > terms.length_max:
        raise Refused("text-length", field="text", length=command.length, minimum=terms.length_min, maximum=terms.length_max)
    return Submitted(
        command.consultation, command.theme, command.charter, command.channel, command.actor, command.language, command.length,
        command.contact_left, terms.moderated_before, command.code_digest, command.commitment, command.sealed,
    )  # fmt: skip


def _review_assigned(state: Present, command: AssignReview) -> ReviewAssigned:
    owed = look(state)
    if owed is None:
        raise Refused("already-decided")
    if state.dossier.review is not None:
        raise Refused("already-assigned", expires=state.dossier.review.expires)
    if command.reviewer in state.dossier.took_part:
        raise Refused("took-part")
    _confirmable(state, command.now)
    expires = command.now + timedelta(seconds=command.lease_s)
    return ReviewAssigned(command.assignment, command.reviewer, owed, expires, command.seen)


def _reviewed(state: Present, command: Keep | Hide | Review | SettleAppeal) -> tuple[Event, ...]:
    """A reviewer's decision, taken under the lease that the queue gave."""
    if look(state) is None:
        raise Refused("already-decided")
    _holds(state.dossier.review, command.reviewer, command.now)
    _confirmable(state, command.now)
    match state, command:
        case Unreviewed(), Keep(reviewer):
            return (Kept(reviewer),)
        case Unreviewed(), Hide(clause=clause, removable=removable) if clause not in removable:
            raise Refused("clause-not-in-force", field="clause", clause=clause, charter=state.dossier.charter)
        case Unreviewed(dossier), Hide(reviewer, now, clause):
            confirm_by = now + timedelta(seconds=command.second_look_s)
            hidden = Hidden(
                reviewer,
                clause,
                dossier.charter,
                command.analysed,
                command.origin,
                confirm_by,
                command.commitment,
                command.statement,
            )
            return (hidden,)
        case ((Contested() | Disputed()), Review(reviewer, now, agrees=True)):
            return (HidingConfirmed(reviewer, now + timedelta(seconds=command.appeal_s)),)
        case Contested(), Review(reviewer):
            return (HidingDisputed(reviewer),)
        case Disputed(), Review(reviewer):
            return (Reinstated(reviewer, "third-look"),)
        case UnderAppeal(), SettleAppeal(reviewer, _, granted, commitment, statement):
            return (AppealSettled(reviewer, granted, commitment, statement),)
    raise Refused("not-now", state=type(state).__name__, command=type(command).__name__)


def _confirmable(state: Present, now: datetime) -> None:
    """A removal that nobody confirmed in time is lifted, whenever the clock comes to say so: no late look makes up for it."""
    if isinstance(state, Contested | Disputed) and now >= state.confirm_by:
        raise Refused("confirmation-too-late", confirm_by=state.confirm_by)


def _reading_assigned(state: Present, command: AssignReading) -> ReadingAssigned:
    dossier = state.dossier
    if not settled(state):
        raise Refused("not-moderated")
    if not analysed(state):
        raise Refused("contribution-not-analysed")
    if command.reader in has_read(dossier):
        raise Refused("already-read")
    round_ = reading_owed(state, command.readers)
    if round_ is None:
        raise Refused("reading-complete")
    expires = command.now + timedelta(seconds=command.lease_s)
    return ReadingAssigned(command.assignment, command.reader, round_, expires, command.seen)


def _coded(dossier: Dossier, command: CodeReading) -> Coded:
    _holds(lease_of(dossier, command.assignment), command.reader, command.now)
    _codes_stand(command)
    return Coded(command.assignment, command.reader, command.codebook, command.codes)


def _recoded(state: Present, command: Recode) -> Recoded:
    reading = reading_of(state.dossier, command.assignment)
    if reading is None or reading.reader != command.reader:
        raise Refused("not-the-reader")
    if not analysed(state):
        raise Refused("contribution-not-analysed")
    if reading.codebook >= command.codebook_in_force:
        raise Refused("already-coded", codebook=reading.codebook)
    _codes_stand(command)
    return Recoded(command.assignment, command.reader, command.codebook, command.codes)


def _codes_stand(command: CodeReading | Recode) -> None:
    """Codes are those of the codebook in force, each once, and at least one."""
    if command.codebook != command.codebook_in_force:
        raise Refused("codebook-superseded", field="codebook", in_force=command.codebook_in_force)
    if not command.codes:
        raise Refused("codes-missing", field="codes")
    if unknown := sorted(set(command.codes) - command.known):
        raise Refused("unknown-code", field="codes", codes=unknown)
    if len(set(command.codes)) < len(command.codes):
        raise Refused("duplicate", field="codes", value=list(command.codes))


def _holds(lease: Lease | None, who: str, now: datetime) -> None:
    """Decisions are taken on what the queue handed out, before it went back."""
    if lease is None or lease.holder != who:
        raise Refused("not-assigned")
    if now >= lease.expires:
        raise Refused("lease-expired", expires=lease.expires)


def _expired(dossier: Dossier, assignment: UUID, now: datetime) -> LeaseExpired:
    review = dossier.review if dossier.review is not None and dossier.review.assignment == assignment else None
    lease = review or lease_of(dossier, assignment)
    if lease is None:
        raise Refused("not-assigned", assignment=assignment)
    if now < lease.expires:
        raise Refused("too-early", expires=lease.expires)
    return LeaseExpired(assignment)
