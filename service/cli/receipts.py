"""Commands for whoever holds a receipt: none of them asks a service."""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console

from adapters import notes
from adapters.notes import NoteError, Verifier
from service.cli.base import data_option, settings_of
from service.located import promises
from service.receipt import pinning
from service.receipt.file import UnreadableReceipt, read, written
from service.receipt.verifying import Findings, verify

EXIT: Final = {"verified": 0, "false": 1, "unproven": 2}
MARKS: Final = {"holds": "ok  ", "fails": "BAD ", "unchecked": "?   "}
VERDICTS: Final = {
    "verified": "The receipt is what the service signed.",
    "false": "This receipt is not right.",
    "unproven": "Nothing is wrong with the receipt, and nothing is proven: see the signature.",
}
file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))


class NotVerified(click.ClickException):
    exit_code = EXIT["unproven"]


@click.group()
def receipt() -> None:
    """What somebody does with a receipt, away from the service.

    Example: registre receipt verify receipt.json
    """


@receipt.command()
@file_argument
def text(file: Path) -> None:
    """Write a receipt in JSON as the file that a person keeps, in French and English.

    Example: registre receipt text receipt.json > recu.txt
    """
    try:
        sys.stdout.buffer.write(written(read(file.read_bytes())).encode())
    except (UnreadableReceipt, NoteError) as error:
        raise click.ClickException(f"{file}: {error}.") from error


@receipt.command(name="verify")
@file_argument
@click.option(
    "--text", "text_file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="The text that was deposited."
)
@click.option(
    "--key", metavar="VERIFIER", help="The service's verifier key, as `registre keys show` prints it [default: the keys kept]."
)
@click.option("--keep", is_flag=True, help="Trust the key given from now on.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(click.get_app_dir("registre")) / "keys",
    help="File of the keys kept [default: in your configuration folder].",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object of everything found.")
def verify_(file: Path, text_file: Path | None, key: str | None, keep: bool, keys: Path, as_json: bool) -> None:
    """Verify a receipt, in JSON or as the plain-text file, without asking the service.

    Exit code 0 when the promise is signed by a key given or kept and nothing else is wrong, 1 when something is wrong, 2 when that cannot
    be said: no key, or no receipt.

    Example: registre receipt verify recu.txt --key "$KEY" --text mine.txt
    """
    try:
        read_text = text_file.read_bytes().decode() if text_file else None
        found = verify(read(file.read_bytes()), _trusted(keys, key, keep), read_text)
    except UnicodeDecodeError as error:
        raise NotVerified(f"{text_file} is not UTF-8, as every text deposited is.") from error
    except (UnreadableReceipt, NoteError, pinning.KeyDiffers) as error:
        raise NotVerified(f"{error}.") from error
    click.echo(msgspec.json.encode(found).decode() if as_json else _told(found))
    sys.exit(EXIT[found.verdict])


def _trusted(path: Path, given: str | None, keep: bool) -> "list[Verifier]":
    """The keys to verify by. Raises KeyDiffers, MalformedKey."""
    key = notes.verifier(given.strip()) if given else None
    if keep and key is None:
        raise click.UsageError("--keep keeps the key that --key gives.")
    if keep and key is not None:
        if pinning.keep(path, key):
            Console(stderr=True, highlight=False).print(f"{key.name} is trusted from now on: {path}")
        return [key]
    return list(pinning.trusted(path, key))


def _told(found: Findings) -> str:
    return "\n".join([*[f"{MARKS[each.state]}{each.sentence}" for each in found.findings], VERDICTS[found.verdict]])


@click.group()
def keys() -> None:
    """The public keys by which others verify what this service signs.

    Example: registre keys show
    """


@keys.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="A JSON array, with what each key signs.")
def show(data: Path | None, as_json: bool) -> None:
    """Print the verifier keys, one a line: name+id+base64. Publish them where readers look for them, not only through the service.

    Example: registre keys show
    """
    try:
        verifier = promises(settings_of(data)).verifier
    except FileNotFoundError:
        raise click.ClickException("there is no key in the data folder yet: `registre serve` generates it.") from None
    click.echo(msgspec.json.encode([{"signs": "promises", "verifier": str(verifier)}]).decode() if as_json else str(verifier))
