"""What a person can act on is told in one sentence, without a traceback."""

import click
import pytest
from click.testing import CliRunner

from projections.runner import Overtaken, Stopped
from service.cli import upkeep
from service.cli.base import Plain


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Overtaken("themes_next is being built by somebody else"), "themes_next is being built by somebody else"),
        (Stopped("themes", 7, ValueError("no such topic")), "themes stopped before position 7: no such topic"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_what_was_to_be_expected_is_told_in_one_sentence(error: Exception, said: str) -> None:
    @click.group(cls=Plain)
    def commands() -> None: ...

    @commands.command()
    def fail() -> None:
        raise error

    told = CliRunner().invoke(commands, ["fail"])

    assert (told.exit_code, told.output) == (1, f"Error: {said}\n")


@pytest.mark.parametrize("written", ["yesterday", "-3", "2026-13-01"])
def test_a_moment_that_means_nothing_is_refused_by_the_name_of_its_option(written: str) -> None:
    told = CliRunner().invoke(upkeep.replay, ["themes", "--until", written])

    assert told.exit_code == 2
    assert f"'--until': '{written}' is neither a position of the log" in told.output
