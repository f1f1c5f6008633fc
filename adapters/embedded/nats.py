"""NATS with JetStream in the data folder: on loopback, by user and password."""

import contextlib
import signal
from typing import Final

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from adapters.embedded.errors import ServerFailed
from adapters.embedded.folder import DataFolder, make_private, write_private
from adapters.embedded.process import Child, Program
from adapters.embedded.programs import nats_server

USER: Final = "registre"
START_S: Final = 30.0
STOP_S: Final = 15.0
ATTEMPTS: Final = 3
MAX_PAYLOAD_BYTES: Final = 8 * 1024 * 1024


class Nats:
    """The NATS server of a data folder. `start` also works after any crash, of the server or of the process that held the folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.port = 0
        self._folder = folder
        self._home = folder.path / "nats"
        self._config = self._home / "nats.conf"
        self._child = Child(folder, "nats-server", str(self._config))

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def url(self) -> str:
        """How to connect. The port may change at each start."""
        return f"nats://{USER}:{self._folder.password('nats')}@127.0.0.1:{self.port}"

    def running(self) -> bool:
        return self._child.running()

    async def start(self) -> None:
        """Start and return once JetStream answers. Does nothing while it runs. Raises ServerFailed."""
        if self.running():
            return
        make_private(self._home)
        await self._child.end_orphan(self._stated_pid(), signal.SIGTERM, STOP_S)
        for left in reversed(range(ATTEMPTS)):
            self.port = self._child.port()
            write_private(self._config, msgspec.json.format(msgspec.json.encode(self._configuration()), indent=2))
            self._child.spawn(Program([str(nats_server()), "-c", str(self._config)], cwd=self._home, identity={}), self.port)
            try:
                await self._child.answers(self._answers, START_S)
            except ServerFailed as failure:
                await self.stop()
                if not left or "address already in use" not in str(failure):
                    raise
            else:
                return

    async def stop(self) -> None:
        """End it: messages that were acknowledged are in its files."""
        await self._child.stop(signal.SIGTERM, STOP_S)

    def _configuration(self) -> dict[str, object]:
        """Paths are relative to the folder, which may be moved while nothing runs.

        JetStream keeps its default of syncing files every two minutes: a killed server loses nothing by it, and what a power failure may take
        from the end of a stream the relay publishes again from the log, at the same sequence.
        """
        return {
            "server_name": "registre",
            "listen": f"127.0.0.1:{self.port}",
            "pid_file": "nats.pid",
            "max_payload": MAX_PAYLOAD_BYTES,
            "authorization": {"user": USER, "password": self._folder.password("nats")},
            "jetstream": {"store_dir": "store"},
        }

    async def _answers(self) -> bool:
        client = Client()
        try:
            # Of the client's own attempts only the first is wanted: the caller asks again, and looks whether the server still runs.
            await client.connect(
                self.url,
                allow_reconnect=False,
                connect_timeout=2,
                reconnect_time_wait=0,
                max_reconnect_attempts=1,
                error_cb=ignore,
            )
            await client.jetstream().account_info()
        except (OSError, TimeoutError, NatsError):
            return False
        finally:
            await client.close()
        return True

    def _stated_pid(self) -> int | None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((self._home / "nats.pid").read_text())
        return None


async def ignore(_: Exception) -> None:
    """The caller asks again; nothing is wrong while the server starts."""
