"""A receipt is verified on the command line, offline, and the exit code says what was found."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from adapters.embedded import DataFolder
from adapters.promises import Promises
from service.cli import main
from service.receipt.file import read, written
from service.receipt.verifying import Findings
from tests.service.definitions import PROMISES
from tests.service.receipt.keeping import RECEIPT, TEXT

KEY = str(PROMISES.verifier)
OTHER = str(Promises("consultation.example", b"f" * 32, 60).verifier)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "receipt.json").write_bytes(msgspec.json.encode(RECEIPT))
    (tmp_path / "receipt.txt").write_text(written(RECEIPT), encoding="utf-8")
    (tmp_path / "mine.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "other.txt").write_text("Autre chose.", encoding="utf-8")
    return tmp_path


def verify(folder: Path, name: str, *more: str) -> Result:
    return CliRunner().invoke(main, ["receipt", "verify", str(folder / name), "--keys", str(folder / "keys"), *more])


@pytest.mark.parametrize("name", ["receipt.json", "receipt.txt"])
def test_either_form_verifies_with_the_key_and_the_text(folder: Path, name: str) -> None:
    told = verify(folder, name, "--key", KEY, "--text", str(folder / "mine.txt"))

    assert told.exit_code == 0, told.output
    assert told.output.count("ok  ") == 4
    assert told.output.endswith("The receipt is what the service signed.\n")


def test_what_is_wrong_is_told_and_the_exit_code_is_1(folder: Path) -> None:
    told = verify(folder, "receipt.txt", "--key", KEY, "--text", str(folder / "other.txt"))

    assert told.exit_code == 1
    assert "BAD The commitment is over another text" in told.output


def test_without_a_key_the_exit_code_is_2_and_the_reason_is_said(folder: Path) -> None:
    told = verify(folder, "receipt.txt", "--text", str(folder / "mine.txt"))

    assert told.exit_code == 2
    assert "?   The signature was not checked: no key was given." in told.output


def test_a_key_that_was_kept_need_not_be_given_again(folder: Path) -> None:
    assert verify(folder, "receipt.txt", "--key", KEY, "--keep").exit_code == 0

    assert verify(folder, "receipt.txt").exit_code == 0
    another = verify(folder, "receipt.txt", "--key", OTHER)
    assert (another.exit_code, "another key is kept" in another.output) == (2, True)


def test_the_findings_are_one_json_object_for_programs(folder: Path) -> None:
    told = verify(folder, "receipt.json", "--key", KEY, "--json")

    found = msgspec.json.decode(told.output, type=Findings)
    assert (told.exit_code, found.verdict, found.signed_by) == (0, "verified", KEY)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--key", "nonsense"], "a verifier key is name+id+base64"),
        (["--keep"], "--keep keeps the key that --key gives"),
        (["--text", "receipt.bin"], "is not UTF-8"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_exit_code_is_2(folder: Path, more: list[str], said: str) -> None:
    (folder / "receipt.bin").write_bytes(b"\xff")
    more = [str(folder / each) if each.endswith(".bin") else each for each in more]

    told = verify(folder, "receipt.json", *more)

    assert (told.exit_code, said in told.output) == (2, True), told.output


def test_a_file_that_is_no_receipt_is_not_judged(folder: Path) -> None:
    told = verify(folder, "mine.txt", "--key", KEY)

    assert (told.exit_code, "neither the JSON of a receipt nor its file" in told.output) == (2, True)
    assert verify(folder, "absent.txt").exit_code == 2


def test_a_receipt_in_json_becomes_the_file(folder: Path) -> None:
    told = CliRunner().invoke(main, ["receipt", "text", str(folder / "receipt.json")])

    assert told.exit_code == 0
    assert told.stdout_bytes == (folder / "receipt.txt").read_bytes()
    assert read(told.stdout_bytes) == RECEIPT


def test_a_receipt_without_a_promise_becomes_no_file(folder: Path) -> None:
    (folder / "old.json").write_bytes(msgspec.json.encode({**msgspec.to_builtins(RECEIPT), "promise": ""}))

    told = CliRunner().invoke(main, ["receipt", "text", str(folder / "old.json")])

    assert (told.exit_code, "a note ends in" in told.output) == (1, True)


def test_the_keys_of_a_service_are_shown_from_its_folder(tmp_path: Path) -> None:
    absent = CliRunner().invoke(main, ["keys", "show", "--data", str(tmp_path)])
    assert absent.exit_code == 1
    with DataFolder.hold(tmp_path / "data"):
        shown = CliRunner().invoke(main, ["keys", "show", "--data", str(tmp_path / "data")])
        again = CliRunner().invoke(main, ["keys", "show", "--json", "--data", str(tmp_path / "data")])

    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("localhost/registre/promise+")
    assert msgspec.json.decode(again.output) == [{"signs": "promises", "verifier": shown.output.strip()}]
