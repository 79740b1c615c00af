"""Tables in a terminal, however narrow it is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fleetopt.cli.draw import draw
from fleetopt.report.view import view


@pytest.mark.parametrize("width", [20, 60, 80, 100, 240])
def test_no_column_and_no_number_is_lost_in_a_narrow_terminal(width: int) -> None:
    """Proves: at any width every number stands whole on a line, every title's words are there, and words wrap.
    Sensitivity: columns that share a width that is too small come to nothing, or numbers are broken in two.
    """
    titles = ("", "field of the scenario", "H200 GPUs", "USD", "capex USD", "note")
    row = ("7", "workloads.chat.demand", "56", "423,360.00", "1,000,000.00", "words " * 12)
    screen = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    draw(screen, [view("A table", titles, [row], text=2, words=("note",))])
    assert isinstance(screen.file, io.StringIO)
    told = screen.file.getvalue()
    for shown in ("7", "workloads.chat.demand", "56", "423,360.00", "1,000,000.00", "GPUs", "H200", "capex", "note"):
        assert any(shown in line.split() for line in told.splitlines()), shown
    assert told.count("words") == 12
