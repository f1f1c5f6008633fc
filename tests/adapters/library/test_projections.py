"""The package's projections over our recorders: its own cases, unmodified, and what a view can rely on."""

from collections.abc import Awaitable, Iterator
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError, ProgrammingError, StoredEvent, Tracking
from eventsourcing.projection import ProjectionRunner
from eventsourcing.tests import projection as cases

from adapters.embedded import Servers
from adapters.library import Factory
from adapters.library.recorders import LogTrackingRecorder
from adapters.postgres.processing import Connection
from tests.servers import fresh_database

CREATE = "CREATE TABLE IF NOT EXISTS counted (kind text PRIMARY KEY, times integer NOT NULL)"
COUNT = "INSERT INTO counted VALUES ($1, 1) ON CONFLICT (kind) DO UPDATE SET times = counted.times + 1"
COUNTED = "SELECT coalesce(max(times), 0) FROM counted WHERE kind = $1"


class CountersView(LogTrackingRecorder, cases.EventCountersView):
    """Counters in a table, moved in the transaction that records the tracking."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ask(lambda connection: connection.execute(CREATE))

    def get_created_event_counter(self) -> int:
        return self._counted("created")

    def get_subsequent_event_counter(self) -> int:
        return self._counted("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._count("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._count("subsequent", tracking)

    def _counted(self, kind: str) -> int:
        def asked(connection: Connection) -> Awaitable[int]:
            return connection.fetchval(COUNTED, kind)

        return self.ask(asked)

    def _count(self, kind: str, tracking: Tracking) -> None:
        self.transact(tracking, lambda connection: connection.execute(COUNT, kind))


@pytest.fixture
async def url(servers: Servers) -> str:
    return (await fresh_database(servers)).owner_url


def view_of(factory: Factory) -> CountersView:
    return cast("CountersView", factory.tracking_recorder(CountersView))


class OnOurStore:
    @pytest.fixture(autouse=True)
    def _environment(self, url: str) -> None:
        type(self).env = {"PERSISTENCE_MODULE": "adapters.library", "REGISTRE_DATABASE_URL": url}  # type: ignore[attr-defined]  # the cases' own


class TestView(cases.EventCountersViewTestCase):
    @pytest.fixture(autouse=True)
    def _factory(self, url: str) -> Iterator[None]:
        self.factory = Factory({"REGISTRE_DATABASE_URL": url})
        yield
        self.factory.close()

    def construct_event_counters_view(self) -> cases.EventCountersView:
        return view_of(self.factory)


class TestProjection(OnOurStore, cases.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class TestEventSourcedProjection(cases.EventSourcedProjectionTestCase):
    """What it writes goes to a log of its own: in the one that it follows it would meet its own events, and count them for ever."""

    @pytest.fixture(autouse=True)
    async def _environment(self, servers: Servers) -> None:
        followed, own = [(await fresh_database(servers)).owner_url for _ in range(2)]
        type(self).env = {
            "PERSISTENCE_MODULE": "adapters.library",
            "REGISTRE_DATABASE_URL": followed,
            "COUNTERS_REGISTRE_DATABASE_URL": own,
        }


def test_a_projection_goes_on_where_it_stood(url: str) -> None:
    env = {"PERSISTENCE_MODULE": "adapters.library", "REGISTRE_DATABASE_URL": url}
    for times in (1, 2):
        with ProjectionRunner(
            application_class=Application[UUID],
            projection_class=cases.AggregateEventCountersProjection,
            view_class=CountersView,
            env=env,
        ) as runner:
            (recording,) = runner.app.save(Aggregate())
            runner.wait(recording.notification.id, timeout=10)
            assert runner.view.get_created_event_counter() == times


def test_effects_that_fail_leave_no_tracking_and_a_tracking_that_is_refused_leaves_no_effects(url: str) -> None:
    view = view_of(Factory({"REGISTRE_DATABASE_URL": url}))

    async def failing(connection: Connection) -> None:
        await connection.execute(COUNT, "created")
        raise KeyError("created")

    with pytest.raises(KeyError):
        view.transact(Tracking("upstream", 1), failing)
    assert (view.get_created_event_counter(), view.max_tracking_id("upstream")) == (0, None)
    view.incr_created_event_counter(Tracking("upstream", 1))
    with pytest.raises(IntegrityError):
        view.incr_created_event_counter(Tracking("upstream", 1))
    assert (view.get_created_event_counter(), view.max_tracking_id("upstream")) == (1, 1)


def test_a_process_records_its_events_with_the_tracking_or_neither(url: str) -> None:
    recorder = Factory({"REGISTRE_DATABASE_URL": url}).process_recorder()
    stream = uuid4()
    assert recorder.insert_events([StoredEvent(stream, 1, "a:Topic", b"")], tracking=Tracking("upstream", 1)) == [1]
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent(stream, 2, "a:Topic", b"")], tracking=Tracking("upstream", 1))
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent(stream, 1, "a:Topic", b"")], tracking=Tracking("upstream", 2))
    assert len(recorder.select_events(stream)) == 1
    assert recorder.max_tracking_id("upstream") == 1


def test_a_precondition_beside_a_tracking_is_refused_and_not_ignored(url: str) -> None:
    recorder = Factory({"REGISTRE_DATABASE_URL": url}).process_recorder()
    with pytest.raises(ProgrammingError, match="given"):
        recorder.insert_events([StoredEvent(uuid4(), 1, "a:Topic", b"")], tracking=Tracking("upstream", 1), given={uuid4(): 7})
    assert (recorder.max_notification_id(), recorder.max_tracking_id("upstream")) == (None, None)
