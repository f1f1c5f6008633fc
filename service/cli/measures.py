"""`registre audit treatment` and `report`: the measures of equal treatment, computed from the log and from nothing else."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from projections.treatment.measures import views
from projections.treatment.measures.computing import computed
from projections.treatment.measures.document import Audience, Measures, Scope, Share
from service.cli.base import Moment, data_option, run, settings_of
from service.handler import Handle
from service.located import locate
from service.report.writing import encoded, write
from service.settings import Settings
from service.upkeep import Opened, opened

WHOLE_LINES = 1_000
"""Columns where the answer goes to a file or a pipe: nothing of it is folded for a screen."""

as_of_option = click.option(
    "--as-of",
    type=Moment(),
    metavar="POSITION|DATE",
    help="A position of the log, or a date or time in RFC 3339 [default: its end].",
)
public_option = click.option(
    "--public", "audience", flag_value="public", default="internal", help="The form that everybody gets."
)


@click.command()
@data_option
@as_of_option
@public_option
@click.option("--json", "as_json", is_flag=True, help="The whole document, as JSON.")
@click.argument("slug", required=False)
def treatment(data: Path | None, as_of: int | datetime | None, audience: Audience, as_json: bool, slug: str | None) -> None:
    """Compute how contributions were treated, from the log up to a position or a date, whatever the service shows.

    SLUG may be left out where the log holds one consultation. A date without a time is the end of that day, UTC.

    Example: registre audit treatment essai --as-of 2026-12-01
    """
    measures = run(measured(settings_of(data), slug, as_of))[audience]
    if as_json:
        sys.stdout.buffer.write(encoded(measures))
    else:
        told(measures, Console(width=None if sys.stdout.isatty() else WHOLE_LINES))


@click.command()
@data_option
@as_of_option
@public_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the report, made where missing."
)
@click.argument("slug", required=False)
def report(data: Path | None, as_of: int | datetime | None, audience: Audience, out: Path, slug: str | None) -> None:
    """Write the measures as one page for people, in French and English, beside the document that it shows.

    Example: registre audit report --out report --public
    """
    settings = settings_of(data)
    measures = run(measured(settings, slug, as_of))[audience]
    title, themes = run(named(settings, measures.consultation))
    for path in write(out, measures, themes, title):
        click.echo(path)


async def named(settings: Settings, slug: str) -> tuple[str, dict[str, str]]:
    """The title of a consultation, and those of its themes by id."""
    async with opened(locate(settings)) as on:
        state, _ = await Handle(on.store).terms_of(slug)
        return state.adopted.title, {theme: window.title for theme, window in state.adopted.themes.items()}


async def measured(settings: Settings, slug: str | None, as_of: int | datetime | None) -> dict[Audience, Measures]:
    """Both forms. Raises ValueError for a consultation or a moment that the log does not know."""
    async with opened(locate(settings)) as on:
        chosen = await _chosen(on, slug)
        position = await _position(on, as_of)
        last = await views.last_before(on.pool, chosen, position)
        if not last:
            raise ValueError(f"{chosen} begins later than {as_of}")
        return await computed(on.store, on.sealer, chosen, last)


async def _chosen(on: Opened, slug: str | None) -> str:
    known = await views.consultations(on.pool)
    if slug is None and len(known) == 1:
        return known[0]
    if slug not in known:
        said = f"there is no consultation {slug}" if slug else "name a consultation"
        raise ValueError(f"{said}; the log holds: {', '.join(known) or 'none'}")
    return slug


async def _position(on: Opened, as_of: int | datetime | None) -> int:
    head = await on.store.head()
    if isinstance(as_of, datetime):
        return await on.store.position_at(as_of)
    if as_of is not None and as_of > head:
        raise ValueError(f"the log ends at {head}: there is no position {as_of}")
    return head if as_of is None else as_of


def told(measures: Measures, console: Console) -> None:
    """For people: how far everything has come, how readers agree, every departure of the queues."""
    console.print(f"{measures.consultation}, at position {measures.position}, {measures.day}: the {measures.audience} form")
    for table in _coverage(measures, console.width):
        console.print(table)
    for name, scope in {"whole": measures.whole, **measures.themes}.items():
        if scope.readers and scope.readers.alpha is not None:
            units = scope.readers.units
            console.print(f"{name}: readers agree to alpha {scope.readers.alpha:.3f} over {units} contributions")
    for name, queue in (measures.queues or {}).items():
        said = f"{queue.conforming} of {queue.assignments} assignments conform"
        console.print(f"queue {name}: {said}" + (f", {queue.unverifiable} cannot be told yet" if queue.unverifiable else ""))
        for each in queue.departures:
            console.print(f"  position {each.position}: {each.why}")


def _coverage(measures: Measures, width: int) -> Iterator[Table]:
    """One table where it fits, else two halves: a figure that is cut says nothing."""
    steps = list(measures.whole.coverage)
    whole, half = _table(measures, steps), len(steps) // 2
    fits = Console(width=WHOLE_LINES).measure(whole).maximum <= width
    yield from (whole,) if fits else (_table(measures, steps[:half]), _table(measures, steps[half:]))


def _table(measures: Measures, steps: list[str]) -> Table:
    headings = (Column(step, justify="right", overflow="fold") for step in steps)
    table = Table(Column("", overflow="fold"), *headings, box=None, padding=(0, 1), pad_edge=False)
    scopes: dict[str, Scope] = {"whole": measures.whole, **measures.themes}
    for name, scope in scopes.items():
        table.add_row(name, *(_share(scope.coverage.get(step)) for step in steps))
    return table


def _share(share: Share | None) -> str:
    return f"{share.count}/{share.of}" if share else "-"
