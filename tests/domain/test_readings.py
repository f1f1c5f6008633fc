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
    ReadingAssigned,
    decide,
    evolve,
    readings_wanted,
)
from domain.record import fold
from tests.domain.contributing import (
    APPEALED,
    ASSIGNED,
    CLEARED,
    CONTESTED,
    DISPUTED,
    GRANTED,
    INSTANT,
    LEASE_ENDS,
    LEASE_S,
    NEW,
    NOON,
    OTHER,
    WITHHELD,
    coded,
    given,
    hidden,
    lent,
    reading,
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


HELD = (*CLEARED, reading("ada"))

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
