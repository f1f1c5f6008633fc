"""Commands that look after the keyring."""

import sys
from pathlib import Path

import click

from adapters.postgres.rewrapping import Standing
from service import rotating
from service.cli.base import data_option, progress, run, settings_of


@click.group()
def keyring() -> None:
    """What keeps the keys of sealed texts.

    Example: registre keyring rotate
    """


@keyring.command()
@data_option
@click.option(
    "--new", is_flag=True, help="Make a new key-encryption key in the data folder first; goes on with one that was begun."
)
def rotate(data: Path | None, *, new: bool) -> None:
    """Wrap every key anew under the current key-encryption key, while the service runs. To be repeated after a crash, or at will.

    With REGISTRE_KEK or REGISTRE_KEK_FILE, first give every process the new one there and the present one in REGISTRE_KEK_PREVIOUS.

    Exit code 1 when keys remain under others.

    Example: registre keyring rotate --new
    """
    settings = settings_of(data)
    with progress("wrapping keys anew") as told:
        rotated = run(rotating.rotate(settings, told, new=new))
    standing = rotated.standing
    click.echo(f"{rotated.wrapped} keys were wrapped anew; {standing.keys} stand under the key-encryption key {standing.current}")
    click.echo(_remaining(standing))
    if standing.previous or standing.unknown:
        sys.exit(1)


def _remaining(standing: Standing) -> str:
    under = {**standing.previous, **standing.unknown}
    if not under:
        return "none remain under others: previous key-encryption keys may be dropped, once no backup that needs them is kept"
    told = ", ".join(
        f"{count} under {kek}{' (not configured)' if kek in standing.unknown else ''}" for kek, count in under.items()
    )
    return f"keys remain under others, which must be kept: {told}"
