"""Draws views in the terminal, as wide as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fleetopt.report.view import View

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 240
"""Columns when nobody is looking: wide enough to keep cells on one line in a log."""

NARROW = 20
"""Columns of words up to this width stay on one line; wider ones share what is left of a narrow terminal."""

PADDING = 2
"""Between two columns."""


def console() -> Console:
    """A console on stdout that does not interpret what users wrote as markup."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            """Leaves it to main(), which knows that a closed pipe is no failure."""
            raise BrokenPipeError

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Screen(markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def seen(text: str) -> str:
    """Text without what a terminal would obey instead of showing."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def draw(screen: Console, views: Iterable[View]) -> None:
    """Prints every view that has rows."""
    from rich.text import Text

    for section in views:
        if not section.rows:
            continue
        screen.print(Text(section.title, style="bold"))
        _print_table(screen, section)
        if section.note:
            screen.print(Text(section.note, style="dim"))
        screen.print()


def announce(headline: str, views: Iterable[View]) -> Console:
    """Prints a headline and what stands under it; gives the console for what comes after."""
    from rich.text import Text

    screen = console()
    screen.print(Text(seen(headline), style="bold"))
    screen.print()
    draw(screen, views)
    return screen


def _print_table(screen: Console, section: View) -> None:
    """A table no narrower than its numbers: a terminal may wrap its lines, but no cell is cut off."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    needed = 0
    for index, column in enumerate(section.columns):
        cells = max(len(row[index]) for row in section.rows)
        numeric = column in section.numeric
        # The title of a narrow column of numbers may take several lines, a number never.
        least = max(cells, *map(len, column.split(" "))) if numeric else min(max(cells, len(column)), NARROW)
        widest = max(cells, len(column))
        table.add_column(
            Text(column),
            justify="right" if numeric else "left",
            no_wrap=least == widest,
            min_width=least,
            overflow="fold",
        )
        needed += least + PADDING
    for row in section.rows:
        table.add_row(*(Text(seen(cell)) for cell in row))
    screen.print(table, width=max(screen.width, needed), crop=False)
