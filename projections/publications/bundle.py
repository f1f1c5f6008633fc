"""The publication bundle: everything promised, at a position, as a folder and a zip that come out the same byte for byte."""

import asyncio
import csv
import io
import os
import shutil
import zipfile
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.sealing import Sealer
from adapters.store import EventStore
from domain import contribution
from domain.contribution import Appealed, AppealSettled, Erased, Gone, Hidden, HidingConfirmed, HidingDisputed, Kept, Reinstated
from domain.definition import Clause, Code
from domain.record import Recorded
from projections import building, folding
from projections.outcomes.projection import QUERIES as OUTCOMES
from projections.outcomes.views import view as proposal_view
from projections.runner import TRACKING, Pool, decoded
from projections.themes.projection import QUERIES as THEMES

FORMAT: Final = 1
PAGE: Final = 2_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: the same in every bundle."""
_README: Final = """\
What this folder holds
======================

The public record of a consultation, rebuilt from the event log up to the position that manifest.json names.
Texts stand verbatim, in JSON and in CSV (RFC 4180, UTF-8). A spreadsheet may take a text that begins with = + - or @
for a formula: import such columns as text.

contributions         every contribution: its text while it is public, the clause it was withheld under otherwise
moderation_decisions  every decision on them, by the day
codes                 what readers found in each contribution under analysis
proposals, links      what was drawn from which contributions
arbitrations          what was decided, why, and how much of the theme had been read at that moment
themes, commitments, meetings, charter, codebook, methodology, synthesis

manifest.json holds the SHA-256 digest of every file. The same position and the same set of destroyed keys give the same bytes.
Contributions withdrawn by their authors, or erased by order, are listed without their text.
"""

Row = dict[str, Any]


class Bundle(Struct, frozen=True):
    digest: bytes
    """SHA-256 of manifest.json."""
    folder: Path
    archive: Path
    outstanding: int
    """Contributions that are neither published nor withheld with a reason."""
    contributions: int


class Contents(Struct, frozen=True):
    tables: dict[str, tuple[Sequence[str], list[Row]]]
    """By file name: the columns, and the rows in order."""
    documents: dict[str, bytes]
    outstanding: int


async def write_bundle(store: EventStore, pool: Pool, sealer: Sealer, slug: str, position: int, out: Path) -> Bundle:
    """Write `out` and `out`.zip: complete, or not at all."""
    contents = await _contents(store, pool, sealer, slug, position)
    return await asyncio.to_thread(_write, contents, slug, position, out)


async def _contents(store: EventStore, pool: Pool, sealer: Sealer, slug: str, position: int) -> Contents:
    models = building.projections(sealer)
    async with (
        building.replayed(store, pool, models["themes"], position) as themes,
        building.replayed(store, pool, models["outcomes"], position) as outcomes,
    ):
        rows = await _read(pool, themes, {name: (THEMES[name], slug) for name in ("consultation", "themes", "everything")})
        names = ("all_proposals", "all_links", "all_codes", "all_meetings", "commitments")
        rows |= await _read(pool, outcomes, {name: (OUTCOMES[name], slug) for name in names})
    decisions = await _decisions(store, slug, position)
    waiting = [state for row in rows["everything"] if not isinstance(state := folding.decode(row["state"]), Gone)]
    return Contents(_tables(rows, decisions), _documents(rows), sum(not contribution.settled(state) for state in waiting))


async def _read(pool: Pool, schema: str, queries: dict[str, tuple[str, str]]) -> dict[str, list[Any]]:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(TRACKING["search"], schema)
        return {name: await connection.fetch(query, slug) for name, (query, slug) in queries.items()}


async def _decisions(store: EventStore, slug: str, position: int) -> list[Row]:
    """Every moderation decision, in order of the log."""
    found: list[Row] = []
    after = 0
    while after < position:
        page = await store.page(after, limit=PAGE, up_to=position)
        after = page[-1].id
        chosen = [entry for entry in page if entry.consultation == slug]
        found.extend(row for recorded in decoded("bundle", chosen) if (row := _decision(recorded)))
    return found


def _decision(recorded: Recorded) -> Row | None:
    row: Row = dict.fromkeys(_COLUMNS["moderation_decisions"])
    row |= {"contribution": recorded.stream, "day": recorded.recorded_at.date()}
    match recorded.event:
        case Kept():
            return row | {"decision": "kept"}
        case Hidden(_, clause, charter, analysed, origin):
            return row | {"decision": "hidden", "clause": clause, "charter": charter, "analysed": analysed, "origin": origin}
        case HidingConfirmed():
            return row | {"decision": "hiding-confirmed"}
        case HidingDisputed():
            return row | {"decision": "hiding-disputed"}
        case Reinstated(_, cause):
            return row | {"decision": "reinstated", "cause": cause}
        case Appealed():
            return row | {"decision": "appealed"}
        case AppealSettled(_, granted):
            return row | {"decision": "appeal-settled", "granted": granted}
        case Erased(by):
            return row | {"decision": "erased", "cause": "contributor" if by == "contributor" else "order"}
    return None


_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "contributions": ("id", "theme", "day", "channel", "actor", "language", "charter", "status", "analysed", "hidden_under", "text", "commitment"),
    "moderation_decisions": ("contribution", "day", "decision", "clause", "charter", "analysed", "origin", "cause", "granted"),
    "codes": ("contribution", "code"),
    "proposals": ("id", "theme", "title", "text", "status", "meeting", "favourable", "opinion", "links", "version"),
    "links": ("proposal", "contribution"),
    "arbitrations": ("proposal", "outcome", "motive", "read", "analysed", "seen", "why_not_waited"),
    "themes": ("id", "title", "question", "opens", "closes", "phase", "received", "visible"),
    "commitments": ("id", "text", "due", "kept_on", "evidence"),
    "meetings": ("id", "day"),
}  # fmt: skip


def _tables(rows: dict[str, list[Any]], decisions: list[Row]) -> dict[str, tuple[Sequence[str], list[Row]]]:
    proposals = [proposal_view(row, []) for row in rows["all_proposals"]]
    arbitrations = [
        {
            "proposal": each.id, "outcome": each.outcome, "motive": each.motive, "read": each.coverage.read, "analysed": each.coverage.analysed,
            "seen": each.coverage.seen, "why_not_waited": each.why_not_waited,
        }
        for each in proposals
        if each.coverage
    ]  # fmt: skip
    tables: dict[str, list[Row]] = {
        "contributions": [dict(row) for row in rows["everything"]],
        "moderation_decisions": decisions,
        "codes": [{"contribution": row["id"], "code": code} for row in rows["all_codes"] for code in row["codes"]],
        "proposals": [msgspec.structs.asdict(each) for each in proposals],
        "links": [dict(row) for row in rows["all_links"]],
        "arbitrations": arbitrations,
        "themes": [dict(row) for row in rows["themes"]],
        "commitments": [dict(row) for row in rows["commitments"]],
        "meetings": [dict(row) for row in rows["all_meetings"]],
    }
    return {
        name: (_COLUMNS[name], [{column: row[column] for column in _COLUMNS[name]} for row in tables[name]]) for name in _COLUMNS
    }


def _documents(rows: dict[str, list[Any]]) -> dict[str, bytes]:
    documents = {"README.txt": _README.encode()}
    for row in rows["consultation"]:
        documents["methodology.md"] = row["methodology"].encode()
        charter = msgspec.json.decode(row["charter"] or b"[]", type=list[Clause])
        documents["charter.json"] = _json({"version": row["charter_version"], "clauses": charter})
        codes = msgspec.json.decode(row["codebook"] or b"[]", type=list[Code])
        documents["codebook.json"] = _json({"version": row["codebook_version"], "codes": codes})
        if row["synthesis"] is not None:
            documents["synthesis.md"] = row["synthesis"].encode()
    return documents


def _write(contents: Contents, slug: str, position: int, out: Path) -> Bundle:
    files = dict(contents.documents)
    for name, (columns, rows) in contents.tables.items():
        files[f"{name}.csv"] = _csv(columns, rows)
        files[f"{name}.json"] = _json(rows)
    listed = [{"name": name, "sha256": sha256(files[name]).hexdigest(), "size_bytes": len(files[name])} for name in sorted(files)]
    manifest = _json({"format": FORMAT, "consultation": slug, "position": position, "files": listed})
    files["manifest.json"] = manifest
    archive = out.with_name(f"{out.name}.zip")
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _folder(files, out)
    _archive(files, archive)
    _, contributions = contents.tables["contributions"]
    return Bundle(sha256(manifest).digest(), out, archive, contents.outstanding, len(contributions))


def _folder(files: dict[str, bytes], out: Path) -> None:
    """Written beside its place, then moved there."""
    draft = out.with_name(f".{out.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name, content in files.items():
        with (draft / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)


def _archive(files: dict[str, bytes], archive: Path) -> None:
    draft = archive.with_name(f".{archive.name}.new")
    with zipfile.ZipFile(draft, "w") as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is written
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[name], compresslevel=6)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(archive)


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """As in the JSON file, without its quotes; nothing for null."""
    match value:
        case None:
            return ""
        case str() | UUID():
            return value
        case date() if isinstance(value, date):
            return value.isoformat()
    return msgspec.json.encode(value).decode().strip('"')
