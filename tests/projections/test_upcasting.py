"""A release that gives events another shape reads what earlier ones wrote, everywhere, and changes none of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import EventStore, MapperDeserialisationError
from msgspec import Struct
from msgspec.structs import asdict

from adapters.library import Fact, Factory, StructMapper
from adapters.records import Unreadable, event_of
from adapters.store import Draft, Entry
from domain import consultation, contribution
from domain.contribution import Keep, Kept, Submitted, Withdraw, rules
from domain.record import CODEC, SHAPES, Codec, Upcaster, topic
from projections import building
from projections.building import NAMES
from projections.publications.told import told
from projections.runner import Runner, Stopped, wait_for
from service import deposits
from service.codes import Codes
from service.deposits import Deposit, Deposits
from service.follow_up import FollowUp
from service.handler import CONTRIBUTION, Handle
from tests.projections.histories import NOON, SLUG, World
from tests.service.definitions import PROMISES, FixedClock, opened
from tests.service.definitions import SLUG as CULTURE

WAIT_S: Final = 20.0
KEY: Final = "k" * 22


class KeptAgain(Kept, frozen=True, tag="contribution.kept.v2"):
    note: str = "said"


class KeptOnceMore(KeptAgain, frozen=True, tag="contribution.kept.v3"):
    minutes: int = 5


class SubmittedAgain(Submitted, frozen=True, tag="contribution.submitted.v2"):
    medium: str = "screen"


class OpenedAgain(consultation.Opened, frozen=True, tag="consultation.opened.v2"):
    where: str = "here"


NEXT: Final[dict[type[Struct], type[Struct]]] = {Kept: KeptAgain, Submitted: SubmittedAgain, consultation.Opened: OpenedAgain}
UPCASTERS: Final = [
    Upcaster(Kept, lambda old: KeptAgain(old.reviewer, "unsaid")),
    Upcaster(Submitted, lambda old: SubmittedAgain(**asdict(old), medium="unknown")),
    Upcaster(consultation.Opened, lambda old: OpenedAgain(**asdict(old), where="unknown")),
]


class LetsIn(Codes):
    """For histories whose codes nobody knows."""

    async def admit(self, stream: UUID, code: str) -> list[Entry]:
        del code
        return await self._handle.entries(CONTRIBUTION.name, stream)


def install(monkeypatch: pytest.MonkeyPatch, codec: Codec) -> None:
    """Every reader and writer holds the one codec: changed here, it is changed for all of them."""
    for name, value in vars(codec).items():
        monkeypatch.setattr(CODEC, name, value)


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The next release: it decides and deposits in the new shapes."""

    def upgrade() -> None:
        install(monkeypatch, Codec([NEXT.get(shape, shape) for shape in SHAPES.values()], UPCASTERS))
        monkeypatch.setattr(rules, "Kept", KeptAgain)
        monkeypatch.setattr(rules, "Submitted", SubmittedAgain)
        monkeypatch.setattr(deposits, "Submitted", SubmittedAgain)

    return upgrade


def stored(entries: Sequence[Entry]) -> list[tuple[int, str, bytes]]:
    return [(entry.id, entry.topic, entry.state) for entry in entries]


def library(world: World) -> tuple[Factory, EventStore[UUID]]:
    factory = Factory({"REGISTRE_DATABASE_URL": world.store._url, "CREATE_TABLE": "no"})
    return factory, EventStore(StructMapper(), factory.application_recorder())


async def read(world: World, stream: UUID) -> list[Fact]:
    """A stream as a tool written for the package sees it."""
    factory, events = library(world)
    try:
        return await asyncio.to_thread(lambda: [fact for fact in events.get(stream) if isinstance(fact, Fact)])
    finally:
        await asyncio.to_thread(factory.close)


async def run(world: World, name: str) -> None:
    """Have a fresh copy, and let a runner bring it to the head."""
    projection = building.projections(world.sealer)[name]
    await building.create(world.pool, projection, name)
    running = asyncio.create_task(Runner(world.store, world.pool, projection).run())
    assert await wait_for(world.pool, name, await world.store.head(), WAIT_S)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_old_rows_build_the_same_read_models_and_stay_as_they_are(world: World, upgraded: Callable[[], None]) -> None:
    await world.life()
    head = await world.show()
    lived, log, decisions = await world.digests(), stored(await world.store.page()), await told(world.store, SLUG, head)
    upgraded()
    for name, projection in building.projections(world.sealer).items():
        async with building.replayed(world.store, world.pool, projection, head) as schema:
            assert await building.digest(world.pool, schema) == lived[name], name
        await building.rebuild(world.store, world.pool, projection)
    assert await world.digests() == lived
    for name in NAMES:
        await run(world, name)
    assert await world.digests() == lived
    assert await told(world.store, SLUG, head) == decisions
    assert {"kept", "erased"} <= {row["decision"] for row in decisions.decisions}
    assert stored(await world.store.page()) == log


async def test_old_rows_are_loaded_and_read_in_todays_shape(world: World, upgraded: Callable[[], None]) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.keep(stream)
    before = await Handle(world.store).load(CONTRIBUTION, stream)
    upgraded()
    assert await Handle(world.store).load(CONTRIBUTION, stream) == before
    events = [event_of(entry) for entry in await world.store.stream(stream)]
    assert [type(event) for event in events] == [SubmittedAgain, contribution.ReviewAssigned, KeptAgain]
    assert events[-1] == KeptAgain("moderator-1", "unsaid")
    facts = await read(world, stream)
    assert [(fact.event, fact.consultation) for fact in facts] == [(event, SLUG) for event in events]


async def test_new_rows_have_the_new_shape_in_a_log_that_holds_both(world: World, upgraded: Callable[[], None]) -> None:
    await world.consultation()
    old, new, foreign = [await world.deposit(f"Texte {number}") for number in range(3)]
    await world.keep(old)
    await world.show()
    upgraded()
    await world.review(new, "moderator-2")
    await Handle(world.store).contribution(new, Keep("moderator-2", NOON))
    await world.review(foreign, "moderator-2")
    factory, events = library(world)
    fact = Fact(foreign, 3, KeptAgain("moderator-2", "by a tool"), SLUG)
    await asyncio.to_thread(events.put, [fact])
    await asyncio.to_thread(factory.close)
    topics = [(await world.store.stream(stream))[-1].topic for stream in (old, new, foreign)]
    assert topics == ["contribution.kept.v1", "contribution.kept.v2", "contribution.kept.v2"]
    last = [(await read(world, stream))[-1].event for stream in (old, new, foreign)]
    assert [event.note for event in last] == ["unsaid", "said", "by a tool"]
    head = await world.show()
    lived = await world.digests()
    for projection in building.projections(world.sealer).values():
        await building.rebuild(world.store, world.pool, projection)
    assert await world.digests() == lived
    assert [row["decision"] for row in (await told(world.store, SLUG, head)).decisions] == ["kept", "kept", "kept"]


async def test_a_receipt_of_before_follows_up_repeats_and_withdraws_after(world: World, upgraded: Callable[[], None]) -> None:
    handle = Handle(world.store)
    await opened(handle)
    deposit, secret = Deposit("archives", 1, "Tout garder."), b"s" * 32
    receipt = await Deposits(handle, world.sealer, secret, PROMISES).accept(CULTURE, KEY, deposit)
    world.versions[receipt.contribution] = 1
    await world.append(
        receipt.contribution,
        contribution.ReviewAssigned(uuid4(), "moderator-1", "first", NOON, 1),
        Kept("moderator-1"),
        slug=CULTURE,
    )
    upgraded()
    handle = Handle(world.store)
    follow_up = FollowUp(handle, world.sealer, FixedClock())
    status = await follow_up.status(receipt.contribution, receipt.code)
    assert (status.text, status.status, [decision.kind for decision in status.decisions]) == (
        "Tout garder.",
        "visible",
        ["submitted", "kept"],
    )
    assert await Deposits(handle, world.sealer, secret, PROMISES).accept(CULTURE, KEY, deposit) == receipt
    await follow_up.withdraw(receipt.contribution, receipt.code)
    assert (await follow_up.status(receipt.contribution, receipt.code)).status == "withdrawn"


async def test_a_shape_two_versions_old_is_read_through_both_upcasters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = uuid4()
    shapes = [KeptOnceMore if shape is Kept else shape for shape in SHAPES.values()]
    further = Upcaster(KeptAgain, lambda old: KeptOnceMore(old.reviewer, old.note, 0))
    install(monkeypatch, Codec(shapes, [UPCASTERS[0], further]))
    await world.append(stream, Kept("one"), KeptAgain("two"), KeptOnceMore("three"))
    assert [fact.event for fact in await read(world, stream)] == [
        KeptOnceMore("one", "unsaid", 0),
        KeptOnceMore("two", "said", 0),
        KeptOnceMore("three", "said", 5),
    ]
    assert CODEC.topics_of(KeptOnceMore) == ("contribution.kept.v1", "contribution.kept.v2", "contribution.kept.v3")


async def test_a_topic_that_nobody_knows_stops_every_reader_and_is_named_with_its_place(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.show()
    (position,) = await world.store.append([Draft(stream, 2, "contribution.sung.v9", b"{}", SLUG)])
    handle = Handle(world.store)
    follow_up = FollowUp(handle, world.sealer, FixedClock(), LetsIn(handle))
    readers: list[Callable[[], Awaitable[object]]] = [
        lambda: handle.load(CONTRIBUTION, stream),
        lambda: handle.contribution(stream, Withdraw(b"")),
        lambda: follow_up.status(stream, "0" * 32),
    ]
    for reader in readers:
        with pytest.raises(Unreadable, match=rf"^position {position}: unknown topic 'contribution\.sung\.v9'"):
            await reader()
    for name, projection in building.projections(world.sealer).items():
        with pytest.raises(Stopped, match=f"{name} stopped before position {position}: unknown topic"):
            await Runner(world.store, world.pool, projection).run()
        with pytest.raises(Stopped, match=f"position {position}"):
            await building.rebuild(world.store, world.pool, projection)
        with pytest.raises(Stopped, match=f"position {position}"):
            async with building.replayed(world.store, world.pool, projection, position):
                pass
    with pytest.raises(MapperDeserialisationError, match=f"stream {stream}, version 2: unknown topic"):
        await read(world, stream)


def test_the_next_release_differs_from_this_one() -> None:
    """Otherwise the tests above would show nothing."""
    assert {topic(shape) for shape in NEXT.values()}.isdisjoint(SHAPES)
