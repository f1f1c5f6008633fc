"""Commands that have the keyring forget what it must."""

from pathlib import Path

import click

from service import upkeep
from service.cli.base import data_option, run, settings_of
from service.located import locate


@click.command()
@data_option
def reconcile(data: Path | None) -> None:
    """Destroy again the keys of whatever the log says is erased: before anything else, once a keyring was restored.

    Example: registre keyring reconcile
    """
    click.echo(f"{run(upkeep.reconcile(locate(settings_of(data))))} keys of erased contributions destroyed")


@click.command()
@data_option
def reap(data: Path | None) -> None:
    """Remove keys older than a day that no event needs. The worker does it daily.

    Example: registre keyring reap
    """
    click.echo(f"{run(upkeep.reap(locate(settings_of(data))))} keys that no event needs removed")
