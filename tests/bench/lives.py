"""Lives of contributions as a consultation sees them: deposited, moderated, read and coded by two readers."""

import random
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain.contribution import Coded, Event, Kept, ReadingAssigned, ReviewAssigned, Submitted
from domain.sealed import Sealed

NOON: Final = datetime(2026, 9, 10, 12, tzinfo=UTC)
LEASE: Final = timedelta(minutes=30)
LIVES: Final = 20
EVENTS_A_LIFE: Final = 7
TEXT_BYTES: Final = 600


def life(number: int) -> tuple[Event, ...]:
    """Seven events: a deposit of some 600 bytes of text, one look, two readings. The same number gives the same life."""
    chance = random.Random(number)
    reviewer, *readers = (f"{chance.getrandbits(128):032x}" for _ in range(3))

    def some_id() -> UUID:
        return UUID(int=chance.getrandbits(128), version=4)

    sealed = Sealed(some_id(), chance.randbytes(12), chance.randbytes(TEXT_BYTES + 16))
    review, *readings = some_id(), some_id(), some_id()
    codes = [tuple(chance.sample(("access", "funding", "training", "archives", "rights"), chance.randint(1, 3))) for _ in readers]
    return (
        Submitted(
            "culture",
            "archives",
            2,
            "web",
            "amateur",
            "fr",
            TEXT_BYTES,
            False,
            False,
            chance.randbytes(32),
            chance.randbytes(32),
            sealed,
        ),
        ReviewAssigned(review, reviewer, "first", NOON + LEASE, 40),
        Kept(reviewer),
        *(ReadingAssigned(readings[n], readers[n], n + 1, NOON + 2 * LEASE, 60) for n in range(2)),
        *(Coded(readings[n], readers[n], 1, codes[n]) for n in range(2)),
    )
