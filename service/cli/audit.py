"""Commands for auditors: what the service promises, re-derived from the log alone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from adapters.ndjson import Malformed
from domain.treatment.departures import Departure
from domain.treatment.trail import Findings, Trail
from service import auditing
from service.auditing import Truncated
from service.cli.base import EXPECTED, data_option, progress, run, settings_of
from service.cli.playing import allowed, reached, token_option, waiting
from service.client import Client
from service.settings import TOKEN

BROKEN = 2
"""Exit code of a replay that has not come to the end of a log, as of a wrong usage: nobody can say that it is clean."""


class NotReplayed(click.ClickException):
    exit_code = BROKEN


@click.group()
def audit() -> None:
    """What auditors check with nothing but their token, a saved log, or the databases themselves.

    Example: registre audit replay --from https://consultation.example --token "$TOKEN"
    """


@audit.command()
@data_option
@click.option(
    "--from",
    "source",
    metavar="URL|FILE|-",
    help="A service, a saved log (one event a line), or standard input [default: the service that runs in the data folder].",
)
@token_option
@click.option("--consultation", metavar="SLUG", help="Of one consultation alone [default: the whole log].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object of everything found.")
def replay(data: Path | None, source: str | None, token: str | None, consultation: str | None, as_json: bool) -> None:
    """Re-derive the whole trail from the raw events, independently of what the service shows, and print every departure from the rules.

    Exit code 0 when there is none, 1 when there are some, 2 when the log could not be read to its end.

    Example: registre audit replay --from https://consultation.example --token "$TOKEN"
    """
    trail, broken = Trail(whole=consultation is None), None
    try:
        run(_followed(trail, data, source, token, consultation))
    except (Malformed, Truncated) as error:
        broken = error
    except (*EXPECTED, httpx.InvalidURL) as error:
        raise NotReplayed(str(error) or type(error).__name__) from error
    findings = trail.findings()
    if as_json:
        click.echo(msgspec.json.encode(_object(findings, broken)).decode())
    else:
        click.echo("\n".join(_told(findings)))
    if broken is not None:
        raise NotReplayed(str(broken))
    if not findings.events:
        raise NotReplayed(f"the log holds no event{f' of {consultation}' if consultation else ''}")
    if findings.departures:
        sys.exit(1)


async def _followed(trail: Trail, data: Path | None, source: str | None, token: str | None, consultation: str | None) -> None:
    """Follow a log to its end. Raises Malformed, Truncated, Told, Away, NotRunning, OSError."""
    if source is not None and not source.startswith(("http://", "https://")):
        await auditing.follow(trail, auditing.from_file(source), consultation)
        return
    settings = settings_of(data)
    url = reached(settings, source)
    try:
        bearer = allowed(settings, token, "auditor")
    except FileNotFoundError:
        raise click.UsageError(f"{url} needs --token, or {TOKEN}: the access token of an auditor.") from None
    async with Client(url, bearer, waiting=waiting) as client:
        with progress("replaying the log") as told:
            await auditing.follow(trail, auditing.from_service(client, consultation, told), consultation)


def _told(findings: Findings) -> Iterator[str]:
    for rule, departures in auditing.by_rule(findings.departures).items():
        yield f"{rule} ({len(departures)}): {departures[0].title}"
        yield from map(_line, departures)
        yield ""
    found = len(findings.departures)
    yield (
        f"{findings.events} events read, {findings.contributions} contributions, {findings.assignments} assignments checked, "
        f"{findings.unverifiable} not yet verifiable: {found or 'no'} {'departure' if found == 1 else 'departures'} from the rules"
    )


def _line(departure: Departure) -> str:
    said = ", ".join(f"{name} {value}" for name, value in departure.said.items())
    return f"  position {departure.position}, {departure.consultation}, stream {departure.stream}: {said}"


def _object(findings: Findings, broken: Exception | None) -> dict[str, Any]:
    counts = {rule: len(departures) for rule, departures in auditing.by_rule(findings.departures).items()}
    return {**msgspec.structs.asdict(findings), "by_rule": counts, "broken": str(broken) if broken else None}
