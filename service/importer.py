"""Deposit the rows of a file over HTTP: each once, however often it is run, and every one accounted for."""

import asyncio
import csv
import hmac
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct, field

from service.answers import Theme
from service.client import Client, Told, explanation
from service.kept import Receipts, Source, begun
from service.rows import Columns, Row, digest, read, slugged

T = TypeVar("T")

RULES: Final = frozenset({400, 409, 410, 413, 422})
"""What a row is answered that the service does not take: for what it holds, or for what the rules say of it now."""


def key(salt: bytes, row: int) -> str:
    """The Idempotency-Key of a row: the same at each run, and told by nothing that the row holds, so that equal rows stay two deposits."""
    return urlsafe_b64encode(hmac.digest(salt, b"row %d" % row, "sha256")).rstrip(b"=").decode()


class Refusal(Struct, frozen=True):
    row: int
    code: str
    detail: str


class Tally(Struct):
    """rows = received + already + refused + failed, once every row has been tried."""

    rows: int = 0
    received: int = 0
    already: int = 0
    """Those whose receipt an earlier run has brought home."""
    refused: list[Refusal] = field(default_factory=list)
    """By a rule: another run would be refused too, as things stand."""
    failed: list[Refusal] = field(default_factory=list)
    """For any other reason: another run may succeed."""

    @property
    def done(self) -> int:
        return self.received + self.already + len(self.refused) + len(self.failed)

    @property
    def line(self) -> str:
        """In one line that adds up."""
        failed = f" + {len(self.failed)} failed" if self.failed else ""
        return f"{self.rows} rows = {self.received} received + {self.already} already there + {len(self.refused)} refused{failed}"

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were not received, by code, the most frequent first."""
        return dict(Counter(refusal.code for refusal in (*self.refused, *self.failed)).most_common())


class Order(Struct, frozen=True):
    """One import, as it was asked for."""

    file: Path
    consultation: str
    columns: Columns
    channel: str
    """Of rows that name none."""
    theme_map: dict[str, str]
    """Theme ids by what the file calls them, where its titles do not say."""
    state: Path
    at_once: int


class Destination(Struct, frozen=True):
    """Where rows go."""

    consultation: str
    charter: int
    """Version in force: importing a contribution says that its author consented to it."""
    theme_of: Callable[[str], str]
    """The id of the theme that a row names."""


def themes_by_name(themes: Iterable[Theme], mapped: Mapping[str, str]) -> Callable[[str], str]:
    """How a row's theme becomes an id: as mapped, else an id as it stands, else by its title. What is no theme the service refuses."""
    ids = {theme.id for theme in themes}
    titles = {slugged(theme.title): theme.id for theme in themes}

    def theme_of(name: str) -> str:
        if name in mapped:
            return mapped[name]
        slug = slugged(name)
        return name if name in ids else slug if slug in ids else titles.get(slug, slug)

    return theme_of


async def import_file(
    url: str, order: Order, told: Callable[[int, int], None], waiting: Callable[[str], None] = lambda _: None
) -> Tally:
    """Deposit the rows of a file. `told` hears how many are done of how many, `waiting` that the service does not answer.

    Raises FileRefused before anything is sent, StateDiffers, Told for a consultation that is not there, Away.
    """
    rows = sum(1 for _ in read(order.file, order.columns, order.channel))
    source = Source(digest(order.file), order.consultation, order.columns, order.channel, order.theme_map)
    state = begun(order.state, source) if order.state.exists() else None
    async with Client(url, waiting=waiting) as client:
        themes = await client.themes(order.consultation)
        consultation = await client.consultation(order.consultation)
        state = state or begun(order.state, source)  # begun once there is something to import into
        charter = consultation.charter.version if consultation and consultation.charter else 1
        to = Destination(order.consultation, charter, themes_by_name(themes, order.theme_map))
        with Receipts(order.state.with_name(f"{order.state.name}.receipts.ndjson")).writing() as receipts:
            each = read(order.file, order.columns, order.channel)
            return await deposit(client, to, each, state.salt, receipts, lambda tally: told(tally.done, rows), order.at_once)


async def deposit(
    client: Client,
    to: Destination,
    rows: Iterable[Row],
    salt: bytes,
    receipts: Receipts,
    told: Callable[[Tally], None],
    at_once: int,
) -> Tally:
    """Deposit every row that has no receipt yet. Raises Away; what has been received until then is on disk."""
    tally = Tally()

    async def one(row: Row) -> None:
        tally.rows += 1
        if row.number in receipts.by_row:
            tally.already += 1
        elif row.malformed:
            tally.refused.append(Refusal(row.number, "malformed-row", row.malformed))
        else:
            await _deposited(client, to, row, salt, receipts, tally)
        told(tally)

    await spread(rows, one, at_once)
    return tally


async def _deposited(client: Client, to: Destination, row: Row, salt: bytes, receipts: Receipts, tally: Tally) -> None:
    body = {
        "theme": to.theme_of(row.theme), "charter": to.charter, "text": row.text, "actor": row.actor, "channel": row.channel,
    }  # fmt: skip
    try:
        receipt = await client.deposit(to.consultation, key(salt, row.number), body)
    except Told as problem:
        refusal = Refusal(row.number, problem.code or str(problem.status), explanation(problem.problem))
        (tally.refused if problem.status in RULES else tally.failed).append(refusal)
    else:
        receipts.add(row.number, receipt)
        tally.received += 1


def write_report(path: Path, tally: Tally) -> None:
    """The rows that were not received, in order: row, code, detail."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "code", "detail"])
        for refusal in sorted((*tally.refused, *tally.failed), key=lambda refusal: refusal.row):
            writer.writerow([refusal.row, refusal.code, refusal.detail])


async def spread(items: Iterable[T], act: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Act on every item, so many at once; the first error ends the others."""
    source = iter(items)

    async def work() -> None:
        for item in source:
            await act(item)

    workers = [asyncio.create_task(work()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
