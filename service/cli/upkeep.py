"""Commands that look after the databases."""

import sys
from datetime import datetime
from pathlib import Path

import click
import msgspec

from projections import building
from service import supervisor, upkeep
from service.cli.base import Moment, data_option, progress, run, settings_of
from service.located import locate


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Bring the databases to this release.

    Example: registre migrate
    """
    settings = settings_of(data)
    applied = run(supervisor.migrate_all(locate(settings)))
    click.echo("\n".join(applied) or "nothing to do")


@click.command()
@data_option
@click.argument("name", type=click.Choice(building.NAMES))
def rebuild(data: Path | None, name: str) -> None:
    """Build a read model anew beside the one in service, and swap it in.

    Example: registre rebuild themes
    """
    settings = settings_of(data)
    with progress(f"rebuilding {name}") as told:
        position = run(upkeep.rebuild(settings, name, told))
    click.echo(f"{name} is rebuilt up to position {position}")


@click.command()
@data_option
@click.option(
    "--until",
    required=True,
    type=Moment(),
    metavar="POSITION|DATE",
    help="A position of the log, or a date or time in RFC 3339.",
)
@click.argument("name", type=click.Choice(building.NAMES))
def replay(data: Path | None, name: str, until: int | datetime) -> None:
    """Print a read model as it was at a position or a date, as JSON. A date without a time is the end of that day, UTC.

    Example: registre replay outcomes --until 2026-12-01
    """
    settings = settings_of(data)
    with progress(f"replaying {name}") as told:
        tables = run(upkeep.replay(settings, name, until, told))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(tables), indent=2) + b"\n")


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="A JSON array of the findings.")
def doctor(data: Path | None, as_json: bool) -> None:
    """Check everything, and say how to mend what is wrong.

    Example: registre doctor
    """
    findings = run(upkeep.examine(settings_of(data)))
    if as_json:
        click.echo(msgspec.json.encode(findings).decode())
    else:
        for each in findings:
            click.echo(f"{'ok  ' if each.ok else 'BAD '} {each.check}: {each.finding}")
            if not each.ok:
                click.echo(f"     {each.mend}")
    if not all(each.ok for each in findings):
        sys.exit(1)
