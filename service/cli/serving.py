"""Commands that run the service, and that let staff in."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import structlog

from adapters.tokens import ROLES, Role
from service import processes, supervisor
from service.cli.base import data_option, run, settings_of
from service.located import development_issuer

_log = structlog.get_logger()


@click.command()
@data_option
@click.option("--host", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 picks a free one [default: 8000].")
def serve(data: Path | None, host: str | None, port: int | None) -> None:
    """Run everything; without REGISTRE_DATABASE_URL and REGISTRE_NATS_URL, with a PostgreSQL and a NATS of its own.

    Example: registre serve --data .registre --port 8000
    """
    settings = settings_of(data, host=host)

    async def ready(url: str) -> None:
        if settings.log_format == "json":
            _log.info("serves", url=url, docs=f"{url}/docs")
            return
        click.echo(f"Registre serves on {url}, its interface is described on {url}/docs", err=True)
        if settings.issuer is None:
            click.echo(f"Tokens for staff: {sys.argv[0]} token moderator --data {settings.data}", err=True)

    run(supervisor.serve(settings, settings.port if port is None else port, ready))


@click.command()
@data_option
def work(data: Path | None) -> None:
    """Run the worker alone: read models, relay, deadlines, erasure, screening, measures.

    Any number may run.

    Example: registre work
    """
    processes.serve_work(settings_of(data))


@click.command()
@data_option
@click.option("--subject", default="developer", show_default=True, help="Whom the token names.")
@click.option("--ttl", default=86_400, show_default=True, type=click.IntRange(1, 30 * 86_400), help="Seconds until it expires.")
@click.argument("roles", nargs=-1, required=True, type=click.Choice(sorted(ROLES)))
def token(data: Path | None, subject: str, ttl: int, roles: Sequence[Role]) -> None:
    """Mint an access token with the development key of the data folder.

    Example: registre token moderator --subject alice
    """
    settings = settings_of(data)
    if settings.issuer is not None:
        raise click.ClickException("with REGISTRE_ISSUER, tokens come from that issuer.")
    try:
        click.echo(development_issuer(settings).mint(list(roles), subject, ttl))
    except FileNotFoundError:
        raise click.ClickException(f"there is no key in {settings.data} yet: `registre serve` generates it.") from None
