"""What the commands share: settings, errors told in one sentence, progress."""

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import httpx
import uvloop
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.embedded import EmbeddedError
from adapters.postgres.migrate import MigrationRefused
from adapters.store import Unavailable
from projections.runner import Overtaken, Stopped
from service import logs
from service.client import Away, Told
from service.collecting import collect_rarely
from service.located import NotRunning
from service.moments import moment
from service.settings import Settings, SettingsRefused
from service.supervisor import PortTaken

T = TypeVar("T")

EXPECTED: Final = (
    SettingsRefused, NotRunning, PortTaken, MigrationRefused, Unavailable, Overtaken, Stopped, EmbeddedError, Told, Away, httpx.HTTPError,
    ValueError, OSError,
)  # fmt: skip
"""What a person can act on: told in one sentence, without a traceback."""

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the embedded servers and secrets [default: .registre].",
)


class Moment(click.ParamType[int | datetime]):
    """A position or a moment of the log; the option is named where it is neither."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | datetime:
        try:
            return moment(value)
        except ValueError as error:
            self.fail(f"{value!r} is {error}.", param, ctx)


def settings_of(data: Path | None = None, **more: Any) -> Settings:
    """The settings of the environment, with what the command line says instead."""
    settings = Settings.from_env(os.environ)
    given = {name: value for name, value in {"data": data, **more}.items() if value is not None}
    settings = replace(settings, **given)
    settings.check()
    logs.configure(settings)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    collect_rarely()  # rebuilding and replaying read the whole log
    return uvloop.run(work)


class Plain(click.Group):
    """Tells what a person can act on in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PermissionError as error:
            said = f"{error.filename or 'a file'}: permission denied. Run this as the user whom it belongs to, or name another folder."
            raise click.ClickException(said) from error
        except EXPECTED as error:
            raise click.ClickException(str(error) or type(error).__name__) from error


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, when that is a terminal; told how much is done of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
