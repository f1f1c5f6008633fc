"""Given these facts of a contribution, when a reader acts, then these events, and nothing else."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.contribution import (
    AssignReading,
    Coded,
    CodeReading,
    Event,
    LeaseExpired,
    Present,
    Reading,
    ReadingAssigned,
    Recode,
    decide,
    evolve,
    found,
    has_read,
    readings_wanted,
    recodable,
)
from domain.errors import CorruptHistory
from domain.record import fold
from tests.domain.contributing import (
    APPEALED,
    ASSIGNED,
    CLEARED,
    CONTESTED,
    DISPUTED,
    GONE,
    GRANTED,
    INSTANT,
    LEASE_ENDS,
    LEASE_S,
    NEW,
    NOON,
    OTHER,
    WITHHELD,
    coded,
    erased,
    given,
    hidden,
    lent,
    reading,
    recoded,
    submitted,
)
from tests.domain.grammar import Accepts, Refuses, refusal

THIRD = UUID(int=102)
KNOWN = frozenset({"access", "costs", "other"})
COUNTED = (submitted, lent("mona"), replace(hidden, analysed=True), *WITHHELD[3:])
ONE = (*CLEARED, reading("ada"), coded("ada", "access", "costs"))
AGREED = (*ONE, reading("bob", OTHER, 2), coded("bob", "access", assignment=OTHER))
APART = (*ONE, reading("bob", OTHER, 2), coded("bob", "other", assignment=OTHER))
THREE = (*APART, reading("eve", THIRD, 3), coded("eve", "costs", assignment=THIRD))


def take(reader: str, assignment: UUID = ASSIGNED, readers: int = 2) -> AssignReading:
    return AssignReading(assignment, reader, NOON, LEASE_S, readers, 40)


def code(reader: str, *codes: str, assignment: UUID = ASSIGNED) -> CodeReading:
    return CodeReading(assignment, reader, NOON, 1, codes, 1, KNOWN)


def recode(reader: str, *codes: str, assignment: UUID = ASSIGNED, codebook: int = 2, in_force: int = 2) -> Recode:
    return Recode(assignment, reader, codebook, codes, in_force, KNOWN)


HELD = (*CLEARED, reading("ada"))
LEFT_OUT = (submitted, lent("mona"), replace(hidden, analysed=False), *WITHHELD[3:])

ACCEPTED = [
    Accepts("a contribution is read once moderation is settled", given(*CLEARED), take("ada"), (reading("ada"),)),
    Accepts("what is withheld but counts is read too", given(*COUNTED), take("ada"), (reading("ada"),)),
    Accepts("what an appeal brought back is read", given(*GRANTED), take("ada"), (reading("ada"),)),
    Accepts(
        "two readers may read at the same time",
        given(*HELD),
        take("bob", OTHER),
        (ReadingAssigned(OTHER, "bob", 2, LEASE_ENDS, 40),),
    ),
    Accepts("a second reading follows the first", given(*ONE), take("bob", OTHER), (reading("bob", OTHER, 2),)),
    Accepts(
        "readings that share no code are followed by one more", given(*APART), take("eve", THIRD), (reading("eve", THIRD, 3),)
    ),
    Accepts(
        "an expired reading is lent again", given(*HELD, LeaseExpired(ASSIGNED)), take("ada", OTHER), (reading("ada", OTHER),)
    ),
    Accepts("a reading gives codes", given(*HELD), code("ada", "access", "costs"), (coded("ada", "access", "costs"),)),
    Accepts(
        "a text that was hidden meanwhile still gives its reading back",
        given(submitted, *CLEARED[1:], reading("ada")),
        code("ada", "other"),
        (Coded(ASSIGNED, "ada", 1, ("other",)),),
    ),
    Accepts(
        "a reader codes their reading anew under a later codebook",
        given(*AGREED),
        recode("bob", "costs", assignment=OTHER),
        (recoded("bob", "costs", assignment=OTHER),),
    ),
    Accepts(
        "a reading may be coded anew before the next one is made", given(*ONE), recode("ada", "other"), (recoded("ada", "other"),)
    ),
    Accepts(
        "a reading is coded anew under each later codebook",
        given(*ONE, recoded("ada", "other")),
        recode("ada", "access", codebook=3, in_force=3),
        (recoded("ada", "access", codebook=3),),
    ),
    Accepts(
        "a codebook may be passed over",
        given(*ONE),
        recode("ada", "other", codebook=4, in_force=4),
        (recoded("ada", "other", codebook=4),),
    ),
    Accepts(
        "a reading of what is withheld but counts is coded anew",
        given(*COUNTED, reading("ada"), coded("ada", "access")),
        recode("ada", "access"),
        (recoded("ada", "access"),),
    ),
]

REFUSED = [
    *(
        Refuses(f"no reading while moderation is under way: {name}", given(*facts), take("ada"), "not-moderated")
        for name, facts in (("new", NEW), ("contested", CONTESTED), ("disputed", DISPUTED), ("under appeal", APPEALED))
    ),
    Refuses("what is out of the analysis is not read", given(*WITHHELD), take("ada"), "contribution-not-analysed"),
    Refuses("a reader holds a contribution once", given(*HELD), take("ada", OTHER), "already-read"),
    Refuses("a reader reads a contribution once", given(*ONE), take("ada", OTHER), "already-read"),
    Refuses("readings that agree are enough", given(*AGREED), take("eve", THIRD), "reading-complete"),
    Refuses("one more reading settles it", given(*THREE), take("guy", UUID(int=103)), "reading-complete"),
    Refuses("readings under way count", given(*HELD, reading("bob", OTHER, 2)), take("eve", THIRD), "reading-complete"),
    Refuses("a policy of one reader is met by one reading", given(*ONE), take("bob", OTHER, readers=1), "reading-complete"),
    Refuses("codes are given for what was handed out", given(*CLEARED), code("ada", "access"), "not-assigned"),
    Refuses("codes are given by who holds the reading", given(*HELD), code("bob", "access"), "not-assigned"),
    Refuses("codes name the reading", given(*HELD), code("ada", "access", assignment=OTHER), "not-assigned"),
    Refuses(
        "a reading ends when it was said",
        given(*HELD),
        replace(code("ada", "access"), now=LEASE_ENDS),
        "lease-expired",
        {"expires": LEASE_ENDS},
    ),
    Refuses(
        "codes come from the codebook in force",
        given(*HELD),
        replace(code("ada", "access"), codebook_in_force=2),
        "codebook-superseded",
        {"field": "codebook", "in_force": 2},
    ),
    Refuses("a reading gives a code", given(*HELD), code("ada"), "codes-missing", {"field": "codes"}),
    Refuses(
        "a code stands in the codebook",
        given(*HELD),
        code("ada", "music", "access", "dance"),
        "unknown-code",
        {"field": "codes", "codes": ["dance", "music"]},
    ),
    Refuses("nobody codes anew what nobody has read", given(*CLEARED), recode("ada", "access"), "not-the-reader"),
    Refuses("a reading is coded before it is coded anew", given(*HELD), recode("ada", "access"), "not-the-reader"),
    Refuses("a reading is coded anew by its reader alone", given(*AGREED), recode("bob", "access"), "not-the-reader"),
    Refuses(
        "a reading is coded once under a codebook",
        given(*ONE),
        recode("ada", "other", codebook=1, in_force=1),
        "already-coded",
        {"codebook": 1},
    ),
    Refuses(
        "a reading is coded anew once under a codebook",
        given(*ONE, recoded("ada", "other")),
        recode("ada", "access"),
        "already-coded",
        {"codebook": 2},
    ),
    *(
        Refuses(
            f"a reading is coded anew under the codebook in force: {codebook}",
            given(*ONE),
            recode("ada", "other", codebook=codebook, in_force=3),
            "codebook-superseded",
            {"field": "codebook", "in_force": 3},
        )
        for codebook in (1, 2, 4)
    ),
    Refuses("what is coded anew has a code", given(*ONE), recode("ada"), "codes-missing", {"field": "codes"}),
    Refuses("what is coded anew has known codes", given(*ONE), recode("ada", "music"), "unknown-code", {"codes": ["music"]}),
    Refuses(
        "what is coded anew has each code once", given(*ONE), recode("ada", "costs", "costs"), "duplicate", {"field": "codes"}
    ),
    Refuses(
        "what no longer counts is not coded anew",
        given(*LEFT_OUT, reading("ada"), coded("ada", "access")),
        recode("ada", "access"),
        "contribution-not-analysed",
    ),
    Refuses("what was erased is not coded anew", given(*ONE, erased), recode("ada", "access"), "erased"),
    Refuses("a code is given once", given(*HELD), code("ada", "access", "access"), "duplicate", {"field": "codes"}),
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


def test_codes_may_be_given_until_the_lease_ends() -> None:
    command = replace(code("ada", "access"), now=LEASE_ENDS - INSTANT)

    assert decide(given(*HELD), command) == (coded("ada", "access"),)


@pytest.mark.parametrize(
    ("facts", "readers", "wanted"),
    [(ONE, 2, 2), (AGREED, 2, 2), (APART, 2, 3), (THREE, 2, 3), (ONE, 1, 1), (APART, 3, 3), (CLEARED, 2, 2)],
)
def test_one_more_reading_is_wanted_where_no_two_share_a_code(facts: tuple[Event, ...], readers: int, wanted: int) -> None:
    state = given(*facts)

    assert isinstance(state, Present)
    assert readings_wanted(state.dossier, readers) == wanted


def test_a_recoding_changes_what_was_found_and_leaves_what_was_first_said() -> None:
    state = given(*AGREED, recoded("bob", "costs", assignment=OTHER))

    assert isinstance(state, Present)
    assert state.dossier.readings == (
        Reading(ASSIGNED, "ada", 1, ("access", "costs"), ("access", "costs")),
        Reading(OTHER, "bob", 2, ("costs",), ("access",)),
    )
    assert found(state) == {"access", "costs"}
    assert found(given(*AGREED, recoded("ada", "other"), recoded("bob", "other", assignment=OTHER))) == {"other"}
    assert found(given(*AGREED, erased)) == frozenset()


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ((*AGREED, recoded("ada", "costs"), recoded("bob", "other", assignment=OTHER)), 2),
        ((*APART, recoded("ada", "other"), recoded("bob", "other", assignment=OTHER)), 3),
    ],
)
def test_a_recoding_changes_nothing_about_how_many_read(facts: tuple[Event, ...], wanted: int) -> None:
    """Else one made after the readings were finished would call for another, whose reader knows the seed."""
    state = given(*facts)

    assert isinstance(state, Present)
    assert readings_wanted(state.dossier, 2) == wanted
    assert has_read(state.dossier) == {"ada", "bob"}


@pytest.mark.parametrize(
    ("facts", "codebook", "owed"),
    [
        (ONE, 1, False),
        (ONE, 2, True),
        ((*ONE, recoded("ada", "other")), 2, False),
        ((*ONE, recoded("ada", "other")), 3, True),
        (HELD, 2, False),
        ((*ONE, erased), 2, False),
        ((*LEFT_OUT, reading("ada"), coded("ada", "access")), 2, False),
        (GONE, 2, False),
    ],
)
def test_a_reading_under_an_earlier_codebook_may_be_coded_anew(facts: tuple[Event, ...], codebook: int, owed: bool) -> None:
    assert recodable(given(*facts), ASSIGNED, codebook) is owed


def test_a_recoding_of_a_reading_that_was_not_made_cannot_be() -> None:
    with pytest.raises(CorruptHistory):
        given(*HELD, recoded("ada", "other"))
