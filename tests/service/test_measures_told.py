"""The measures on a terminal: a figure is shown whole or not at all."""

import io

import pytest
from rich.console import Console

from service.cli.measures import told
from tests.service.documents import example


@pytest.mark.parametrize("width", [80, 120, 1_000])
def test_no_figure_and_no_heading_is_cut_however_narrow_the_terminal(width: int) -> None:
    measures, page = example("internal"), io.StringIO()

    told(measures, Console(file=page, width=width))

    words = page.getvalue().split()
    assert "…" not in page.getvalue()
    for step, share in measures.whole.coverage.items():
        assert step in words
        assert f"{share.count}/{share.of}" in words
