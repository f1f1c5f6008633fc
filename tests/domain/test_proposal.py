"""Given these facts of a proposal, when an analyst, the secretary or the committee acts, then these events, and nothing else."""

from typing import get_args
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.errors import CorruptHistory
from domain.proposal import (
    Arbitrate,
    Arbitrated,
    ContributionLinked,
    ContributionUnlinked,
    Coverage,
    Drafted,
    DraftProposal,
    Event,
    GiveOpinion,
    Link,
    OpinionGiven,
    Outcome,
    ProgressReported,
    ReportProgress,
    Revise,
    Revised,
    State,
    Submit,
    Submitted,
    Unlink,
    decide,
    evolve,
)
from domain.record import fold
from tests.domain.grammar import Accepts, Refuses, refusal

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
FULL = Coverage(40, 40, 900)
PARTIAL = Coverage(39, 40, 900)
MEETINGS = frozenset({"spring"})

drafted = Drafted("culture", "archives", "Tout garder", "Sans tri.", "ada")
linked = ContributionLinked(A, "ada")
submitted = Submitted("spring", "secretary-1")
advised = OpinionGiven("spring", True, "Favorable.", "secretary-1")
retained = Arbitrated("retained", "Utile.", FULL, "", "jules")
rejected = replace(retained, outcome="rejected")

DRAFT = (drafted, linked)
BEFORE = (*DRAFT, submitted)
ADVISED = (*BEFORE, advised)
DECIDED = (*ADVISED, retained)
REJECTED = (*ADVISED, rejected)


def given(*events: Event) -> State:
    state: State = None
    for event in events:
        state = evolve(state, event)
    return state


DRAFTING = DraftProposal("culture", "archives", "Tout garder", "Sans tri.", "ada", frozenset({"archives", "data"}))
REVISE = Revise("Presque tout", "Après tri.", "Le coût.", "bob")
ARBITRATE = Arbitrate("retained", "Utile.", "jules", FULL, consultation_closed=True)
EVERY_COMMAND = (
    DRAFTING,
    REVISE,
    Link((B,), "ada", frozenset({B})),
    Unlink(A, "Pourquoi.", "ada"),
    Submit("spring", "secretary-1", MEETINGS),
    GiveOpinion("spring", True, "Favorable.", "secretary-1"),
    ARBITRATE,
    ReportProgress("Commencé.", "publisher-1"),
)

ACCEPTED = [
    Accepts("a proposal is drafted in a theme", None, DRAFTING, (drafted,)),
    Accepts("a draft is revised, with a reason", given(drafted), REVISE, (Revised("Presque tout", "Après tri.", "Le coût.", "bob"),)),
    Accepts(
        "a draft rests on contributions under analysis",
        given(drafted),
        Link((A, B), "ada", frozenset({A, B, C})),
        (linked, ContributionLinked(B, "ada")),
    ),
    Accepts("a link is taken back, with a reason", given(*DRAFT), Unlink(A, "Hors sujet.", "bob"), (ContributionUnlinked(A, "Hors sujet.", "bob"),)),
    Accepts(
        "what was unlinked may be linked again",
        given(*DRAFT, ContributionUnlinked(A, "Hors sujet.", "bob")),
        Link((A,), "ada", frozenset({A})),
        (linked,),
    ),
    Accepts("a draft goes before the committee", given(*DRAFT), Submit("spring", "secretary-1", MEETINGS), (submitted,)),
    Accepts("the committee gives its opinion", given(*BEFORE), GiveOpinion("spring", True, "Favorable.", "secretary-1"), (advised,)),
    Accepts("the committee may advise against", given(*BEFORE), GiveOpinion("spring", False, "Non.", "secretary-1"), (OpinionGiven("spring", False, "Non.", "secretary-1"),)),
    *(
        Accepts(f"a proposal is {outcome} with a motive", given(*ADVISED), replace(ARBITRATE, outcome=outcome), (replace(retained, outcome=outcome),))
        for outcome in get_args(Outcome)
    ),
    Accepts(
        "below full coverage a decision says why it did not wait",
        given(*ADVISED),
        replace(ARBITRATE, coverage=PARTIAL, why_not_waited="Le calendrier."),
        (replace(retained, coverage=PARTIAL, why_not_waited="Le calendrier."),),
    ),
    Accepts(
        "at full coverage there is nothing that it did not wait for",
        given(*ADVISED),
        replace(ARBITRATE, why_not_waited="Le calendrier."),
        (retained,),
    ),
    Accepts("a theme in which nothing counts is covered", given(*ADVISED), replace(ARBITRATE, coverage=Coverage(0, 0, 900)), (replace(retained, coverage=Coverage(0, 0, 900)),)),
    Accepts("progress is reported on what was retained", given(*DECIDED), ReportProgress("Commencé.", "publisher-1"), (ProgressReported("Commencé.", "publisher-1"),)),
    Accepts(
        "progress is reported on what was amended, again and again",
        given(*ADVISED, replace(retained, outcome="amended"), ProgressReported("Commencé.", "publisher-1")),
        ReportProgress("Fini.", "publisher-1"),
        (ProgressReported("Fini.", "publisher-1"),),
    ),
]  # fmt: skip

REFUSED = [
    Refuses("a proposal belongs to a theme", None, replace(DRAFTING, theme="music"), "unknown-theme", {"field": "theme", "theme": "music"}),
    *(
        Refuses(f"{type(command).__name__} needs a draft", None, command, "not-now", {"state": "nothing"})
        for command in EVERY_COMMAND[1:]
    ),
    Refuses("a proposal is drafted once", given(*DRAFT), DRAFTING, "not-now", {"state": "Draft"}),
    Refuses("a revision says why", given(*DRAFT), replace(REVISE, reason=" "), "reason-missing", {"field": "reason"}),
    Refuses("taking a link back says why", given(*DRAFT), Unlink(A, "\n", "ada"), "reason-missing", {"field": "reason"}),
    Refuses("a contribution is linked once", given(*DRAFT), Link((B, A), "ada", frozenset({A, B})), "already-linked", {"contributions": [A]}),
    Refuses("a contribution is linked once in one request", given(drafted), Link((B, B), "ada", frozenset({B})), "already-linked", {"contributions": [B]}),
    Refuses(
        "only contributions under analysis support a proposal, and none is linked when one is not",
        given(*DRAFT),
        Link((C, B), "ada", frozenset({A})),
        "contribution-not-analysed",
        {"contributions": [B, C]},
    ),
    Refuses("only a link is taken back", given(*DRAFT), Unlink(B, "Hors sujet.", "ada"), "not-linked", {"contribution": B}),
    Refuses("a proposal rests on a contribution", given(drafted), Submit("spring", "secretary-1", MEETINGS), "no-contribution-linked"),
    Refuses(
        "a proposal whose last link was taken back rests on nothing",
        given(*DRAFT, ContributionUnlinked(A, "Hors sujet.", "bob")),
        Submit("spring", "secretary-1", MEETINGS),
        "no-contribution-linked",
    ),
    Refuses("a proposal goes before a meeting that was convened", given(*DRAFT), Submit("autumn", "secretary-1", MEETINGS), "unknown-meeting", {"field": "meeting", "meeting": "autumn"}),
    *(
        Refuses(f"{type(command).__name__} changes nothing before the committee", given(*BEFORE), command, "not-now", {"state": "BeforeCommittee"})
        for command in EVERY_COMMAND[:5]
    ),
    Refuses("the opinion is that of its own meeting", given(*BEFORE), GiveOpinion("autumn", True, "Oui.", "secretary-1"), "other-meeting", {"field": "meeting", "meeting": "spring"}),
    Refuses("an opinion needs a submission", given(*DRAFT), GiveOpinion("spring", True, "Oui.", "secretary-1"), "not-now"),
    Refuses("an opinion is given once", given(*ADVISED), GiveOpinion("spring", True, "Oui.", "secretary-1"), "not-now", {"state": "Advised"}),
    Refuses("a draft is not arbitrated", given(*DRAFT), ARBITRATE, "opinion-missing"),
    Refuses("the committee gives its opinion first", given(*BEFORE), ARBITRATE, "opinion-missing"),
    Refuses("arbitration waits until the consultation has closed", given(*ADVISED), replace(ARBITRATE, consultation_closed=False), "consultation-running"),
    Refuses("a decision has a motive", given(*ADVISED), replace(ARBITRATE, motive="  "), "reason-missing", {"field": "motive"}),
    Refuses(
        "below full coverage a decision that does not say why it did not wait",
        given(*ADVISED),
        replace(ARBITRATE, coverage=PARTIAL, why_not_waited=" "),
        "coverage-incomplete",
        {"field": "why_not_waited", "read": 39, "analysed": 40},
    ),
    *(
        Refuses(f"{type(command).__name__} comes too late once it is decided", given(*DECIDED), command, "not-now", {"state": "Decided"})
        for command in EVERY_COMMAND[:7]
    ),
    Refuses("progress waits for a decision", given(*ADVISED), ReportProgress("Commencé.", "publisher-1"), "not-now"),
    Refuses("what was rejected makes no progress", given(*REJECTED), ReportProgress("Commencé.", "publisher-1"), "not-retained"),
]  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_accepts(case: Accepts) -> None:
    assert decide(case.state, case.command) == case.events


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.rule)
def test_refuses(case: Refuses) -> None:
    refused = refusal(decide, case)

    assert refused.code == case.code
    assert {name: refused.details.get(name) for name in case.details} == case.details


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_what_was_decided_can_be_folded(case: Accepts) -> None:
    assert fold(evolve, case.events, case.state) is not None


@pytest.mark.parametrize(
    ("history", "event"),
    [
        ((), linked),
        (DRAFT, drafted),
        (DRAFT, advised),
        (BEFORE, linked),
        (BEFORE, retained),
        (ADVISED, submitted),
        (ADVISED, ProgressReported("Commencé.", "publisher-1")),
        (DECIDED, retained),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else f"after {len(value)} events",
)
def test_a_history_that_no_decision_leads_to_is_refused(history: tuple[Event, ...], event: Event) -> None:
    with pytest.raises(CorruptHistory):
        evolve(given(*history), event)
