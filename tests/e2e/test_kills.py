"""Whatever is killed in the middle of a consultation, nothing that was acknowledged is lost, and it ends as if nothing had happened."""

from pathlib import Path
from typing import Final

import pytest

from tests.e2e.playing import adds_up, demo, looked_up, rows_file

ROWS: Final = 40
STANDINGS: Final = ("visible", "withheld", "withdrawn")
EVERYTHING: Final = ("supervisor", "http", "worker", "postgres", "nats")


def columns(file: Path) -> tuple[str, ...]:
    return ("--input", str(file), "--text-column", "text", "--theme-column", "theme")


@pytest.mark.parametrize("victims", [("http",), ("worker",), ("postgres",), ("nats",), EVERYTHING], ids="+".join)
def test_a_killed_part_loses_no_acknowledged_deposit(victims: tuple[str, ...], tmp_path: Path) -> None:
    texts = rows_file(tmp_path / "rows.csv", ROWS)

    with demo(tmp_path / "data", *columns(tmp_path / "rows.csv")) as played:
        played.wait_until(lambda: len(played.receipts()) >= 5, "the first receipts")
        played.kill(*victims)
        played.wait_until(lambda: "appeals" in played.acts, "the readings")
        played.kill(*victims)
        summary = played.summary()

    adds_up(summary, ROWS)
    assert sorted(kept["row"] for kept in played.receipts()) == list(range(1, ROWS + 1))
    assert summary["receipts_found"] == summary["receipts_verified"] == ROWS
    if victims == EVERYTHING:
        assert looked_up(played, texts) == {name: summary[name] for name in STANDINGS if summary[name]}


def test_a_killed_client_goes_on_with_the_same_keys(tmp_path: Path) -> None:
    rows_file(tmp_path / "rows.csv", ROWS)

    with demo(tmp_path / "data", *columns(tmp_path / "rows.csv")) as played:
        played.wait_until(lambda: len(played.receipts()) >= 5, "the first receipts")
        played.process.kill()
        played.process.wait()
        before = played.receipts()
    with demo(tmp_path / "data", *columns(tmp_path / "rows.csv")) as again:
        summary = again.summary()

    adds_up(summary, ROWS)
    assert again.receipts()[: len(before)] == before
    assert summary["received"] == len(again.receipts()) == ROWS
    assert summary["receipts_found"] == summary["receipts_verified"] == ROWS


def test_the_demo_refuses_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("Chère ministre,")

    with demo(tmp_path / "data") as played:
        played.process.communicate(timeout=30)

    assert played.process.returncode == 1
    assert "is not empty" in played.log
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["letter.txt"]
