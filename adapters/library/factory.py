"""The package's infrastructure factory for our store."""

from typing import Any, Final

from eventsourcing.persistence import AggregateRecorder, InfrastructureFactory, InfrastructureFactoryError
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool

from adapters.library.connections import Connections
from adapters.library.recorders import (
    LogAggregateRecorder,
    LogApplicationRecorder,
    LogProcessRecorder,
    LogTrackingRecorder,
    SnapshotRecorder,
)

DATABASE_URL: Final = "REGISTRE_DATABASE_URL"
MIGRATION_URL: Final = "REGISTRE_MIGRATION_URL"
CREATE_TABLE: Final = "CREATE_TABLE"


class Factory(InfrastructureFactory[LogTrackingRecorder]):
    """Recorders over the log that REGISTRE_DATABASE_URL names.

    With CREATE_TABLE (the default, as everywhere in the package) missing migrations are applied first, as the role of REGISTRE_MIGRATION_URL
    or else of REGISTRE_DATABASE_URL. All applications on one database share one log.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Raises InfrastructureFactoryError without a URL."""
        super().__init__(env)
        url = self.env.get(DATABASE_URL)
        if not url:
            raise InfrastructureFactoryError(f"{DATABASE_URL} is missing: the URL of the PostgreSQL database that holds the log")
        migrates = strtobool(self.env.get(CREATE_TABLE) or "yes")
        migration_url = (self.env.get(MIGRATION_URL) or url) if migrates else None
        self._connections = Connections(url, self.env.name.lower(), migration_url)

    def close(self) -> None:
        """Let go of every connection, and end the thread. The recorders refuse to work from then on."""
        self._connections.close()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Streams of the log for events, a table apart for snapshots."""
        if purpose == "events":
            return LogAggregateRecorder(self._connections)
        return SnapshotRecorder(self._connections, f"{self.env.name.lower()}:{purpose}")

    def application_recorder(self) -> LogApplicationRecorder:
        recorder: type[LogApplicationRecorder] = self._chosen(self.APPLICATION_RECORDER_TOPIC, LogApplicationRecorder)
        return recorder(self._connections)

    def tracking_recorder(self, tracking_recorder_class: type[LogTrackingRecorder] | None = None) -> LogTrackingRecorder:
        recorder = tracking_recorder_class or self._chosen(self.TRACKING_RECORDER_TOPIC, LogTrackingRecorder)
        return recorder(self._connections)

    def process_recorder(self) -> LogProcessRecorder:
        recorder: type[LogProcessRecorder] = self._chosen(self.PROCESS_RECORDER_TOPIC, LogProcessRecorder)
        return recorder(self._connections)

    def _chosen(self, variable: str, kind: type[Any]) -> type[Any]:
        """The class that the environment names, which must be one of a kind. Raises InfrastructureFactoryError."""
        topic = self.env.get(variable)
        if not topic:
            return kind
        chosen = resolve_topic(topic)
        if not (isinstance(chosen, type) and issubclass(chosen, kind)):
            raise InfrastructureFactoryError(f"{variable}={topic} is no {kind.__name__}")
        return chosen
