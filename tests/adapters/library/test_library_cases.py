"""The eventsourcing package's own cases, unmodified, against the recorders over our store: the library's judgement of it."""

from collections.abc import Iterator

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, ProcessRecorder, TrackingRecorder
from eventsourcing.tests import application as applications
from eventsourcing.tests import persistence as cases
from eventsourcing.utils import Environment, get_topic

from adapters.embedded import Servers
from adapters.library import Factory
from adapters.library.recorders import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
)
from tests.servers import fresh_database


@pytest.fixture
async def url(servers: Servers) -> str:
    """Of an empty database, not migrated yet, as the role that owns it: as somebody would try the package."""
    return (await fresh_database(servers)).owner_url


class OnOurStore:
    """A database and a factory for each case."""

    @pytest.fixture(autouse=True)
    def _factory(self, url: str) -> Iterator[None]:
        self.factory = Factory(Environment("Cases", {"REGISTRE_DATABASE_URL": url}))
        yield
        self.factory.close()


class TestStreams(OnOurStore, cases.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.factory.aggregate_recorder()


class TestSnapshots(OnOurStore, cases.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.factory.aggregate_recorder("snapshots")


class TestLog(OnOurStore, cases.ApplicationRecorderTestCase[LogApplicationRecorder]):
    def create_recorder(self) -> LogApplicationRecorder:
        return self.factory.application_recorder()

    def test_insert_subscribe(self) -> None:
        """The package leaves it to its users to call this one."""
        self.optional_test_insert_subscribe()


class TestTracking(OnOurStore, cases.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.factory.tracking_recorder()


class TestProcess(OnOurStore, cases.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.factory.process_recorder()


class TestAppendsDoNotInterleave(OnOurStore, cases.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.factory.application_recorder()


class SubclassedTrackingRecorder(LogTrackingRecorder):
    """Named by its topic."""


class TestFactory(cases.InfrastructureFactoryTestCase[Factory]):
    @pytest.fixture(autouse=True)
    def _environment(self, url: str) -> None:
        self.env = Environment("Cases", {"PERSISTENCE_MODULE": "adapters.library", "REGISTRE_DATABASE_URL": url})
        super().setUp()

    def setUp(self) -> None:
        """Called before the fixture: there is no database yet."""

    def expected_factory_class(self) -> type[Factory]:
        return Factory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return LogAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return LogApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return LogTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return SubclassedTrackingRecorder

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return LogProcessRecorder


class InTheEnvironment:
    @pytest.fixture(autouse=True)
    def _environment(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PERSISTENCE_MODULE", "adapters.library")
        monkeypatch.setenv("REGISTRE_DATABASE_URL", url)


class TestExampleApplication(InTheEnvironment, applications.ExampleApplicationTestCase):
    expected_factory_topic = get_topic(Factory)


@pytest.mark.filterwarnings("default:'log' is deprecated")  # one case asks whether the package warns
class TestApplication(InTheEnvironment, applications.ApplicationTestCase):
    pass
