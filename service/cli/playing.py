"""Commands that speak to a running service over HTTP."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from domain.definition import Definition
from service import publishing
from service.cli.base import data_option, progress, run, settings_of
from service.client import CONNECTIONS, Away, Client, Told
from service.demo.performance import perform
from service.demo.play import Watch
from service.demo.scenario import corpus, of_file
from service.demo.stage import NotPlayed, until
from service.importer import Order, import_file, write_report
from service.located import development_issuer, read_run
from service.rows import Columns
from service.settings import TOKEN, Settings

OPENING_S = 30.0
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

url_option = click.option("--url", help="The service [default: the one that runs in the data folder].")
token_option = click.option(
    "--token", envvar=[TOKEN, "TOKEN"], help="Access token [default: REGISTRE_TOKEN, else minted with the development key]."
)


def one_character(_: click.Context, __: click.Parameter, value: str) -> str:
    if len(value) != 1:
        raise click.BadParameter("one character, as ; or a tab")
    return value


def waiting(reason: str) -> None:
    """Tells, once, that the service does not answer."""
    click.echo(f"{reason}; still trying", err=True)


def reached(settings: Settings, url: str | None) -> str:
    """Where the service is. Raises NotRunning."""
    return url or read_run(settings.data.expanduser().resolve()).url


def allowed(settings: Settings, token: str | None, role: str) -> str:
    """The token given, or one minted with the development key."""
    return token or development_issuer(settings).mint([role], f"command-line {role}", 3_600)  # type: ignore[list-item]  # a role of ROLES


@click.command()
@data_option
@url_option
@token_option
@click.option("--open", "opens", is_flag=True, help="Open it too, and wait until the themes whose time has come take deposits.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def prepare(data: Path | None, url: str | None, token: str | None, opens: bool, file: Path) -> None:
    """Send the definition of a consultation, a TOML file.

    Example: registre prepare deploy/consultations/essai.toml --open
    """
    settings = settings_of(data)
    definition = msgspec.toml.decode(file.read_bytes(), type=Definition)

    async def work() -> None:
        async with Client(reached(settings, url), allowed(settings, token, "administrator"), waiting=waiting) as client:
            try:
                await client.post("/v1/consultations", definition)
                click.echo(f"{definition.slug} is prepared: {len(definition.themes)} themes")
            except Told as told:
                if told.code != "duplicate":
                    raise
                click.echo(f"{definition.slug} is there already, and stays as it is", err=True)
            if opens:
                await client.command(f"/v1/consultations/{definition.slug}/opening", settled={"not-now", "consultation-over"})
                await until(partial(_opened, client, definition.slug), OPENING_S, "a theme to take deposits")
                click.echo(f"{definition.slug} is open")

    run(work())


async def _opened(client: Client, slug: str) -> bool | None:
    """Whether a theme takes deposits."""
    return any(theme.phase == "open" for theme in await client.themes(slug)) or None


@click.command("import")
@data_option
@url_option
@click.option("--consultation", "slug", required=True, metavar="SLUG", help="Where the rows go.")
@click.option("--text-column", "text", required=True, help="Column of the text, which is kept byte for byte.")
@click.option("--theme-column", "theme", required=True, help="Column of the theme: its id or its title.")
@click.option("--channel-column", help="Column of the channel: web, paper or email.")
@click.option("--actor-column", help="Column of the kind of actor.")
@click.option(
    "--channel", default="web", type=click.Choice(["web", "paper", "email"]), help="Of rows that name none [default: web]."
)
@click.option("--delimiter", default=",", callback=one_character, help="What separates fields [default: a comma].")
@click.option("--theme-map", type=FILE, help='TOML file of lines like: "Title in the file" = "theme-id".')
@click.option("--concurrency", default=32, type=click.IntRange(1, CONNECTIONS), help="Deposits under way at once [default: 32].")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="State file [default: FILE.registre.json].")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="CSV of the rows refused [default: beside the state]."
)
@click.argument("file", type=FILE)
def import_(
    data: Path | None, url: str | None, slug: str, text: str, theme: str, channel_column: str | None, actor_column: str | None,
    channel: str, delimiter: str, theme_map: Path | None, concurrency: int, state: Path | None, report: Path | None, file: Path,
) -> None:  # fmt: skip
    """Deposit each row of a CSV file, once: run again, it deposits what is missing and nothing twice.

    Receipts are appended to a file beside the state: they hold the codes, and are nobody else's. Exit code 1 when a row failed for
    another reason than a rule.

    Example: registre import letters.csv --consultation essai --text-column body --theme-column theme --channel paper
    """
    columns = Columns(text, theme, channel_column, actor_column, delimiter)
    mapped = msgspec.toml.decode(theme_map.read_bytes(), type=dict[str, str]) if theme_map else {}
    order = Order(file, slug, columns, channel, mapped, state or file.with_name(f"{file.name}.registre.json"), concurrency)
    with progress(f"importing {file.name}") as told:
        tally = run(import_file(reached(settings_of(data), url), order, told, waiting))
    written = report or order.state.with_name(f"{order.state.name}.report.csv")
    write_report(written, tally)
    click.echo(tally.line)
    if tally.refused or tally.failed:
        click.echo(f"{', '.join(f'{count} {code}' for code, count in tally.reasons.items())}; see {written}", err=True)
    if tally.failed:
        sys.exit(1)


@click.command()
@data_option
@url_option
@token_option
@click.option(
    "--kind",
    default="results",
    type=click.Choice(["results", "snapshot"]),
    help="What is published; results wait until the consultation has closed [default: results].",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the bundle goes [default: SLUG-KIND.zip].")
@click.argument("slug")
def publish(data: Path | None, url: str | None, token: str | None, kind: str, output: Path | None, slug: str) -> None:
    """Prepare and publish a bundle, download it, and check it against the digest in the log.

    Example: registre publish essai --kind snapshot
    """
    settings, path = settings_of(data), output or Path(f"{slug}-{kind}.zip")
    if not os.access(path.parent, os.W_OK):
        raise click.ClickException(f"{path} cannot be written: nothing has been published.")

    async def work() -> None:
        async with Client(reached(settings, url), allowed(settings, token, "publisher"), waiting=waiting) as client:
            prepared = await publishing.prepare(client, slug, kind)
            path.write_bytes(await publishing.publish(client, prepared))
            click.echo(f"{path} is published as {prepared.publication}; its manifest has the digest {prepared.digest}")

    run(work())


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Empty folder, or that of a demo that was killed [default: a temporary one].",
)
@click.option("--input", "file", type=FILE, help="CSV file of contributions to play with [default: the corpus of the project].")
@click.option("--text-column", "text", default="text", help="Its column of the text [default: text].")
@click.option("--theme-column", "theme", default="theme", help="Its column of the theme [default: theme].")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--keep", is_flag=True, help="Leave the temporary folder; the published bundle is left in any case.")
def demo(data: Path | None, file: Path | None, text: str, theme: str, as_json: bool, keep: bool) -> None:
    """Play a whole consultation over HTTP against the real service, from an empty folder to the published results.

    Exit code 1 when what must be equal at the end is not.

    Example: registre demo --json
    """
    if Settings.from_env(os.environ).env == "production":
        raise click.ClickException("the demo moves the clock of a service of its own: not with REGISTRE_ENV=production.")
    scenario = of_file(file, Columns(text, theme)) if file else corpus()
    root = data.expanduser().resolve() if data else Path(mkdtemp(prefix="registre-demo-"))
    folder = root if data else root / "data"
    try:
        with watching() as watch:
            summary = run(perform(folder, (folder / "demo" if data else root) / f"{scenario.slug}.zip", scenario, watch))
    except KeyboardInterrupt:
        click.echo(f"what there is stands in {folder}; go on with --data {folder}", err=True)
        raise
    except (NotPlayed, Told, Away) as error:
        raise click.ClickException(f"{error}\nWhat there is stands in {folder}; go on with --data {folder}") from error
    if not data and not keep:
        shutil.rmtree(folder)
    if as_json:
        click.echo(msgspec.json.encode(summary, enc_hook=str).decode())
    else:
        Console().print(summary.table())
    if not summary.holds:
        sys.exit(1)


@contextmanager
def watching() -> Iterator[Watch]:
    """The acts on standard error: bars on a terminal, a line each elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:

        def watch(act: str, done: int, total: int) -> None:
            if act not in tasks:
                tasks[act] = bars.add_task(act, total=total or None)
                if bars.disable:
                    click.echo(act, err=True)
            bars.update(tasks[act], completed=done, total=total or None)

        yield watch
