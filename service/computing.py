"""Computes and keeps the measures of equal treatment, then ends.

`python -m service.computing PARENT wanted` computes every position that is asked for, `... PARENT SLUG POSITION KIND` one: KIND is `asked`
where it is kept, `regular` where a later one replaces it.
"""

import os
import sys

import uvloop

from adapters.postgres.pool import server_may_be_away
from projections.treatment.measures import views
from projections.treatment.measures.computing import computed
from projections.treatment.measures.views import Wanted
from service import logs
from service.children import die_with_parent, stand_back
from service.collecting import collect_rarely
from service.located import locate
from service.settings import Settings
from service.upkeep import Opened, opened


async def compute(on: Opened, of: Wanted, *, asked: bool) -> None:
    """Compute the documents of one position, and keep them. Raises Unavailable, Unreadable, CorruptHistory."""
    documents = await computed(on.store, on.sealer, of.consultation, of.position)
    async with server_may_be_away(), on.pool.acquire() as connection, connection.transaction():
        await views.keep(connection, documents, asked=asked)
        await views.answered(connection, of)


async def every_wanted(on: Opened) -> None:
    """Compute what is asked for until nothing is; one that cannot be computed stands behind the others from then on. Raises as `compute`."""
    while wanted := await views.next_wanted(on.pool):
        try:
            await compute(on, wanted, asked=True)
        except Exception:
            await views.postponed(on.pool, wanted)
            raise


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
