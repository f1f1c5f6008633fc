"""The command line."""

import click


@click.group()
def main() -> None:
    """Registre: the backend of a public consultation."""
