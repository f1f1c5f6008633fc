"""Commands that speak to a running service over HTTP."""

import asyncio
from pathlib import Path

import click
import msgspec

from domain.definition import Definition
from service.cli.base import data_option, run, settings_of
from service.client import Client
from service.located import development_issuer, read_run
from service.settings import Settings

OPENING_S = 30.0
LOOK_S = 0.2

url_option = click.option("--url", help="The service [default: the one that runs in the data folder].")
token_option = click.option("--token", envvar="TOKEN", help="Access token [default: minted with the development key].")


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
        async with Client(reached(settings, url), allowed(settings, token, "administrator")) as client:
            await client.post("/v1/consultations", definition)
            click.echo(f"{definition.slug} is prepared: {len(definition.themes)} themes")
            if opens:
                await client.post(f"/v1/consultations/{definition.slug}/opening")
                await asyncio.wait_for(_opened(client, definition.slug), OPENING_S)
                click.echo(f"{definition.slug} is open")

    run(work())


async def _opened(client: Client, slug: str) -> None:
    """Returns once a theme takes deposits."""
    while not any(theme["phase"] == "open" for theme in (await client.get(f"/v1/consultations/{slug}/themes"))["items"]):
        await asyncio.sleep(LOOK_S)
