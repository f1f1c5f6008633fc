"""The whole service with sealing replaced by the identity: `python -m tests.bench.unsealed serve --data FOLDER`. For measuring alone.

No setting of the service leads here: the supervisor is told to run this module in its children, which put another sealer in the sealer's place.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec

from adapters.keyring import Keyring
from adapters.sealing import Closing, Opening, Unsealed
from domain.sealed import Sealed
from service import logs, processes, supervisor, wiring
from service.children import die_with_parent
from service.cli import main as command_line
from service.patience import Patience
from service.settings import Settings

HERE = "tests.bench.unsealed"


class Identity:
    """Implements Sealer, and seals nothing: what it returns holds the text in clear."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(self, items: Sequence[Closing]) -> list[Sealed]:
        return [Sealed(uuid4(), bytes(12), msgspec.json.encode(Unsealed(dict(item.fields), item.blind))) for item in items]

    async def unseal(self, items: Sequence[Opening]) -> list[Unsealed | None]:
        return [msgspec.json.decode(item.sealed.ciphertext, type=Unsealed) for item in items]

    async def destroy(self, stream: UUID) -> int:
        return await self._keyring.destroy(stream)

    async def destroyed_streams(self) -> list[UUID]:
        return await self._keyring.destroyed_streams()

    async def close(self) -> None:
        await self._keyring.close()


def application() -> Patience:
    """What each of Granian's workers loads."""
    _replace()
    return processes.application()


def _replace() -> None:
    unsealing: Any = wiring
    unsealing.KeyringSealer = Identity


def _child(kind: str, parent: int) -> None:
    die_with_parent(parent)
    _replace()
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    if kind == "work":
        processes.serve_work(settings)
    else:
        processes.http_server(f"{HERE}:application", settings.host, settings.port, settings.workers).serve()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        supervisor.PROCESSES = HERE
        command_line()
    else:
        _child(sys.argv[1], int(sys.argv[2]))
