"""The port of the keyring: where the keys of sealed texts rest, apart from the log."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct


class Key(Struct, frozen=True):
    """The key of one record. Its secret shows in no representation."""

    id: UUID
    stream: UUID
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id}, stream={self.stream})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """As `__repr__`: tracebacks printed by rich show local variables."""
        return [("id", self.id), ("stream", self.stream)]


class Keyring(Protocol):
    """Keys are inserted once, never changed, and destroyed by stream. Every method raises Unavailable when the server is away."""

    async def insert(self, keys: Sequence[Key]) -> frozenset[UUID]:
        """Keep `keys`, durably, but those of streams that have been destroyed: these streams are returned. Ids are new."""
        ...

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Key]:
        """Those of the keys that the keyring holds, by id, in one round trip."""
        ...

    async def destroy(self, stream: UUID) -> int:
        """Destroy every key of the stream and refuse new ones for ever. Returns how many keys went: 0 when repeated.

        Exact: an insert that runs at the same time either ends before, and its keys go too, or is refused.
        """
        ...

    async def destroyed_among(self, streams: Sequence[UUID]) -> frozenset[UUID]:
        """Those of `streams` that have been destroyed."""
        ...

    async def destroyed_streams(self) -> list[UUID]:
        """Every destroyed stream, sorted."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
