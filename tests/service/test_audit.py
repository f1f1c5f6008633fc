"""The log is told in small pieces: what a slow reader has not taken yet stands in the server's memory."""

import msgspec
import pytest

from adapters.memory import MemoryStore
from adapters.ndjson import Line
from adapters.store import Draft
from domain.record import consultation_stream
from service.http.audit import PAGE, _lines
from service.http.bodies import PIECE_BYTES

LARGE = b'{"text":"%s"}' % (b"x" * 3 * PIECE_BYTES)


@pytest.mark.parametrize("limit", [None, 1, PAGE, PAGE + 7])
async def test_pieces_are_small_and_together_they_are_the_log(limit: int | None) -> None:
    store, stream = MemoryStore(), consultation_stream("culture")
    states = [LARGE if number % 100 == 1 else b"{}" for number in range(1, PAGE + 20)]
    await store.append([Draft(stream, number, "noun.happened.v1", state, "culture") for number, state in enumerate(states, 1)])

    pieces = [piece async for piece in _lines(store, 0, len(states), limit, None)]

    assert max(map(len, pieces)) <= PIECE_BYTES
    told = [msgspec.json.decode(line, type=Line) for line in b"".join(pieces).splitlines()]
    assert [(each.position, bytes(each.event)) for each in told] == list(enumerate(states, 1))[:limit]
