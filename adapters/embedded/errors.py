"""Why the embedded servers do not run. Every message is a plain sentence for whoever typed the command."""

from datetime import datetime
from pathlib import Path


class EmbeddedError(Exception):
    """The embedded servers cannot run."""


class FolderHeld(EmbeddedError):  # noqa: N818 - a refusal with an answer, not a fault
    """Another process serves from this data folder. `pid` and `since` are None where the holder has not said yet."""

    def __init__(self, path: Path, pid: int | None, since: datetime | None, command: str = "") -> None:
        who = f"process {pid} (`{command}`) since {since:%Y-%m-%d %H:%M:%S %Z}" if pid and since else "a process that is starting"
        super().__init__(f"The data folder {path} is held by {who}. End it first, or name another folder with --data.")
        self.pid = pid
        self.since = since


class FolderExposed(EmbeddedError):  # noqa: N818 - a refusal with an answer, not a fault
    """Somebody else could read or replace what the data folder holds."""


class KekLost(EmbeddedError):  # noqa: N818 - says what happened
    """The folder has a database, and not the key-encryption key of its keyring: with another, what is sealed could not be read."""


class ServerFailed(EmbeddedError):  # noqa: N818 - says what happened to a server, in the past tense
    """A server did not start, or did not answer in time; the message ends with the tail of its log."""
