"""Given these facts of a contribution, when its author or the publisher acts, then these events, and nothing else."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.contribution import (
    AnswerQuestion,
    Appeal,
    AppealSettled,
    AskQuestion,
    Erase,
    Erased,
    Event,
    ExpireLease,
    Flag,
    Flagged,
    Gone,
    Keep,
    Kept,
    LeaseExpired,
    Withdraw,
    analysed,
    decide,
    evolve,
    look,
    settled,
    visible,
)
from domain.errors import CorruptHistory
from domain.record import fold
from tests.domain.contributing import (
    ASSIGNED,
    CLEARED,
    CODE,
    COMMITMENT,
    CONTESTED,
    GONE,
    INSTANT,
    LEASE_ENDS,
    NEW,
    NOON,
    OTHER,
    QUESTION,
    STANDINGS,
    TERMS,
    WRONG,
    answered,
    appealed,
    asked,
    coded,
    confirmed,
    disputed,
    erased,
    flagged,
    given,
    hidden,
    kept,
    lent,
    lifted,
    reading,
    submit,
    submitted,
)
from tests.domain.grammar import SEALED, Accepts, Refuses, refusal

ASK = AskQuestion(QUESTION, "ada", COMMITMENT, SEALED)
ANSWER = AnswerQuestion(CODE, QUESTION, COMMITMENT, SEALED)
FLAG = Flag("rules-1", COMMITMENT, SEALED)
FLAG_AGAIN = Flag("rules-2", COMMITMENT, SEALED)
BY_ITS_CODE: tuple[Any, ...] = (Appeal(WRONG, NOON, COMMITMENT, SEALED), replace(ANSWER, code_digest=WRONG), Withdraw(WRONG))

ACCEPTED = [
    Accepts("a deposit is taken while its theme is open", None, submit(), (submitted,)),
    Accepts(
        "a deposit under a policy of moderation before publication is held",
        None,
        submit(terms=replace(TERMS, moderated_before=True)),
        (replace(submitted, held=True),),
    ),
    Accepts(
        "the longest text and the shortest are taken",
        None,
        submit(length=100, stripped_length=10),
        (replace(submitted, length=100),),
    ),
    *(
        Accepts(f"a {standing} contribution is withdrawn by its author", given(*facts), Withdraw(CODE),
                (erased,))
        for standing, facts in STANDINGS.items()
    ),
    *(
        Accepts(f"the publisher erases, cause {cause}, with a sealed reason", given(*CLEARED), Erase("karim", cause, COMMITMENT, SEALED),
                (Erased("karim", cause, COMMITMENT, SEALED),))
        for cause in ("request", "legal-order")
    ),
    Accepts("an erasure of the first shape did not say its cause", given(*CLEARED), Erase("karim", "unstated", b"", None),
            (Erased("karim", "unstated"),)),
    *(
        Accepts(f"a {standing} contribution is screened, however late", given(*facts), FLAG, (flagged,))
        for standing, facts in STANDINGS.items()
    ),
    Accepts("later rules screen anew what waits for its first look", given(*NEW, flagged), FLAG_AGAIN, (Flagged("rules-2", COMMITMENT, SEALED),)),
    Accepts("a question is asked", given(*CLEARED), ASK, (asked,)),
    Accepts("an author answers", given(*CLEARED, asked), ANSWER, (answered,)),
    Accepts("a review that nobody gave back expires", given(submitted, lent("mona")), ExpireLease(ASSIGNED, LEASE_ENDS), (LeaseExpired(ASSIGNED),)),
    Accepts("a reading that nobody gave back expires", given(*CLEARED, reading("ada")), ExpireLease(ASSIGNED, LEASE_ENDS), (LeaseExpired(ASSIGNED),)),
]  # fmt: skip

REFUSED = [
    Refuses("nothing comes before the deposit", None, Keep("mona", NOON), "not-now", {"state": "nothing", "command": "Keep"}),
    Refuses("a theme belongs to the consultation", None, submit(theme="music"), "unknown-theme", {"field": "theme", "theme": "music"}),
    Refuses("a theme outside its window takes nothing", None, submit(theme="data"), "theme-closed", {"field": "theme", "theme": "data"}),
    Refuses("consent is given to the charter in force", None, submit(charter=1), "charter-superseded", {"field": "charter", "in_force": 2}),
    Refuses("consent is not given to a charter to come", None, submit(charter=3), "charter-superseded"),
    Refuses("blanks alone say nothing", None, submit(length=40, stripped_length=0), "empty", {"field": "text"}),
    Refuses("too short a text", None, submit(stripped_length=9), "text-length", {"field": "text", "minimum": 10}),
    Refuses("too long a text", None, submit(length=101), "text-length", {"field": "text", "length": 101, "maximum": 100}),
    Refuses("a key makes one deposit", given(*NEW), submit(), "duplicate", {"field": "Idempotency-Key"}),
    *(
        Refuses(f"{type(command).__name__} needs the code of the receipt", given(*CLEARED), command, "wrong-code")
        for command in BY_ITS_CODE
    ),
    Refuses("the publisher says why it erases", given(*CLEARED), Erase("karim", "request", b"", None), "reason-missing", {"field": "reason"}),
    Refuses("the publisher withdraws nothing", given(*CLEARED), Erase("karim", "withdrawal", COMMITMENT, SEALED), "not-a-withdrawal",
            {"field": "cause"}),
    *(
        Refuses(f"{type(command).__name__} finds nothing once it is erased", given(*GONE), command, "erased")
        for command in (submit(), Withdraw(CODE), Erase("karim", "request", COMMITMENT, SEALED), Keep("mona", NOON), ASK, ANSWER, FLAG)
    ),
    Refuses("the same rules screen a text once", given(*NEW, flagged), FLAG, "already-screened", {"rules": "rules-1"}),
    Refuses("the same rules screen a text once, whatever came after", given(*NEW, flagged, lent("mona"), kept), FLAG, "already-screened"),
    Refuses("no rules come back after later ones", given(*NEW, flagged, Flagged("rules-2", COMMITMENT, SEALED)), FLAG, "already-screened"),
    *(
        Refuses(f"later rules leave a {standing} contribution alone", given(*facts, flagged), FLAG_AGAIN, "already-screened")
        for standing, facts in STANDINGS.items()
        if standing != "new"
    ),
    Refuses("a wrong code tells nothing of what is erased", given(*GONE), Withdraw(WRONG), "wrong-code"),
    Refuses("a question has an identifier of its own", given(*CLEARED, asked), ASK, "duplicate", {"field": "question"}),
    Refuses("an answer meets its question", given(*CLEARED), ANSWER, "unknown-question", {"question": QUESTION}),
    Refuses("a question is answered once", given(*CLEARED, asked, answered), ANSWER, "already-answered", {"question": QUESTION}),
    Refuses("a lease lasts as long as was said", given(submitted, lent("mona")), ExpireLease(ASSIGNED, LEASE_ENDS - INSTANT), "too-early",
            {"expires": LEASE_ENDS}),
    Refuses("a reading lasts as long as was said", given(*CLEARED, reading("ada")), ExpireLease(ASSIGNED, LEASE_ENDS - INSTANT), "too-early"),
    Refuses("only what was lent expires", given(submitted, lent("mona")), ExpireLease(OTHER, LEASE_ENDS), "not-assigned", {"assignment": OTHER}),
    Refuses("what was decided on is lent no longer", given(*CLEARED), ExpireLease(ASSIGNED, LEASE_ENDS), "not-assigned"),
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


@pytest.mark.parametrize("standing", STANDINGS)
def test_erasure_leaves_nothing_to_see_to_read_or_to_review(standing: str) -> None:
    state = given(*STANDINGS[standing], erased)

    assert isinstance(state, Gone)
    assert (visible(state), analysed(state), settled(state), look(state)) == (False, False, False, None)


def test_erasure_ends_the_leases() -> None:
    state = given(*CLEARED, reading("ada"), erased)

    assert isinstance(state, Gone)
    assert state.dossier.leases == ()
    assert state.dossier.review is None


@pytest.mark.parametrize("standing", STANDINGS)
def test_an_answer_an_expired_lease_and_a_flag_move_no_decision(standing: str) -> None:
    before = given(*STANDINGS[standing])
    after = given(*STANDINGS[standing], asked, answered, flagged)

    assert type(before) is type(after)
    assert (visible(before), analysed(before), look(before)) == (visible(after), analysed(after), look(after))


@pytest.mark.parametrize(
    ("history", "event"),
    [
        ((), kept),
        (NEW, submitted),
        (CLEARED, kept),
        (NEW, confirmed),
        (NEW, disputed),
        (NEW, lifted),
        (CLEARED, lifted),
        (CLEARED, hidden),
        (CLEARED, appealed),
        (CONTESTED, appealed),
        (CONTESTED, AppealSettled("olga", True, COMMITMENT, SEALED)),
        (NEW, LeaseExpired(ASSIGNED)),
        (CLEARED, coded("ada", "access")),
        ((submitted, lent("mona")), lent("nils")),
        ((submitted, flagged), flagged),
        (GONE, flagged),
        (GONE, erased),
        (GONE, Kept("mona")),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else f"after {len(value)} events",
)
def test_a_history_that_no_decision_leads_to_is_refused(history: tuple[Event, ...], event: Event) -> None:
    with pytest.raises(CorruptHistory):
        evolve(given(*history), event)
