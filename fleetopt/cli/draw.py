"""Draws views in the terminal, as wide as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fleetopt.report.view import View

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 160
"""Columns when nobody is looking: wide enough to keep cells on one line in a log."""

WHOLE = frozenset({"config", "role", "workload"})
"""Columns of names to be copied, which no line break may cut."""


def console() -> Console:
    """A console on stdout that does not interpret what users wrote as markup."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            """Leaves it to main(), which knows that a closed pipe is no failure."""
            raise BrokenPipeError

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Screen(markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def draw(screen: Console, views: Iterable[View]) -> None:
    """Prints every view that has rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    for section in views:
        if not section.rows:
            continue
        screen.print(Text(section.title, style="bold"))
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for index, column in enumerate(section.columns):
            right = column in section.numeric
            whole = right or index == 0 or column in WHOLE
            table.add_column(Text(column), justify="right" if right else "left", no_wrap=whole, overflow="fold")
        for row in section.rows:
            table.add_row(*(Text(cell) for cell in row))
        screen.print(table)
        if section.note:
            screen.print(Text(section.note, style="dim"))
        screen.print()
