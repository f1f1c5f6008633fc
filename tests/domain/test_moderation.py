"""Given these facts of a contribution, when a moderator, its author or the clock acts, then these events, and nothing else."""

import pytest
from msgspec.structs import replace

from domain.contribution import (
    Appeal,
    AssignReview,
    Cleared,
    Event,
    Hide,
    HidingConfirmed,
    Keep,
    LeaseExpired,
    LiftUnconfirmed,
    Look,
    Reinstated,
    Review,
    ReviewAssigned,
    SettleAppeal,
    analysed,
    decide,
    evolve,
    look,
    settled,
    visible,
)
from domain.record import fold
from tests.domain.contributing import (
    APPEAL_BY,
    APPEAL_S,
    APPEALED,
    ASSIGNED,
    CLAUSES,
    CLEARED,
    CODE,
    COMMITMENT,
    CONFIRM_BY,
    CONTESTED,
    DISPUTED,
    EXCLUDED,
    GRANTED,
    INSTANT,
    LEASE_ENDS,
    LEASE_S,
    NEW,
    NOON,
    SECOND_LOOK_S,
    STANDINGS,
    WITHHELD,
    appealed,
    confirmed,
    disputed,
    given,
    granted,
    hidden,
    kept,
    lent,
    lifted,
    rejected,
    submitted,
)
from tests.domain.grammar import SEALED, Accepts, Refuses, refusal

NEXT = ASSIGNED
BY_THIRD = Reinstated("olga", "third-look")


def take(reviewer: str) -> AssignReview:
    return AssignReview(NEXT, reviewer, NOON, LEASE_S, 40)


def hide(reviewer: str = "mona", clause: str = "3.cordial", *, counts: bool = False) -> Hide:
    return Hide(reviewer, NOON, clause, CLAUSES, counts, SECOND_LOOK_S, COMMITMENT, SEALED)


def review(reviewer: str, *, agrees: bool) -> Review:
    return Review(reviewer, NOON, agrees, APPEAL_S)


def settle(reviewer: str, *, grants: bool) -> SettleAppeal:
    return SettleAppeal(reviewer, NOON, grants, COMMITMENT, SEALED)


def lift_at(now: object) -> LiftUnconfirmed:
    return LiftUnconfirmed(now)  # type: ignore[arg-type] # a moment


APPEAL = Appeal(CODE, NOON, COMMITMENT, SEALED)
HELD_FIRST = (submitted, lent("mona"))
HELD_SECOND = (*CONTESTED, lent("nils", "second"))
HELD_THIRD = (*DISPUTED, lent("olga", "third"))
LATE_SECOND = (*CONTESTED, replace(lent("nils", "second"), expires=CONFIRM_BY + INSTANT))
LATE_THIRD = (*DISPUTED, replace(lent("olga", "third"), expires=CONFIRM_BY + INSTANT))
HELD_APPEAL = (*APPEALED, lent("olga", "appeal"))


def assigned(reviewer: str, which: Look) -> ReviewAssigned:
    return ReviewAssigned(NEXT, reviewer, which, LEASE_ENDS, 40)


ACCEPTED = [
    Accepts("a new contribution is owed a first look", given(*NEW), take("mona"), (assigned("mona", "first"),)),
    Accepts("a removal is owed a second look", given(*CONTESTED), take("nils"), (assigned("nils", "second"),)),
    Accepts("a dispute is owed a third look", given(*DISPUTED), take("olga"), (assigned("olga", "third"),)),
    Accepts("an appeal is owed a look of its own", given(*APPEALED), take("olga"), (assigned("olga", "appeal"),)),
    Accepts(
        "an expired look is lent again", given(*HELD_FIRST, LeaseExpired(ASSIGNED)), take("nils"), (assigned("nils", "first"),)
    ),
    Accepts("the first look keeps", given(*HELD_FIRST), Keep("mona", NOON), (kept,)),
    Accepts("the first look hides under a clause", given(*HELD_FIRST), hide(), (hidden,)),
    Accepts(
        "what is hidden may still count in the analysis", given(*HELD_FIRST), hide(counts=True), (replace(hidden, analysed=True),)
    ),
    Accepts("the second look confirms", given(*HELD_SECOND), review("nils", agrees=True), (confirmed,)),
    Accepts("the second look disputes", given(*HELD_SECOND), review("nils", agrees=False), (disputed,)),
    Accepts("the third look confirms", given(*HELD_THIRD), review("olga", agrees=True), (HidingConfirmed("olga", APPEAL_BY),)),
    Accepts("the third look reinstates", given(*HELD_THIRD), review("olga", agrees=False), (BY_THIRD,)),
    *(
        Accepts(
            f"a removal is confirmed until its time is up: {who}",
            given(*facts),
            replace(review(who, agrees=True), now=CONFIRM_BY - INSTANT),
            (HidingConfirmed(who, APPEAL_BY + (CONFIRM_BY - INSTANT - NOON)),),
        )
        for facts, who in ((LATE_SECOND, "nils"), (LATE_THIRD, "olga"))
    ),
    Accepts(
        "a tool may have proposed what a person hides",
        given(*HELD_FIRST),
        replace(hide(), origin="automated"),
        (replace(hidden, origin="automated"),),
    ),
    Accepts("a removal that nobody confirmed is lifted", given(*CONTESTED), lift_at(CONFIRM_BY), (lifted,)),
    Accepts("a removal still in dispute is lifted too", given(*DISPUTED), lift_at(CONFIRM_BY), (lifted,)),
    Accepts("a removal is lifted though somebody holds its second look", given(*HELD_SECOND), lift_at(CONFIRM_BY), (lifted,)),
    Accepts("the author appeals", given(*WITHHELD), APPEAL, (appealed,)),
    Accepts("the author appeals until the last moment", given(*WITHHELD), replace(APPEAL, now=APPEAL_BY), (appealed,)),
    Accepts("an appeal is granted", given(*HELD_APPEAL), settle("olga", grants=True), (granted,)),
    Accepts("an appeal is rejected", given(*HELD_APPEAL), settle("olga", grants=False), (rejected,)),
    Accepts("a decision may be taken until the lease ends", given(*HELD_FIRST), Keep("mona", LEASE_ENDS - INSTANT), (kept,)),
]

REFUSED = [
    *(
        Refuses(f"a {standing} contribution is owed no look", given(*STANDINGS[standing]), take("zoe"), "already-decided")
        for standing in ("cleared", "withheld", "excluded", "granted")
    ),
    Refuses("one person looks at a time", given(*HELD_FIRST), take("nils"), "already-assigned", {"expires": LEASE_ENDS}),
    Refuses("who hid does not take the second look", given(*CONTESTED), take("mona"), "took-part"),
    Refuses("who hid does not take the third look", given(*DISPUTED), take("mona"), "took-part"),
    Refuses("who disputed does not take the third look", given(*DISPUTED), take("nils"), "took-part"),
    Refuses("who hid does not settle the appeal", given(*APPEALED), take("mona"), "took-part"),
    Refuses("who confirmed does not settle the appeal", given(*APPEALED), take("nils"), "took-part"),
    *(
        Refuses(f"{type(command).__name__} needs an item that the queue handed out", given(*facts), command, "not-assigned")
        for facts, command in (
            (NEW, Keep("mona", NOON)),
            (NEW, hide()),
            (CONTESTED, review("nils", agrees=True)),
            (APPEALED, settle("olga", grants=True)),
        )
    ),
    *(
        Refuses(f"{type(command).__name__} is for who holds the item", given(*facts), command, "not-assigned")
        for facts, command in (
            (HELD_FIRST, Keep("nils", NOON)),
            (HELD_FIRST, hide("nils")),
            (HELD_SECOND, review("olga", agrees=True)),
            (HELD_APPEAL, settle("zoe", grants=True)),
        )
    ),
    Refuses(
        "a lease ends when it was said", given(*HELD_FIRST), Keep("mona", LEASE_ENDS), "lease-expired", {"expires": LEASE_ENDS}
    ),
    Refuses("what is expired is held no longer", given(*HELD_FIRST, LeaseExpired(ASSIGNED)), Keep("mona", NOON), "not-assigned"),
    Refuses(
        "a removal cites a clause that allows it",
        given(*HELD_FIRST),
        hide(clause="7.common-good"),
        "clause-not-in-force",
        {"field": "clause", "clause": "7.common-good", "charter": 2},
    ),
    *(
        Refuses(f"a {standing} contribution is decided on", given(*STANDINGS[standing]), command, "already-decided")
        for standing in ("cleared", "withheld", "excluded")
        for command in (Keep("mona", NOON), hide(), review("nils", agrees=True), settle("olga", grants=True))
    ),
    Refuses(
        "a first look reviews no removal", given(*HELD_FIRST), review("mona", agrees=True), "not-now", {"state": "Unreviewed"}
    ),
    Refuses("a first look settles no appeal", given(*HELD_FIRST), settle("mona", grants=True), "not-now"),
    Refuses("a second look does not keep", given(*HELD_SECOND), Keep("nils", NOON), "not-now", {"state": "Contested"}),
    Refuses("a second look does not hide again", given(*HELD_SECOND), hide("nils"), "not-now"),
    Refuses(
        "an appeal is settled, not reviewed",
        given(*HELD_APPEAL),
        review("olga", agrees=True),
        "not-now",
        {"state": "UnderAppeal"},
    ),
    Refuses(
        "a removal stands until its time is up",
        given(*CONTESTED),
        lift_at(CONFIRM_BY - INSTANT),
        "too-early",
        {"confirm_by": CONFIRM_BY},
    ),
    Refuses("a dispute has its time too", given(*DISPUTED), lift_at(CONFIRM_BY - INSTANT), "too-early"),
    *(
        Refuses(
            f"a removal is neither confirmed nor disputed once its time is up: {name}",
            given(*facts),
            replace(review(who, agrees=agrees), now=CONFIRM_BY),
            "confirmation-too-late",
            {"confirm_by": CONFIRM_BY},
        )
        for name, facts, who in (("second look", LATE_SECOND, "nils"), ("third look", LATE_THIRD, "olga"))
        for agrees in (True, False)
    ),
    *(
        Refuses(
            f"no look is handed out once the removal's time is up: {name}",
            given(*facts),
            replace(take("zoe"), now=CONFIRM_BY),
            "confirmation-too-late",
        )
        for name, facts in (("contested", CONTESTED), ("disputed", DISPUTED))
    ),
    *(
        Refuses(f"nothing is lifted from a {standing} contribution", given(*STANDINGS[standing]), lift_at(CONFIRM_BY), "not-now")
        for standing in ("new", "cleared", "withheld", "under appeal", "excluded")
    ),
    Refuses(
        "an appeal comes within its delay",
        given(*WITHHELD),
        replace(APPEAL, now=APPEAL_BY + INSTANT),
        "appeal-too-late",
        {"appeal_by": APPEAL_BY},
    ),
    *(
        Refuses(f"an appeal is made once: {name}", given(*facts), APPEAL, "already-appealed")
        for name, facts in (("under appeal", APPEALED), ("rejected", EXCLUDED), ("granted", GRANTED))
    ),
    *(
        Refuses(f"there is nothing to appeal in a {standing} contribution", given(*STANDINGS[standing]), APPEAL, "not-now")
        for standing in ("new", "cleared", "contested", "disputed")
    ),
]


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
    ("facts", "seen", "counts", "over"),
    [
        (NEW, True, True, False),
        ((replace(submitted, held=True),), False, True, False),
        ((replace(submitted, held=True), lent("mona"), kept), True, True, True),
        (CLEARED, True, True, True),
        (CONTESTED, False, False, False),
        ((*HELD_FIRST, replace(hidden, analysed=True)), False, True, False),
        (DISPUTED, False, False, False),
        (WITHHELD, False, False, True),
        (APPEALED, False, False, False),
        (EXCLUDED, False, False, True),
        ((*HELD_FIRST, replace(hidden, analysed=True), *EXCLUDED[3:]), False, True, True),
        (GRANTED, True, True, True),
        ((*CONTESTED, lifted), True, True, True),
        ((*HELD_THIRD, BY_THIRD), True, True, True),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else type(value[-1]).__name__,
)
def test_being_visible_and_being_analysed_are_two_decisions(
    facts: tuple[Event, ...], seen: bool, counts: bool, over: bool
) -> None:
    state = given(*facts)

    assert (visible(state), analysed(state), settled(state)) == (seen, counts, over)


def test_a_lifted_removal_is_final() -> None:
    state = given(*CONTESTED, lifted)

    assert isinstance(state, Cleared)
    assert look(state) is None


def test_everyone_who_decided_took_part_whoever_only_held_the_item_did_not() -> None:
    state = given(submitted, lent("zoe"), LeaseExpired(ASSIGNED), *EXCLUDED[1:])

    assert state is not None
    assert state.dossier.took_part == {"mona", "nils", "olga"}
