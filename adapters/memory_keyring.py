"""A keyring in memory: for tests, and for whoever embeds the sealer without a database. It forgets with its process."""

from collections.abc import Sequence
from uuid import UUID

from adapters.keyring import Key


class MemoryKeyring:
    """Implements Keyring."""

    def __init__(self) -> None:
        self._keys: dict[UUID, Key] = {}
        self._destroyed: set[UUID] = set()

    async def insert(self, keys: Sequence[Key]) -> frozenset[UUID]:
        self._keys |= {key.id: key for key in keys if key.stream not in self._destroyed}
        return frozenset(key.stream for key in keys) & self._destroyed

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, Key]:
        return {each: self._keys[each] for each in ids if each in self._keys}

    async def destroy(self, stream: UUID) -> int:
        self._destroyed.add(stream)
        gone = [key.id for key in self._keys.values() if key.stream == stream]
        for each in gone:
            del self._keys[each]
        return len(gone)

    async def destroyed_among(self, streams: Sequence[UUID]) -> frozenset[UUID]:
        return frozenset(streams) & self._destroyed

    async def destroyed_streams(self) -> list[UUID]:
        return sorted(self._destroyed)

    async def close(self) -> None:
        """Nothing to let go of."""
