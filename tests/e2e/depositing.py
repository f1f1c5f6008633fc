"""A second process that deposits: `python -m tests.e2e.depositing DATABASE_URL THEME COUNT`; it waits for a line on its standard input.

Prints one JSON line: what became of each deposit, a receipt's contribution id or the code of the refusal.
"""

import asyncio
import json
import sys

from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.store import PostgresStore
from adapters.sealing import KeyringSealer
from domain.errors import Refused
from service.deposits import Deposit, Deposits
from service.handler import Handle
from tests.service.definitions import PROMISES, SLUG

SECRET = b"s" * 32


async def outcome(deposits: Deposits, theme: str, key: str) -> tuple[str, str]:
    """("accepted", contribution id) or ("refused", code)."""
    try:
        receipt = await deposits.accept(SLUG, key, Deposit(theme, 1, f"Une idée pour {theme}, {key}."))
    except Refused as refusal:
        return "refused", refusal.code
    return "accepted", str(receipt.contribution)


async def main(url: str, theme: str, count: int) -> None:
    store = await PostgresStore.connect(url)
    deposits = Deposits(Handle(store), KeyringSealer(MemoryKeyring()), SECRET, PROMISES)
    await deposits.warm(SLUG)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    outcomes = await asyncio.gather(*(outcome(deposits, theme, f"other-{theme}-{number:020}") for number in range(count)))
    print(json.dumps(outcomes), flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
