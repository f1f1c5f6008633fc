"""The embedded default: real PostgreSQL and NATS from wheels, in a data folder that one process holds."""

from adapters.embedded.errors import EmbeddedError, FolderExposed, FolderHeld, KekLost, ServerFailed
from adapters.embedded.folder import DataFolder
from adapters.embedded.nats import Nats
from adapters.embedded.postgres import Postgres

__all__ = ["DataFolder", "EmbeddedError", "FolderExposed", "FolderHeld", "KekLost", "Nats", "Postgres", "ServerFailed", "Servers"]


class Servers:
    """Both servers of a folder that the caller holds. Each can be started again by itself after it died.

    A server that starts again takes another port where its own is taken: read the URLs after each start.
    """

    def __init__(self, folder: DataFolder) -> None:
        self.postgres = Postgres(folder)
        self.nats = Nats(folder)

    @classmethod
    async def start(cls, folder: DataFolder) -> "Servers":
        """Both servers, answering; orphans of a killed holder are stopped first. Raises ServerFailed, and leaves nothing running then."""
        servers = cls(folder)
        try:
            await servers.postgres.start()
            await servers.nats.start()
        except BaseException:
            await servers.stop()
            raise
        return servers

    async def stop(self) -> None:
        """Stop both, each within a bound and by force after it."""
        try:
            await self.nats.stop()
        finally:
            await self.postgres.stop()

    @property
    def database_url(self) -> str:
        """The event store and the read models, as the service."""
        return self.postgres.url("registre", "registre")

    @property
    def migration_url(self) -> str:
        """The same database as the role that owns it."""
        return self.postgres.url("registre_owner", "registre")

    @property
    def keyring_url(self) -> str:
        """The keyring, as its own role: no other may connect."""
        return self.postgres.url("registre_keyring", "registre_keyring")

    @property
    def nats_url(self) -> str:
        return self.nats.url
