"""`python -m service.computing PARENT SLUG POSITION KIND`: computes and keeps the measures of one position, then ends.

KIND is `asked` for a position that somebody asked for, `regular` for the latest one, which a later one replaces.
"""

import os
import sys

import uvloop

from adapters.postgres.pool import server_may_be_away
from projections.treatment.measures import views
from projections.treatment.measures.computing import computed
from service import logs
from service.children import die_with_parent, stand_back
from service.collecting import collect_rarely
from service.located import locate
from service.settings import Settings
from service.upkeep import opened


async def compute(settings: Settings, slug: str, position: int, *, asked: bool) -> None:
    """Compute the documents of one position, and keep them. Raises Unavailable, Unreadable, CorruptHistory."""
    async with opened(locate(settings)) as on:
        documents = await computed(on.store, on.sealer, slug, position)
        async with server_may_be_away(), on.pool.acquire() as connection, connection.transaction():
            await views.keep(connection, documents, asked=asked)


def main() -> None:
    parent, slug, position, kind = sys.argv[1:]
    die_with_parent(int(parent))
    stand_back()
    settings = Settings.from_env(os.environ)
    logs.configure(settings)
    collect_rarely()
    uvloop.run(compute(settings, slug, int(position), asked=kind == "asked"))


if __name__ == "__main__":
    main()
