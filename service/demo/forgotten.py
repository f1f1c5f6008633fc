"""The words of the erased are looked for everywhere that the demo's service keeps anything."""

import asyncio
import zipfile
from collections.abc import Collection
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from projections import building
from service.answers import WithdrawalPage
from service.demo.play import PATIENCE_S, Play
from service.demo.stage import NotPlayed, until
from service.upkeep import opened

PAGE: Final = 2_000


class Forgotten(Struct, frozen=True):
    erased: int
    """Contributions in the notice of withdrawals."""
    canary_found: int
    """Of the texts of the erased, those that are found somewhere all the same."""


async def forgotten(play: Play) -> Forgotten:
    """Search events, read models, bundles, the JetStream store and logs. Raises NotPlayed."""
    erased = await _withdrawn(play)
    numbers = {number for number, receipt in play.receipts.by_row.items() if str(receipt.contribution) in erased}
    texts = {row.text: row.number in numbers for row in sorted(play.scenario.rows, key=lambda row: row.number not in numbers)}
    gone = {text for text, erased_everywhere in texts.items() if erased_everywhere}  # what somebody else wrote too stays

    async def settled() -> bool | None:  # bundles go a moment after the words
        return not await _found(play, gone) or None

    try:
        await until(settled, PATIENCE_S / 10, "the words of the erased to be gone")
    except NotPlayed:
        return Forgotten(len(erased), await _found(play, gone))
    return Forgotten(len(erased), 0)


async def _withdrawn(play: Play) -> frozenset[str]:
    found: list[str] = []
    page = await play.client.read(f"{play.base}/withdrawals", WithdrawalPage, limit=500)
    found += [str(each.contribution) for each in page.items]
    while page.next:
        page = await play.client.read(f"{play.base}/withdrawals", WithdrawalPage, limit=500, cursor=page.next)
        found += [str(each.contribution) for each in page.items]
    return frozenset(found)


async def _found(play: Play, texts: Collection[str]) -> int:
    forms = {text: _forms(text) for text in texts}
    left = set(forms)
    async with opened(play.stage.located) as on:
        tables = [msgspec.json.encode(await building.dump(on.pool, name)) for name in building.NAMES]
        async with aclosing(on.store.pages(limit=PAGE)) as pages:
            events = [b"".join(entry.state for entry in page) async for page in pages]
    for content in (*tables, *events, *await asyncio.to_thread(_files, play.stage.settings.data.expanduser().resolve())):
        left = {text for text in left if not any(form in content for form in forms[text])}
    return len(forms) - len(left)


def _forms(text: str) -> set[bytes]:
    """How a text may stand somewhere: as it is, as in JSON, as in CSV."""
    return {text.encode(), msgspec.json.encode(text)[1:-1], text.replace('"', '""').encode()}


def _files(data: Path) -> list[bytes]:
    """Every file of the folder and what its zips hold, but for PostgreSQL's own, where what is deleted rests until it is reused."""
    contents: list[bytes] = []
    for path in data.rglob("*"):
        if path.is_file() and path.relative_to(data).parts[0] != "postgres":
            contents.append(path.read_bytes())
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    contents += [archive.read(name) for name in archive.namelist()]
    return contents
