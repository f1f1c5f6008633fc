"""Given these facts of a publication, when the publisher acts, then these events, and nothing else."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.errors import CorruptHistory
from domain.publication import (
    Event,
    Prepare,
    Prepared,
    Publish,
    Published,
    State,
    Supersede,
    Superseded,
    decide,
    evolve,
)
from domain.record import fold
from tests.domain.grammar import Accepts, Refuses, refusal

DIGEST = b"\x09" * 32
THIS, NEXT = UUID(int=8), UUID(int=9)

prepared = Prepared("culture", "results", 900, DIGEST, "karim", 905)
published = Published("https://exemple.fr/resultats", "karim")
superseded = Superseded(NEXT, "Une coquille.", "karim")

PREPARE = Prepare("culture", "results", 900, DIGEST, "karim", 905, consultation_closed=True, outstanding=0, concealed=0)
SNAPSHOT = replace(PREPARE, kind="snapshot", consultation_closed=False, outstanding=12)
PUBLISH = Publish("https://exemple.fr/resultats", "karim", concealed=0)
SUPERSEDE = Supersede(THIS, NEXT, "Une coquille.", "karim", successor="culture")


def given(*events: Event) -> State:
    state: State = None
    for event in events:
        state = evolve(state, event)
    return state


ACCEPTED = [
    Accepts("results are prepared once each contribution is published or withheld with a reason", None, PREPARE, (prepared,)),
    Accepts("a snapshot is prepared at any time", None, SNAPSHOT, (replace(prepared, kind="snapshot"),)),
    Accepts("what was prepared is published", given(prepared), PUBLISH, (published,)),
    Accepts("what was published is superseded, with a reason", given(prepared, published), SUPERSEDE, (superseded,)),
]

REFUSED = [
    Refuses("results wait until the consultation has closed", None, replace(PREPARE, consultation_closed=False), "consultation-running",
            {"field": "kind"}),
    Refuses("results leave no contribution aside", None, replace(PREPARE, outstanding=1), "contributions-outstanding", {"outstanding": 1}),
    Refuses("nothing is published that was not prepared", None, PUBLISH, "not-now", {"state": "nothing"}),
    Refuses("nothing is superseded that was not prepared", None, SUPERSEDE, "not-now", {"state": "nothing"}),
    Refuses("a bundle is prepared once", given(prepared), PREPARE, "not-now", {"state": "Ready"}),
    Refuses("what nobody published is not superseded", given(prepared), SUPERSEDE, "not-now", {"state": "Ready"}),
    Refuses("a bundle is published once", given(prepared, published), PUBLISH, "not-now", {"state": "Public"}),
    Refuses("superseding says why", given(prepared, published), replace(SUPERSEDE, reason=" "), "reason-missing", {"field": "reason"}),
    Refuses("what has been hidden since is not shown again by a bundle of the past", None, replace(SNAPSHOT, concealed=2),
            "bundle-outdated", {"field": "position", "concealed": 2}),
    Refuses("a bundle that shows what was hidden or erased since is not published", given(prepared), replace(PUBLISH, concealed=1),
            "bundle-outdated", {"concealed": 1}),
    Refuses("the successor is published first", given(prepared, published), replace(SUPERSEDE, successor=None), "not-a-successor",
            {"field": "by"}),
    Refuses("the successor is of the same consultation", given(prepared, published), replace(SUPERSEDE, successor="autre"),
            "not-a-successor", {"field": "by"}),
    Refuses("nothing supersedes itself", given(prepared, published), replace(SUPERSEDE, by=THIS), "not-a-successor", {"field": "by"}),
    Refuses("what is superseded stays so", given(prepared, published, superseded), SUPERSEDE, "not-now", {"state": "Replaced"}),
    Refuses("what is superseded is not published again", given(prepared, published, superseded), PUBLISH, "not-now", {"state": "Replaced"}),
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
    [((), published), ((prepared,), prepared), ((prepared,), superseded), ((prepared, published), published)],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else f"after {len(value)} events",
)
def test_a_history_that_no_decision_leads_to_is_refused(history: tuple[Event, ...], event: Event) -> None:
    with pytest.raises(CorruptHistory):
        evolve(given(*history), event)
