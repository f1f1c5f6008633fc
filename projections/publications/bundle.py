"""The publication bundle: everything promised, at a position, as a folder and a zip that come out the same byte for byte."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.sealing import Sealer
from adapters.store import EventStore
from domain import contribution
from domain.adopted import Clause, Code
from domain.contribution import Gone
from projections import building, folding
from projections.outcomes import views as outcomes
from projections.outcomes.projection import QUERIES as OUTCOMES
from projections.publications.packing import Row, as_csv, as_json, write
from projections.publications.told import CODINGS, DECISIONS, Told, concealed, erased_between, told
from projections.publications.withdrawn import WITHDRAWALS, withdrawals
from projections.runner import TRACKING, Pool
from projections.themes.projection import QUERIES as THEMES

FORMAT: Final = 1
README: Final = Path(__file__).with_name("readme.txt").read_bytes()
_ONE_AT_A_TIME: Final = asyncio.Lock()
"""A bundle replays the whole log, and holds a connection for each copy: two in one process would starve the views."""
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "contributions": (
        "id", "theme", "day", "channel", "actor", "language", "charter", "status", "analysed", "hidden_under", "text", "commitment",
    ),
    "moderation_decisions": DECISIONS,
    "codes": ("contribution", "code"),
    "codings": CODINGS,
    "proposals": ("id", "theme", "title", "text", "status", "meeting", "favourable", "opinion", "links", "version"),
    "links": ("proposal", "contribution"),
    "arbitrations": ("proposal", "outcome", "motive", "read", "analysed", "seen", "why_not_waited"),
    "themes": ("id", "title", "question", "opens", "closes", "phase", "received", "visible"),
    "commitments": ("id", "text", "due", "kept_on", "evidence", "status"),
    "meetings": ("id", "day"),
    "withdrawals": WITHDRAWALS,
}  # fmt: skip
"""Every table, and the order of its columns in both its files."""


class Bundle(Struct, frozen=True):
    digest: bytes
    """SHA-256 of manifest.json."""
    folder: Path
    archive: Path
    outstanding: int
    """Contributions that are neither published nor withheld with a reason."""
    contributions: int
    concealed: frozenset[UUID]
    """Contributions whose text it shows, though it has been hidden since: it must not be published."""


class Contents(Struct, frozen=True):
    """What was read of a consultation at a position."""

    consultation: Any
    """The row of the table `consultation`; None before it was prepared."""
    tables: dict[str, list[Row]]
    told: Told
    outstanding: int
    concealed: frozenset[UUID]


async def write_bundle(
    store: EventStore, pool: Pool, sealer: Sealer, slug: str, position: int, seen: int, out: Path, measures: bytes
) -> Bundle:
    """Write `out` and `out`.zip: complete, or not at all. The same position, the same set of destroyed keys and the same
    published bundles before them give the same bytes.

    `measures` is the public document of equal treatment at that position, as JSON.

    What has been erased up to the position `seen` is left out, also where its keys are about to be destroyed. Raises Unavailable, and Stopped
    as a runner does.
    """
    async with _ONE_AT_A_TIME:
        contents = await _contents(store, pool, sealer, slug, position, seen)
        return await asyncio.to_thread(_written, contents, slug, position, out, measures)


async def _contents(store: EventStore, pool: Pool, sealer: Sealer, slug: str, position: int, seen: int) -> Contents:
    models = building.projections(sealer)
    log = await told(store, slug, position)
    async with (
        building.replayed(store, pool, models["themes"], position) as themes,
        building.replayed(store, pool, models["outcomes"], position) as drawn,
        pool.acquire() as db,
        db.transaction(isolation="repeatable_read", readonly=True),
    ):
        await db.execute(TRACKING["search"], f"{themes}, {drawn}")
        destroyed = frozenset(await sealer.destroyed_streams()) | await erased_between(store, slug, position, seen)
        everything = [_public(row, destroyed) for row in await db.fetch(THEMES["everything"], slug)]
        proposals = [outcomes.view(row, []) for row in await db.fetch(OUTCOMES["all_proposals"], slug)]
        coded = await db.fetch(OUTCOMES["all_codes"], slug)
        tables: dict[str, list[Row]] = {
            "contributions": everything,
            "moderation_decisions": log.decisions,
            "codes": _codes(coded, everything),
            "codings": _codings(log.codings, coded, everything),
            "proposals": [msgspec.structs.asdict(each) for each in proposals],
            "links": [dict(row) for row in await db.fetch(OUTCOMES["all_links"], slug)],
            "arbitrations": _arbitrations(proposals),
            "themes": _themes(await db.fetch(THEMES["themes"], slug), everything),
            "commitments": [msgspec.structs.asdict(each) for each in await outcomes.commitments(db, slug, log.day)],
            "meetings": [dict(row) for row in await db.fetch(OUTCOMES["all_meetings"], slug)],
            "withdrawals": await withdrawals(store, slug, seen),
        }
        consultation = await db.fetchrow(THEMES["consultation"], slug)
    outstanding = sum(not row["settled"] for row in everything)
    hidden = await concealed(store, slug, position, position, seen) - destroyed
    return Contents(consultation, tables, log, outstanding, hidden)


def _public(row: Any, destroyed: frozenset[UUID]) -> Row:
    """One contribution. Where its keys have been destroyed since, it stands as withdrawn: its words can be had no more."""
    shown = dict(row)
    state = folding.decode(shown.pop("state"))
    unreadable = shown["text"] is None and contribution.visible(state)
    if isinstance(state, Gone) or row["id"] in destroyed or unreadable:
        return shown | {"status": "withdrawn", "analysed": False, "hidden_under": None, "text": None, "settled": True}
    return shown | {"settled": contribution.settled(state)}


def _codings(codings: Sequence[Row], coded: Sequence[Any], everything: Sequence[Row]) -> list[Row]:
    """Those of the contributions whose codes are told: what a reader found is not, while another has yet to read."""
    told_of = {row["id"] for row in everything if row["analysed"]} & {row["id"] for row in coded}
    return [row for row in codings if row["contribution"] in told_of]


def _codes(coded: Sequence[Any], everything: Sequence[Row]) -> list[Row]:
    analysed = {row["id"] for row in everything if row["analysed"]}
    return [{"contribution": row["id"], "code": code} for row in coded if row["id"] in analysed for code in row["codes"]]


def _themes(themes: Sequence[Any], everything: Sequence[Row]) -> list[Row]:
    """Counted anew from the contributions listed, so that both files agree."""
    visible = Counter(row["theme"] for row in everything if row["status"] == "visible")
    return [dict(row) | {"visible": visible[row["id"]]} for row in themes]


def _arbitrations(proposals: Sequence[outcomes.ProposalView]) -> list[Row]:
    return [
        msgspec.structs.asdict(each.coverage)
        | {"proposal": each.id, "outcome": each.outcome, "motive": each.motive, "why_not_waited": each.why_not_waited}
        for each in proposals
        if each.coverage
    ]


def _documents(contents: Contents) -> dict[str, bytes]:
    row = contents.consultation
    documents = {"README.txt": README}
    if row is None:
        return documents
    documents["methodology.md"] = row["methodology"].encode()
    versions = [{"version": each.version, "reason": each.reason, "clauses": each.clauses} for each in contents.told.charters]
    clauses = msgspec.json.decode(row["charter"] or b"[]", type=list[Clause])
    documents["charter.json"] = as_json({"version": row["charter_version"], "clauses": clauses, "versions": versions})
    codes = msgspec.json.decode(row["codebook"] or b"[]", type=list[Code])
    books = [{"version": each.version, "reason": each.reason, "codes": each.codes} for each in contents.told.codebooks]
    documents["codebook.json"] = as_json({"version": row["codebook_version"], "codes": codes, "versions": books})
    if row["synthesis"] is not None:
        documents["synthesis.md"] = row["synthesis"].encode()
    return documents


def _written(contents: Contents, slug: str, position: int, out: Path, measures: bytes) -> Bundle:
    files = _documents(contents) | {"treatment.json": msgspec.json.format(measures, indent=2) + b"\n"}
    for name, columns in _COLUMNS.items():
        rows = [{column: row[column] for column in columns} for row in contents.tables[name]]
        files[f"{name}.csv"] = as_csv(columns, rows)
        files[f"{name}.json"] = as_json(rows)
    listed = [{"name": name, "sha256": sha256(files[name]).hexdigest(), "size_bytes": len(files[name])} for name in sorted(files)]
    manifest = as_json({"format": FORMAT, "consultation": slug, "position": position, "files": listed})
    archive = write(files | {"manifest.json": manifest}, out)
    return Bundle(
        sha256(manifest).digest(), out, archive, contents.outstanding, len(contents.tables["contributions"]), contents.concealed
    )
