"""Draws views in the terminal, as wide as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from fleetopt.report.view import View

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 240
"""Columns when nobody is looking: wide enough to keep cells on one line in a log."""

NARROW = 24
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


def tell_written(screen: Console, places: Iterable[str]) -> None:
    """Says what was written, in a last line."""
    from rich.text import Text

    screen.print(Text(seen(f"written: {', '.join(places)}")))


def _print_table(screen: Console, section: View) -> None:
    """A table no narrower than its numbers: a terminal may wrap its lines, but no cell is cut off."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    room = screen.width - PADDING * (len(section.columns) - 1)
    widths = _widths([_ends(section, index) for index in range(len(section.columns))], room)
    for column, width in zip(section.columns, widths, strict=True):
        # Of a width of its own: columns that are to share a width that is too small may come to nothing.
        justify: Literal["right", "left"] = "right" if column in section.numeric else "left"
        table.add_column(Text(column), justify=justify, width=width, overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(seen(cell)) for cell in row))
    # Said of the table, not of how it is printed, which a console takes for no wider than itself.
    table.width = sum(widths) + PADDING * (len(widths) - 1)
    screen.print(table, crop=False)


def _ends(section: View, index: int) -> tuple[int, int]:
    """The least width of a column, at which its title may take several lines but no number does, and the largest that
    is of use.
    """
    column, cells = section.columns[index], max(len(row[index]) for row in section.rows)
    widest = max(1, cells, len(column))
    return max(1, cells, *map(len, column.split(" "))) if column in section.numeric else min(widest, NARROW), widest


def _widths(ends: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Widths of columns: the least, and what room there is beyond that shared evenly by those that can use it.

    >>> _widths([(4, 4), (5, 30), (5, 8)], 30)
    [4, 18, 8]
    >>> _widths([(4, 4), (5, 30)], 8)
    [4, 5]
    """
    widths, spare = [least for least, _ in ends], room - sum(least for least, _ in ends)
    while spare > 0 and (growing := [n for n, (_, widest) in enumerate(ends) if widths[n] < widest]):
        share = max(1, spare // len(growing))
        for n in growing:
            more = min(share, ends[n][1] - widths[n], spare)
            widths[n], spare = widths[n] + more, spare - more
    return widths
