"""The measures: a pure function of the log, in two forms, that recomputes to the same bytes and shows no small group."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest

from adapters.memory_keyring import MemoryKeyring
from adapters.sealing import KeyringSealer
from domain import contribution, publication
from domain.record import Event, Recorded, topic
from domain.sealed import PENDING
from domain.treatment.ledger import Ledger
from projections.treatment.measures import views
from projections.treatment.measures.computing import computed, definitions, documents
from projections.treatment.measures.delaying import STEPS
from projections.treatment.measures.document import Measures, Scope
from projections.treatment.measures.facts import Facts, week
from tests.bench.consultations import SEED, SLUG, Played
from tests.projections.histories import SLUG as SMALL
from tests.projections.histories import World

CODINGS = Path(__file__).parents[4] / "shared" / "data" / "consultation_an_codings.csv"
KNOWN_ALPHAS = {
    "XP personnelle": 0.461, "nouvelles mesures": 0.270, "questions": 0.253, "description pb": 0.249, "contre 1 mesure": 0.219,
    "original": 0.152, "analyse ou proposit°": 0.138, "prend en compte": 0.116, "ne fait rien": 0.097, "reçoit": 0.091,
    "analyse des causes": 0.080, "cite": 0.031, "demande à éclaircir": 0.030,
}  # fmt: skip
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def played(contributions: int, up_to: int | None = None) -> Ledger:
    ledger = Ledger(SLUG)
    for position, (stream, version, event, at) in enumerate(Played(contributions).events(), 1):
        if up_to is not None and position > up_to:
            break
        ledger.follow(Recorded(position, stream, version, SLUG, at, event, topic(event)))
    return ledger


@pytest.fixture(scope="module")
def whole() -> dict[Any, Measures]:
    return documents(played(600), SEED)


@pytest.fixture(scope="module")
def few() -> dict[Any, Measures]:
    return documents(played(120), SEED)


def scopes(measures: Measures) -> dict[str, Scope]:
    return {"whole": measures.whole} | measures.themes


def test_a_consultation_played_to_the_end_is_covered_and_its_queues_conform(whole: dict[Any, Measures]) -> None:
    coverage, queues = whole["internal"].whole.coverage, whole["internal"].queues
    assert queues is not None
    assert {name: share.share for name, share in coverage.items() if name not in {"linked", "arbitrated"}} == {
        "received": 1.0, "moderated": 1.0, "read-once": 1.0, "read-enough": 1.0, "coded": 1.0, "published": 1.0,
    }  # fmt: skip
    assert coverage["linked"].count == coverage["arbitrated"].count == 150
    for queue in queues.values():
        assert queue.assignments == queue.conforming > 0
        assert not queue.departures


def test_themes_add_up_to_the_whole(whole: dict[Any, Measures]) -> None:
    for name, share in whole["public"].whole.coverage.items():
        assert share.count == sum(theme.coverage[name].count for theme in whole["public"].themes.values())
        assert share.of == sum(theme.coverage[name].of for theme in whole["public"].themes.values())


def test_the_public_form_tells_days_and_neither_hours_assignments_nor_contacts(whole: dict[Any, Measures]) -> None:
    public, internal = whole["public"], whole["internal"]
    assert (public.unit, public.queues, public.overturns) == ("days", None, None)
    assert internal.unit == "seconds"
    written = msgspec.json.encode(public).decode()
    assert "staff-" not in written
    assert "contact" not in {each.attribute for scope in scopes(public).values() for each in scope.parity or ()}
    assert all("contact" not in step.by for scope in scopes(public).values() for step in (scope.delays or {}).values())
    assert "contact" in {each.attribute for each in internal.whole.parity or ()}
    for scope in scopes(public).values():
        for step in (scope.delays or {}).values():
            assert step.overall is None or step.overall.max == int(step.overall.max)


def test_no_group_of_fewer_than_ten_is_shown(whole: dict[Any, Measures]) -> None:
    suppressed = 0
    for measures in whole.values():
        for scope in scopes(measures).values():
            for parity in scope.parity or ():
                assert all(rate.n >= measures.smallest_group for rate in parity.groups.values())
                assert parity.rest is None or parity.rest.n >= measures.smallest_group
                suppressed += len(parity.suppressed)
            for step in (scope.delays or {}).values():
                assert all(
                    spread is None or spread.n >= measures.smallest_group for by in step.by.values() for spread in by.values()
                )
    assert suppressed > 0


def test_the_public_is_told_nothing_together_of_fewer_than_ten(few: dict[Any, Measures]) -> None:
    """Removals, appeals and proposals of a small consultation concern a few in most themes, and by subtraction one more."""
    public, internal = few["public"], few["internal"]
    told = [
        spread
        for scope in scopes(public).values()
        for step in (scope.delays or {}).values()
        for spread in [step.overall]
        if spread
    ]
    assert all(spread.n >= public.smallest_group for spread in told)
    assert any(step.overall and step.overall.n < 10 for step in (internal.whole.delays or {}).values())
    for measures in (public, internal):
        assert all(each.n >= measures.smallest_group for scope in scopes(measures).values() for each in scope.parity or ())
    for scope in scopes(public).values():
        assert scope.readers is None or scope.readers.units >= public.smallest_group
        assert scope.reviewers is None or scope.reviewers.pairs >= public.smallest_group


def test_what_is_suppressed_in_one_theme_is_suppressed_in_another_by_which_it_could_be_told(few: dict[Any, Measures]) -> None:
    public = few["public"]
    for step, delays in (public.whole.delays or {}).items():
        if delays.overall:
            shown = [theme.delays[step].overall for theme in public.themes.values() if theme.delays]
            rest = delays.overall.n - sum(spread.n for spread in shown if spread)
            assert rest == 0 or rest >= public.smallest_group


def test_of_fewer_than_ten_contributions_coverage_alone_is_told() -> None:
    for measures in documents(played(9), SEED).values():
        assert measures.whole.coverage["received"].count == 9
        assert (measures.whole.delays, measures.whole.readers, measures.whole.reviewers, measures.whole.parity) == (None,) * 4
        assert measures.length_bounds == []


def test_what_waited_out_of_sight_for_its_first_look_is_not_published_by_a_bundle() -> None:
    """Moderation before publication: the bundle stands at the position of the second deposit, when one has been looked at."""
    ledger = Ledger("held")
    streams = [UUID(int=number, version=4) for number in range(2)]
    submitted = contribution.Submitted("held", "t", 1, "web", "", "fr", 9, False, True, bytes(32), bytes(32), PENDING)
    bundle = UUID(int=9, version=4)
    happened: list[tuple[UUID, Event]] = [
        (streams[0], submitted),
        (streams[0], contribution.Kept("mona")),
        (streams[1], submitted),
        (streams[1], contribution.Kept("mona")),
        (bundle, publication.Prepared("held", "snapshot", 3, bytes(32), "karim", 4)),
        (bundle, publication.Published("https://exemple.fr", "karim")),
    ]
    for position, (stream, event) in enumerate(happened, 1):
        ledger.follow(Recorded(position, stream, 1, "held", NOON, event, topic(event)))
    share = documents(ledger, None)["public"].whole.coverage["published"]
    assert (share.count, share.of) == (1, 2)


def test_a_log_that_departs_from_the_rules_is_measured_all_the_same() -> None:
    """A text is read before anybody has looked at it."""
    ledger, stream, assignment = Ledger("early"), UUID(int=1, version=4), UUID(int=2, version=4)
    happened: list[contribution.Event] = [
        contribution.Submitted("early", "t", 1, "web", "", "fr", 9, False, False, bytes(32), bytes(32), PENDING),
        contribution.ReadingAssigned(assignment, "ada", 1, NOON, 1),
        contribution.Coded(assignment, "ada", 1, ("access",)),
        contribution.Kept("mona"),
    ]
    for position, event in enumerate(happened, 1):
        at = NOON + timedelta(days=position)
        ledger.follow(Recorded(position, stream, position, "early", at, event, topic(event)))
    facts = Facts(ledger, public=False)
    assert np.isnan(facts.delays(*STEPS["first-reading"])).all()
    assert facts.delays(*STEPS["moderation"]).tolist() == [3 * 86_400.0]
    assert documents(ledger, None)["internal"].whole.coverage["read-once"].count == 1


def test_every_measure_states_its_definition_and_its_source(whole: dict[Any, Measures]) -> None:
    shown = whole["internal"]
    named = set(shown.whole.coverage) | set(shown.whole.delays or ()) | {each.outcome for each in shown.whole.parity or ()}
    assert named | {"readers", "reviewers", "queues", "overturns", "tests"} == set(definitions()) == set(shown.definitions)
    assert all(each.fr and each.en and each.source for each in shown.definitions.values())


def test_the_same_log_gives_the_same_bytes_and_a_past_position_what_it_gave_then() -> None:
    encode = msgspec.json.Encoder().encode
    at = played(80).position // 2
    assert encode(documents(played(80, up_to=at), SEED)) == encode(documents(played(80, up_to=at), SEED))
    later = documents(played(80), SEED)["internal"]
    assert documents(played(80, up_to=at), SEED)["internal"].whole != later.whole


def test_before_anything_has_arrived_every_measure_is_there_and_empty() -> None:
    for measures in documents(Ledger(SLUG), None).values():
        assert measures.whole.coverage["received"].count == 0
        assert measures.whole.coverage["moderated"].share is None
        assert measures.themes == {}
        assert measures.day is None


def test_without_the_seed_the_order_of_readings_is_said_to_be_unverifiable() -> None:
    queues = documents(played(40), None)["internal"].queues
    assert queues is not None
    assert queues["reading"].unverifiable == queues["reading"].assignments > 0
    assert queues["review"].unverifiable == 0


def test_an_assignment_out_of_order_is_listed_with_its_position() -> None:
    """Two contributions wait; the second to arrive is handed out first."""
    arrived = [each for each in Played(12).events() if isinstance(each.event, contribution.Submitted)][1]
    arrivals = next(position for position, each in enumerate(Played(12).events(), 1) if each.stream == arrived.stream)
    ledger = played(12, up_to=arrivals)
    late = contribution.ReviewAssigned(UUID(int=9, version=4), "staff-reviewer-1", "first", arrived.at, arrivals)
    ledger.follow(Recorded(arrivals + 1, arrived.stream, 2, SLUG, arrived.at, late, topic(late)))
    queues = documents(ledger, SEED)["internal"].queues
    assert queues is not None
    assert [each.position for each in queues["review"].departures] == [arrivals + 1]


@pytest.mark.skipif(not CODINGS.exists(), reason="needs ../shared/data/consultation_an_codings.csv beside the checkout")
def test_real_codings_planted_as_coded_events_give_the_known_alphas() -> None:
    """No command would allow so many readings of one text; the reader is the ordinal within its text."""
    ledger = Ledger("an")
    with CODINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3_751
    versions: Counter[str] = Counter()
    streams: dict[str, UUID] = defaultdict(lambda: UUID(int=len(streams) + 1, version=4))
    position = 0

    def tell(document: str, event: contribution.Event) -> None:
        nonlocal position
        position, versions[document] = position + 1, versions[document] + 1
        ledger.follow(Recorded(position, streams[document], versions[document], "an", NOON, event, topic(event)))

    for number, row in enumerate(rows):
        document = row["document_id"]
        if not versions[document]:
            tell(document, contribution.Submitted("an", "t", 1, "web", "", "fr", 9, False, False, bytes(32), bytes(32), PENDING))
        assignment, reader = UUID(int=10**6 + number, version=4), f"reader-{versions[document]}"
        codes = tuple(code for code in [*KNOWN_ALPHAS, "pour 1 mesure"] if row[code] == "1")
        tell(document, contribution.ReadingAssigned(assignment, reader, 1, NOON, 0))
        tell(document, contribution.Coded(assignment, reader, 1, codes))
    found = documents(ledger, None)["internal"].whole.readers
    assert found is not None
    assert {code: round(each.alpha or 0, 3) for code, each in found.codes.items()} == pytest.approx(KNOWN_ALPHAS)


async def test_what_is_computed_is_kept_by_position_and_the_latest_replaces_the_one_before(world: World) -> None:
    await world.life()
    head = await world.store.head()
    made = await computed(world.store, world.sealer, SMALL, head)
    await views.keep(world.pool, made, asked=False)
    assert msgspec.json.decode(await views.latest(world.pool, SMALL, "internal") or b"", type=Measures) == made["internal"]
    earlier = await computed(world.store, world.sealer, SMALL, 20)
    await views.keep(world.pool, earlier, asked=True)
    assert await views.at(world.pool, SMALL, "public", 20) == msgspec.json.encode(earlier["public"])
    await world.keep(await world.deposit("Encore un."))
    await views.keep(world.pool, await computed(world.store, world.sealer, SMALL, await world.store.head()), asked=False)
    assert await views.at(world.pool, SMALL, "public", head) is None
    assert await views.at(world.pool, SMALL, "public", 20) is not None


async def test_documents_of_the_past_are_kept_up_to_a_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "KEPT", 2)
    await world.life()
    for position in (20, 22, 24, 21):
        await views.keep(world.pool, await computed(world.store, world.sealer, SMALL, position), asked=True)
    kept = [position for position in range(20, 25) if await views.at(world.pool, SMALL, "public", position)]
    assert kept == [21, 22, 24]


async def test_a_consultation_is_measured_again_once_it_has_moved(world: World) -> None:
    await world.consultation()
    await world.show("treatment")
    (moved,) = await views.moved(world.pool)
    assert moved == views.Wanted(SMALL, await world.store.head())
    await views.keep(world.pool, await computed(world.store, world.sealer, SMALL, moved.position), asked=False)
    assert await views.moved(world.pool) == []
    await world.deposit("Un texte.")
    assert [each.position for each in await views.moved(world.pool)] == [await world.store.head()]


async def test_positions_are_asked_for_once_and_no_more_than_can_be_answered(world: World) -> None:
    asked = [await views.want(world.pool, SMALL, position, 2) for position in (5, 5, 6, 7)]
    assert asked == ["awaited", "awaited", "awaited", "too-many"]
    first = await views.next_wanted(world.pool)
    assert first == views.Wanted(SMALL, 5)
    await views.begun(world.pool, first)
    assert await views.next_wanted(world.pool) == views.Wanted(SMALL, 6)
    await views.answered(world.pool, views.Wanted(SMALL, 6))
    assert await views.want(world.pool, SMALL, 7, 2) == "awaited"


async def test_what_cannot_be_computed_stands_aside_and_takes_nobody_s_place(world: World) -> None:
    assert await views.want(world.pool, SMALL, 5, 1) == "awaited"
    await views.put_aside(world.pool, views.Wanted(SMALL, 5))
    assert await views.next_wanted(world.pool) is None
    assert await views.want(world.pool, SMALL, 5, 1) == "aside"
    assert await views.want(world.pool, SMALL, 6, 1) == "awaited"
    await views.put_aside(world.pool, views.Wanted(SMALL, 5), timedelta())
    assert await views.want(world.pool, SMALL, 5, 1) == "awaited"


async def test_the_seed_is_opened_to_check_the_readings_while_it_is_still_sealed(world: World) -> None:
    await world.life()
    measures = (await computed(world.store, world.sealer, SMALL, await world.store.head()))["internal"]
    assert measures.queues is not None
    assert measures.queues["reading"].unverifiable == 0


async def test_a_seed_whose_key_is_lost_leaves_the_order_of_the_readings_unverifiable_and_the_rest_measured(world: World) -> None:
    await world.life()
    lost = KeyringSealer(MemoryKeyring())
    measures = (await computed(world.store, lost, SMALL, await world.store.head()))["internal"]
    assert measures.queues is not None
    assert measures.queues["reading"].unverifiable > 0
    assert measures.queues["review"].unverifiable == 0


def test_weeks_are_those_of_the_iso_calendar() -> None:
    assert week(datetime.combine(date(2027, 1, 1), datetime.min.time(), UTC)) == "2026-W53"
