"""Computes and keeps the measures of equal treatment, then ends.

`python -m service.computing PARENT wanted` computes every position that is asked for, `... PARENT SLUG POSITION KIND` one: KIND is `asked`
where it is kept, `regular` where a later one replaces it.
"""

import os
import sys
import time
from typing import Final

import structlog
import uvloop

from adapters.postgres.pool import server_may_be_away
from adapters.store import Unavailable
from projections.treatment.measures import views
from projections.treatment.measures.computing import computed
from projections.treatment.measures.views import Wanted
from service import logs
from service.children import die_with_parent, stand_back
from service.collecting import collect_rarely
from service.located import locate
from service.settings import Settings
from service.upkeep import Opened, opened

PORTION_S: Final = 20.0
"""Of what is asked for, before the others have their turn."""

_log = structlog.get_logger()


async def compute(on: Opened, of: Wanted, *, asked: bool) -> None:
    """Compute the documents of one position, and keep them. Raises Unavailable, Unreadable, CorruptHistory."""
    documents = await computed(on.store, on.sealer, of.consultation, of.position)
    async with server_may_be_away(), on.pool.acquire() as connection, connection.transaction():
        await views.keep(connection, documents, asked=asked)
        await views.answered(connection, of)


async def every_wanted(on: Opened, portion_s: float = PORTION_S) -> None:
    """Compute what is asked for until nothing is, or the time is up; what cannot be computed stands aside. Raises Unavailable."""
    until = time.monotonic() + portion_s
    while time.monotonic() < until and (wanted := await views.next_wanted(on.pool)):
        await views.begun(on.pool, wanted)
        try:
            await compute(on, wanted, asked=True)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one consultation, the others are measured
            _log.exception("measures stand aside", consultation=wanted.consultation, position=wanted.position)
            await views.put_aside(on.pool, wanted)


async def work(settings: Settings, arguments: list[str]) -> None:
    async with opened(locate(settings)) as on:
        match arguments:
            case ["wanted"]:
                await every_wanted(on)
            case [slug, position, kind]:
                await compute(on, Wanted(slug, int(position)), asked=kind == "asked")
            case _:
                raise ValueError(arguments)


def main() -> None:
    parent, *arguments = sys.argv[1:]
    die_with_parent(int(parent))
    stand_back()
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    collect_rarely()
    uvloop.run(work(settings, arguments))


if __name__ == "__main__":
    main()
