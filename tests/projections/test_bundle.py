"""The publication bundle: everything promised, the same bytes every time, and nothing that the public may not know."""

import asyncio
import csv
import io
import os
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from domain import consultation
from domain.record import consultation_stream
from projections.publications.bundle import Bundle, write_bundle
from projections.publications.packing import as_csv, write, zipped
from projections.treatment.measures.computing import computed
from tests.projections.histories import SLUG, World

STAFF = ("moderator-", "reader-", "analyst-", "secretary-")
TABLES = (
    "arbitrations", "codes", "codings", "commitments", "contributions", "links", "meetings", "moderation_decisions", "proposals", "themes",
    "withdrawals",
)  # fmt: skip
VERBATIM = '=SUM(A1) ; "guillemets" &eacute;\r\n\tL’été\u2028\r fin\n'


async def bundle(world: World, out: Path, position: int | None = None) -> Bundle:
    at = await world.store.head() if position is None else position
    measures = msgspec.json.encode((await computed(world.store, world.sealer, SLUG, at))["public"])
    return await write_bundle(world.store, world.pool, world.sealer, SLUG, at, at, out, measures)


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    decoded: list[dict[str, Any]] = msgspec.json.decode((out / f"{name}.json").read_bytes())
    return decoded


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def present(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_bundle_holds_every_table_and_document_in_folder_and_zip(world: World, tmp_path: Path) -> None:
    await world.life()
    await world.append(consultation_stream(SLUG), consultation.SynthesisAdopted("Voilà.", by="staff-administrator"))
    made = await bundle(world, tmp_path / "out")
    documents = {
        "README.txt",
        "manifest.json",
        "treatment.json",
        "methodology.md",
        "charter.json",
        "codebook.json",
        "synthesis.md",
    }
    expected = documents | {f"{name}.{form}" for name in TABLES for form in ("csv", "json")}
    found = files(made.folder)
    assert set(found) == expected
    with zipfile.ZipFile(made.archive) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == found
        assert archive.namelist() == sorted(expected)
    assert present(tmp_path) == ["out", "out.zip"]


async def test_the_manifest_digests_every_file_and_is_digested_itself(world: World, tmp_path: Path) -> None:
    await world.life()
    made = await bundle(world, tmp_path / "out")
    raw = (made.folder / "manifest.json").read_bytes()
    assert sha256(raw).digest() == made.digest
    manifest = msgspec.json.decode(raw)
    assert (manifest["consultation"], manifest["position"]) == (SLUG, await world.store.head())
    found = files(made.folder)
    del found["manifest.json"]
    assert {each["name"]: (each["sha256"], each["size_bytes"]) for each in manifest["files"]} == {
        name: (sha256(content).hexdigest(), len(content)) for name, content in found.items()
    }


async def test_the_same_position_gives_the_same_bytes_whatever_happened_since(world: World, tmp_path: Path) -> None:
    await world.life()
    position = await world.store.head()
    first = await bundle(world, tmp_path / "first", position)
    await world.keep(await world.deposit("Plus tard"))
    await world.append(
        consultation_stream(SLUG), consultation.MethodologyAdopted(2, "Autrement.", "Plus clair.", by="staff-administrator")
    )
    os.utime(first.folder / "charter.json", (0, 0))
    second, third = await asyncio.gather(
        bundle(world, tmp_path / "second", position), bundle(world, tmp_path / "third", position)
    )
    assert first.digest == second.digest == third.digest
    assert first.archive.read_bytes() == second.archive.read_bytes() == third.archive.read_bytes()
    assert (await bundle(world, tmp_path / "later")).digest != first.digest


async def test_writing_again_replaces_what_a_killed_process_left(world: World, tmp_path: Path) -> None:
    await world.life()
    first = await bundle(world, tmp_path / "out")
    before = files(first.folder)
    (tmp_path / ".out.new").mkdir()
    (tmp_path / ".out.new" / "charter.json").write_bytes(b"half")
    (tmp_path / ".out.zip.new").write_bytes(b"half")
    (first.folder / "charter.json").write_bytes(b"tampered")
    second = await bundle(world, tmp_path / "out")
    assert files(second.folder) == before
    assert present(tmp_path) == ["out", "out.zip"]


async def test_texts_come_back_verbatim_in_both_forms(world: World, tmp_path: Path) -> None:
    await world.consultation()
    stream = await world.deposit(VERBATIM)
    out = (await bundle(world, tmp_path / "out")).folder
    (row,) = rows(out, "contributions")
    assert (row["id"], row["text"], row["status"]) == (str(stream), VERBATIM, "visible")
    with io.StringIO((out / "contributions.csv").read_bytes().decode(), newline="") as text:
        (record,) = csv.DictReader(text)
    assert record["text"] == VERBATIM
    assert record["day"] == row["day"]
    assert record["commitment"] == row["commitment"]


async def test_both_forms_say_the_same(world: World, tmp_path: Path) -> None:
    await world.life()
    out = (await bundle(world, tmp_path / "out")).folder
    for name in TABLES:
        with io.StringIO((out / f"{name}.csv").read_bytes().decode(), newline="") as text:
            records = list(csv.DictReader(text))
        said = rows(out, name)
        assert said or name == "withdrawals", "nothing is published yet"
        assert records == [{column: _as_text(value) for column, value in row.items()} for row in said]


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
    return str(value)


async def test_every_contribution_is_listed_as_it_stands(world: World, tmp_path: Path) -> None:
    kept, hidden, appealed, granted, disputed, erased, hidden_erased, reinstated, *fresh = await world.life()
    made = await bundle(world, tmp_path / "out")
    listed = {UUID(row["id"]): row for row in rows(made.folder, "contributions")}
    assert made.contributions == len(listed) == 12
    assert list(listed) == sorted(listed)
    for each in (kept, granted, reinstated, *fresh):
        assert listed[each]["status"] == "visible"
        assert listed[each]["text"].startswith("Texte numéro")
        assert listed[each]["hidden_under"] is None
    for each in (hidden, appealed, disputed):
        row = listed[each]
        assert (row["status"], row["text"], row["hidden_under"], row["analysed"]) == ("withheld", None, "5.sensitive-data", False)
    for each in (erased, hidden_erased):
        row = listed[each]
        assert (row["status"], row["text"], row["hidden_under"], row["analysed"]) == ("withdrawn", None, None, False)
    assert made.outstanding == 5  # four that nobody has looked at, one that two reviewers disagree on


async def test_a_decision_tells_what_was_decided_and_not_by_whom(world: World, tmp_path: Path) -> None:
    _, _, _, granted, *_ = await world.life()
    made = await bundle(world, tmp_path / "out")
    decided = rows(made.folder, "moderation_decisions")
    assert decided == sorted(decided, key=lambda row: (row["contribution"], row["number"]))
    mine = [row for row in decided if row["contribution"] == str(granted)]
    assert [(row["number"], row["decision"]) for row in mine] == [
        (1, "hidden"), (2, "hiding-confirmed"), (3, "appealed"), (4, "appeal-settled"),
    ]  # fmt: skip
    assert (mine[0]["clause"], mine[0]["charter"], mine[0]["origin"], mine[3]["granted"]) == (
        "5.sensitive-data",
        1,
        "human",
        True,
    )
    assert all(mine[place]["commitment"] for place in (0, 2, 3))


async def test_a_bundle_says_nothing_that_is_not_public(world: World, tmp_path: Path) -> None:
    streams = await world.life()
    made = await bundle(world, tmp_path / "out")
    entries = [entry for stream in streams for entry in await world.store.stream(stream)]
    moments = {entry.recorded_at.time().isoformat("microseconds") for entry in entries}
    for name, content in files(made.folder).items():
        text = content.decode()
        assert not any(word in text for word in STAFF), name
        assert not any(moment in text for moment in moments), name
        assert "contact" not in text, name
        assert "lease" not in text, name


async def test_outcomes_arbitrations_and_promises_are_told(world: World, tmp_path: Path) -> None:
    kept, _, _, granted, *_ = await world.life()
    out = (await bundle(world, tmp_path / "out")).folder
    (arbitrated,) = rows(out, "arbitrations")
    assert (arbitrated["outcome"], arbitrated["read"], arbitrated["why_not_waited"]) == ("retained", 1, "Le calendrier.")
    assert {row["contribution"] for row in rows(out, "links")} == {str(kept), str(granted)}
    assert {(row["contribution"], row["code"]) for row in rows(out, "codes")} == {
        (str(kept), "access"), (str(kept), "costs"), (str(kept), "time"),
    }  # fmt: skip
    assert [row["id"] for row in rows(out, "commitments")] == ["synthesis", "decisions"]
    assert rows(out, "commitments")[1]["status"] == "due"
    assert rows(out, "commitments")[0]["status"] in {"kept", "kept-late"}
    charter = msgspec.json.decode((out / "charter.json").read_bytes())
    assert [clause["id"] for clause in charter["clauses"]] == ["1.anonymity", "5.sensitive-data"]
    assert (out / "methodology.md").read_text().startswith("# Méthode")


async def test_codings_are_told_reading_by_reading_with_those_made_anew(world: World, tmp_path: Path) -> None:
    kept, *_ = await world.life()
    out = (await bundle(world, tmp_path / "out")).folder
    told = [
        tuple(row[name] for name in ("contribution", "reading", "coding", "codebook", "code")) for row in rows(out, "codings")
    ]
    assert told == [
        (str(kept), 1, 1, 1, "access"), (str(kept), 1, 1, 1, "costs"), (str(kept), 2, 1, 1, "access"),
        (str(kept), 2, 2, 2, "access"), (str(kept), 2, 2, 2, "time"),
    ]  # fmt: skip
    book = msgspec.json.decode((out / "codebook.json").read_bytes())
    assert (book["version"], [(each["version"], len(each["codes"])) for each in book["versions"]]) == (2, [(1, 3), (2, 4)])


async def test_every_charter_that_was_consented_to_is_there(world: World, tmp_path: Path) -> None:
    await world.consultation()
    await world.append(consultation_stream(SLUG), consultation.CharterAdopted(2, (), "Plus court.", by="staff-administrator"))
    charter = msgspec.json.decode(((await bundle(world, tmp_path / "out")).folder / "charter.json").read_bytes())
    assert charter["version"] == 2
    assert [(each["version"], each["reason"], len(each["clauses"])) for each in charter["versions"]] == [
        (1, "", 2),
        (2, "Plus court.", 0),
    ]


async def test_a_later_erasure_changes_only_what_it_must(world: World, tmp_path: Path) -> None:
    kept, *_ = await world.life()
    position = await world.store.head()
    before = files((await bundle(world, tmp_path / "before", position)).folder)
    await world.erase(kept)
    made = await bundle(world, tmp_path / "after", position)
    after = files(made.folder)
    changed = {"manifest.json"} | {
        f"{name}.{form}" for name in ("contributions", "codes", "codings", "themes") for form in ("csv", "json")
    }
    assert {name for name in after if after[name] != before[name]} == changed
    old, new = (msgspec.json.decode(each["contributions.json"]) for each in (before, after))
    ((was, now),) = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert was["id"] == now["id"] == str(kept)
    assert now == was | {"status": "withdrawn", "text": None, "analysed": False}
    assert (await bundle(world, tmp_path / "again", position)).digest == made.digest


async def test_a_key_destroyed_for_a_withheld_contribution_hides_the_clause_too(world: World, tmp_path: Path) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.hide(stream)
    position = await world.store.head()
    await world.erase(stream)
    made = await bundle(world, tmp_path / "out", position)
    (row,) = rows(made.folder, "contributions")
    assert (row["status"], row["hidden_under"], made.outstanding) == ("withdrawn", None, 0)


async def test_a_bundle_shows_its_own_consultation_alone(world: World, tmp_path: Path) -> None:
    await world.consultation()
    await world.consultation("autre")
    mine = await world.deposit("Un texte")
    await world.deposit("Ailleurs", slug="autre")
    made = await bundle(world, tmp_path / "out")
    assert [row["id"] for row in rows(made.folder, "contributions")] == [str(mine)]
    assert [row["id"] for row in rows(made.folder, "themes")] == ["data", "arts"]


async def test_a_position_before_the_consultation_gives_an_empty_bundle(world: World, tmp_path: Path) -> None:
    await world.consultation("autre")
    position = await world.store.head()
    await world.consultation()
    made = await bundle(world, tmp_path / "out", position)
    assert (made.contributions, made.outstanding) == (0, 0)
    assert (made.folder / "contributions.csv").read_text().count("\n") == 1


ZIPPING = "import sys; from projections.publications.packing import zipped; sys.stdout.buffer.write(zipped({'b': b'2', 'a': b'1' * 999}))"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_makes_the_same_zip(seed: str) -> None:
    made = subprocess.run(
        [sys.executable, "-c", ZIPPING],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"},
        umask=0o077,
    )
    assert made.stdout == zipped({"a": b"1" * 999, "b": b"2"})


def test_a_cell_is_told_as_in_json() -> None:
    stream = uuid4()
    row = {"a": None, "b": True, "c": 'é;"', "d": stream, "e": 3, "f": b"\xff"}
    assert as_csv(tuple(row), [row]) == f'a,b,c,d,e,f\r\n,true,"é;""",{stream},3,/w==\r\n'.encode()


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write({"a": b"1", "missing/b": b"2"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.zip").exists()
