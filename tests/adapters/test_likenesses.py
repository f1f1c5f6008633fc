"""Which texts resemble each other, told by what is forgotten together with their keys."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from adapters.embedded import Servers
from adapters.key_wrapping import Keks
from adapters.keyring import Key
from adapters.postgres.keyring import MIGRATIONS, PostgresKeyring
from adapters.postgres.likenesses import IN_A_BUCKET, TOLD, Arrived, Likenesses, Resembling
from adapters.postgres.migrate import migrate
from adapters.screening.plain import Plain
from adapters.screening.similarity import Similarity
from adapters.store import Unavailable
from tests.servers import fresh_keyring

KEY: Final = bytes(32)
CAMPAIGN: Final = "Nous demandons que toutes les bibliothèques ouvrent le dimanche, avec du personnel formé et payé pour cela."
EDITED: Final = CAMPAIGN.replace("Nous demandons", "Avec mes voisins nous demandons")
OTHER: Final = "Les fêtes de quartier manquent de chaises, de lumière et de musique ; que la mairie en prête à qui en demande."
WAITING: Final = """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
KEPT: Final = (
    "SELECT (SELECT count(*) FROM keyring.likeness WHERE stream = $1) + (SELECT count(*) FROM keyring.bucket WHERE stream = $1)"
)


@pytest.fixture
async def url(servers: Servers) -> str:
    url = await fresh_keyring(servers)
    await migrate(url, MIGRATIONS)
    return url


@pytest.fixture
async def likenesses(url: str) -> AsyncIterator[Likenesses]:
    async with Likenesses.connected(url) as likenesses:
        yield likenesses


@pytest.fixture
async def keyring(url: str) -> AsyncIterator[PostgresKeyring]:
    keyring = await PostgresKeyring.connect(url, Keks.fixed(KEY))
    yield keyring
    await keyring.close()


def arrived(text: str, arrival: int, stream: UUID | None = None, key: bytes = KEY) -> Arrived:
    return Arrived(stream or uuid4(), arrival, Similarity(key).of(Plain(text)))


async def rows(url: str, stream: UUID) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(KEPT, stream))
    finally:
        await connection.close()


async def test_a_text_is_told_from_earlier_ones_the_nearest_first(likenesses: Likenesses) -> None:
    first, other, edited, copy = [
        arrived(text, arrival) for arrival, text in enumerate([CAMPAIGN, OTHER, EDITED, CAMPAIGN.upper()], start=1)
    ]
    await likenesses.keep([first, other, edited, copy])

    of_first, of_other, of_edited, of_copy = await likenesses.resembling([first, other, edited, copy])
    assert (of_first, of_other) == ([], [])
    assert [(each.stream, each.exact) for each in of_edited] == [(first.stream, False)]
    assert 0.7 <= of_edited[0].similarity < 1
    assert of_copy == [Resembling(first.stream, 1.0, exact=True), Resembling(edited.stream, of_edited[0].similarity, exact=False)]


async def test_what_is_compared_does_not_depend_on_what_came_later(likenesses: Likenesses) -> None:
    texts = [arrived(text, arrival) for arrival, text in enumerate([CAMPAIGN, EDITED, CAMPAIGN, OTHER], start=1)]
    one_by_one = []
    for each in texts:
        await likenesses.keep([each])
        one_by_one += await likenesses.resembling([each])

    await likenesses.keep(texts)
    assert await likenesses.resembling(texts) == one_by_one
    assert await likenesses.latest() == 4


async def test_texts_of_two_consultations_are_not_compared(likenesses: Likenesses) -> None:
    here, there = arrived(CAMPAIGN, 1), arrived(CAMPAIGN, 2, key=bytes([1]) * 32)
    await likenesses.keep([here, there])

    assert await likenesses.resembling([there]) == [[]]


async def test_of_many_copies_the_first_to_arrive_are_told(likenesses: Likenesses) -> None:
    copies = [arrived(CAMPAIGN, arrival) for arrival in range(1, 3 * IN_A_BUCKET)]
    await likenesses.keep(copies)

    (told,) = await likenesses.resembling(copies[-1:])
    assert told == [Resembling(each.stream, 1.0, exact=True) for each in copies[:TOLD]]


async def test_nothing_to_keep_and_nothing_to_compare(likenesses: Likenesses) -> None:
    await likenesses.keep([])

    assert await likenesses.resembling([]) == []
    assert await likenesses.latest() == 0


async def test_destroying_the_keys_of_a_text_takes_its_likeness_along(
    likenesses: Likenesses, keyring: PostgresKeyring, url: str
) -> None:
    gone, stays, later = arrived(CAMPAIGN, 1), arrived(CAMPAIGN, 2), arrived(CAMPAIGN, 3)
    await likenesses.keep([gone, stays])
    await keyring.insert([Key(uuid4(), gone.stream, bytes(32))])
    assert await keyring.destroy(gone.stream) == 1

    assert await rows(url, gone.stream) == 0
    assert [each.stream for each in (await likenesses.resembling([later]))[0]] == [stays.stream]


async def test_nothing_is_kept_of_a_text_that_has_been_erased(likenesses: Likenesses, keyring: PostgresKeyring, url: str) -> None:
    late, neighbour = arrived(CAMPAIGN, 1), arrived(OTHER, 2)
    await keyring.destroy(late.stream)
    await likenesses.keep([late, neighbour])

    assert await rows(url, late.stream) == 0
    assert await rows(url, neighbour.stream) == 1 + len(neighbour.likeness.buckets)


async def test_an_erasure_waits_for_a_likeness_under_way_and_takes_it_along(keyring: PostgresKeyring, url: str) -> None:
    raced = arrived(CAMPAIGN, 1)
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute(
            "SELECT keyring.keep_likenesses($1, $2, $3, $4, $5, $6)",
            [raced.stream], [1], [raced.likeness.digest], [raced.likeness.signature], [raced.stream], raced.likeness.buckets[:1],
        )  # fmt: skip
        erasing = asyncio.create_task(keyring.destroy(raced.stream))
        while not await other.fetch(WAITING):
            assert not erasing.done()
    await erasing
    await other.close()

    assert await rows(url, raced.stream) == 0


async def test_likenesses_and_erasures_at_the_same_time_leave_nothing_of_what_is_erased(
    likenesses: Likenesses, keyring: PostgresKeyring, url: str
) -> None:
    texts = [arrived(f"{CAMPAIGN} {number}", number) for number in range(1, 21)]
    await asyncio.gather(*(act for each in texts for act in (likenesses.keep([each]), keyring.destroy(each.stream))))

    assert [await rows(url, each.stream) for each in texts] == [0] * 20


async def test_a_server_that_is_away_means_unavailable() -> None:
    with pytest.raises(Unavailable, match="PostgreSQL is away"):
        async with Likenesses.connected("postgresql://registre@127.0.0.1:1/registre"):
            pass
