"""The command that an event came from, with the facts that the log gives: asked again, the rules must lead to the same event.

The moment at which a command was decided is not recorded, only the one at which its event was. Where an event tells a delay, the moment
follows from it, and where it cannot be the rules lead to another delay; elsewhere the rules are asked at that end of the grace which speaks for the event.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain import consultation, contribution, proposal, publication
from domain.contribution import Gone, Present, Terms
from domain.definition import Policies
from domain.record import Recorded
from domain.treatment.deciding import GRACE, decided_at
from domain.treatment.known import Known

_NOWHERE: Final = Terms(frozenset(), frozenset(), 0, 0, 0, moderated_before=False)
"""Of a consultation that is not there."""
Command = consultation.Command | contribution.Command | proposal.Command | publication.Command


def cause(known: Known, recorded: Recorded, state: Any) -> Command | None:
    """The command; None for an event that carries nothing the rules could refuse beyond what cannot follow `state`. Raises Refused, OverflowError."""
    concept = recorded.topic.partition(".")[0]
    return _CAUSES[concept](known, recorded, state)


def _of_consultation(known: Known, recorded: Recorded, _: consultation.State) -> consultation.Command | None:
    event: Any = recorded.event
    late, by = recorded.recorded_at + GRACE, event.by
    match event:
        case consultation.Prepared(slug, title, language):
            return consultation.Prepare(slug, title, language, by=by)
        case consultation.PoliciesAdopted(mode, second_look_s, appeal_s, readers, lease_s, shortest, longest, days):
            policies = Policies(mode, second_look_s, appeal_s, readers, lease_s, shortest, longest, days)
            return consultation.AdoptPolicies(policies, by=by)
        case consultation.CharterAdopted(_, clauses, reason):
            return consultation.AdoptCharter(clauses, reason, by=by)
        case consultation.ThemeAdded(theme, title, question, opens, closes):
            return consultation.AddTheme(theme, title, question, opens, closes, by=by)
        case consultation.MethodologyAdopted(_, text, reason):
            return consultation.AdoptMethodology(text, reason, by=by)
        case consultation.CodebookAdopted(_, codes, reason):
            return consultation.AdoptCodebook(codes, reason, by=by)
        case consultation.CommitmentMade(commitment, text, due):
            return consultation.MakeCommitment(commitment, text, due, by=by)
        case consultation.Opened(digest, seed, commitment):
            return consultation.Open(digest, seed, commitment, by=by)
        case consultation.ThemeOpened(theme):
            return consultation.OpenTheme(theme, late, by=by)
        case consultation.ThemeExtended(theme, closes, reason):
            return consultation.ExtendTheme(theme, closes, reason, by=by)
        case consultation.ThemeClosed(theme):
            return consultation.CloseTheme(theme, late, by=by)
        case consultation.Closed():
            return consultation.Close(by=by)
        case consultation.ReadingsFinished(seed, seen):
            return consultation.FinishReadings(seed, known.standings[recorded.consultation].owed(seen), seen, by=by)
        case consultation.CommitteeConvened(meeting, day):
            return consultation.ConveneCommittee(meeting, day, by=by)
        case consultation.SynthesisAdopted(text):
            return consultation.AdoptSynthesis(text, by=by)
        case consultation.CommitmentKept(commitment, evidence):
            return consultation.KeepCommitment(commitment, evidence, by=by)
    return None


def _of_contribution(known: Known, recorded: Recorded, state: contribution.State) -> contribution.Command | None:
    event: Any = recorded.event
    if isinstance(event, contribution.Submitted):
        terms = known.terms(event.consultation)
        return _deposit(event, _NOWHERE if terms is None else consultation.terms(terms))
    if state is None or isinstance(state, Gone):
        return contribution.Withdraw(state.dossier.code_digest) if state else contribution.Withdraw(b"")
    terms, early, late = known.terms(state.dossier.consultation), recorded.recorded_at - GRACE, recorded.recorded_at + GRACE
    match event:
        case contribution.Flagged(rules, commitment, sealed):
            return contribution.Flag(rules, commitment, sealed)
        case contribution.LeaseExpired(assignment):
            return contribution.ExpireLease(assignment, late)
        case contribution.Kept(reviewer):
            return contribution.Keep(reviewer, early)
        case contribution.HidingDisputed(reviewer):
            return contribution.Review(reviewer, early, agrees=False, appeal_s=0)
        case contribution.Reinstated(by, "third-look"):
            return contribution.Review(by, early, agrees=False, appeal_s=0)
        case contribution.Reinstated():
            return contribution.LiftUnconfirmed(late)
        case contribution.Appealed(commitment, sealed):
            return contribution.Appeal(state.dossier.code_digest, early, commitment, sealed)
        case contribution.AppealSettled(reviewer, granted, commitment, statement):
            return contribution.SettleAppeal(reviewer, early, granted, commitment, statement)
        case contribution.QuestionAsked(question, asker, commitment, sealed):
            return contribution.AskQuestion(question, asker, commitment, sealed)
        case contribution.QuestionAnswered(question, commitment, sealed):
            return contribution.AnswerQuestion(state.dossier.code_digest, question, commitment, sealed)
        case contribution.Erased(cause="withdrawal"):
            return contribution.Withdraw(state.dossier.code_digest)
        case contribution.Erased(by, cause, commitment, reason):
            return contribution.Erase(by, cause, commitment, reason)
    return None if terms is None else _under_policies(event, recorded, state, terms)


def _deposit(event: contribution.Submitted, terms: Terms) -> contribution.Submit:
    """White space around the text is sealed with it: whether it was long enough without is taken from the service."""
    return contribution.Submit(
        event.consultation, event.theme, event.charter, event.channel, event.actor, event.language, event.length, event.length,
        event.contact_left, event.code_digest, event.commitment, event.sealed, terms,
    )  # fmt: skip


def _under_policies(event: Any, recorded: Recorded, state: Present, terms: consultation.Present) -> contribution.Command | None:
    policies, early = consultation.policies(terms), recorded.recorded_at - GRACE
    match event:
        case contribution.ReviewAssigned(assignment, reviewer, _, expires, seen):
            now = decided_at(recorded.recorded_at, expires, policies.lease_s)
            return contribution.AssignReview(assignment, reviewer, now, policies.lease_s, seen)
        case contribution.ReadingAssigned(assignment, reader, _, expires, seen):
            now = decided_at(recorded.recorded_at, expires, policies.lease_s)
            return contribution.AssignReading(assignment, reader, now, policies.lease_s, policies.readers, seen)
        case contribution.Hidden(reviewer, clause, _, analysed, origin, confirm_by, commitment, statement):
            now, removable = (
                decided_at(recorded.recorded_at, confirm_by, policies.second_look_s),
                _removable(terms, state.dossier.charter),
            )
            return contribution.Hide(
                reviewer, now, clause, removable, analysed, policies.second_look_s, commitment, statement, origin
            )
        case contribution.HidingConfirmed(reviewer, appeal_by):
            now = decided_at(recorded.recorded_at, appeal_by, policies.appeal_s)
            return contribution.Review(reviewer, now, agrees=True, appeal_s=policies.appeal_s)
        case contribution.Coded(assignment, reader, codebook, codes):
            in_force, known = consultation.codebook_in_force(terms)
            return contribution.CodeReading(assignment, reader, early, codebook, codes, in_force, known)
        case contribution.Recoded(assignment, reader, codebook, codes):
            in_force, known = consultation.codebook_in_force(terms)
            return contribution.Recode(assignment, reader, codebook, codes, in_force, known)
    return None


def _removable(terms: consultation.Present, charter: int) -> frozenset[str]:
    """A deposit under a charter that never was is a departure of its own."""
    return consultation.removable(terms, charter) if 1 <= charter <= len(terms.adopted.charters) else frozenset()


def _of_proposal(known: Known, recorded: Recorded, state: proposal.State) -> proposal.Command | None:
    event: Any = recorded.event
    slug = event.consultation if isinstance(event, proposal.Drafted) else state.consultation if state else recorded.consultation
    terms = known.terms(slug)
    match event:
        case proposal.Drafted(_, theme, title, text, analyst):
            themes = frozenset(terms.adopted.themes if terms else ())
            return proposal.DraftProposal(slug, theme, title, text, analyst, themes)
        case proposal.Revised(title, text, reason, analyst):
            return proposal.Revise(title, text, reason, analyst)
        case proposal.ContributionLinked(stream, analyst):
            analysed = frozenset({stream} if known.analysed(slug, stream) else ())
            return proposal.Link((stream,), analyst, analysed)
        case proposal.ContributionUnlinked(stream, reason, analyst):
            return proposal.Unlink(stream, reason, analyst)
        case proposal.Submitted(meeting, secretary):
            return proposal.Submit(meeting, secretary, terms.adopted.meetings if terms else frozenset())
        case proposal.OpinionGiven(meeting, favourable, opinion, secretary):
            return proposal.GiveOpinion(meeting, favourable, opinion, secretary)
        case proposal.Arbitrated(outcome, motive, coverage, why_not_waited, arbiter):
            closed = isinstance(terms, consultation.Over)
            return proposal.Arbitrate(outcome, motive, arbiter, coverage, closed, why_not_waited)
        case proposal.ProgressReported(text, publisher):
            return proposal.ReportProgress(text, publisher)
    return None


def _of_publication(known: Known, recorded: Recorded, state: publication.State) -> publication.Command | None:
    event: Any = recorded.event
    match event:
        case publication.Prepared(slug, kind, position, digest, publisher, seen):
            standings = known.standings[slug]
            return publication.Prepare(
                slug, kind, position, digest, publisher, seen, known.closed(slug, position), standings.outstanding(position),
                standings.concealed(position, seen),
            )  # fmt: skip
        case publication.Published(location, publisher) if isinstance(state, publication.Ready):
            concealed = known.standings[state.consultation].concealed_since(state.position, state.seen)
            return publication.Publish(location, publisher, concealed)
        case publication.Published(location, publisher):
            return publication.Publish(location, publisher, 0)
        case publication.Superseded(by, reason, publisher):
            return publication.Supersede(recorded.stream, by, reason, publisher, known.successor(by))
    return None


_CAUSES: Final[Mapping[str, Callable[[Known, Recorded, Any], Command | None]]] = {
    "consultation": _of_consultation, "contribution": _of_contribution, "proposal": _of_proposal, "publication": _of_publication,
}  # fmt: skip
