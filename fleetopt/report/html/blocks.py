"""What a page is made of: tables, charts and heat tables in sections, as values that the template draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from fleetopt.report.html.charts import Chart
from fleetopt.report.utilization import Busy
from fleetopt.report.view import View

MOST_ROWS = 15
"""Rows of a table that are seen at once; all of them are one click away."""

_COOL, _WARM = (247, 251, 255), (107, 174, 214)
"""Ends of the scale of a heat table: dark words can be read on both."""


@dataclass(frozen=True, slots=True)
class Table:
    """A view with an id; `folded` hides all of it behind its title, and long ones fold what is beyond MOST_ROWS.

    On a phone the rows of `cards` stand under one another, each cell below its column's title.
    """

    id: str
    view: View
    folded: bool = False
    most: int = MOST_ROWS
    cards: bool = False
    template: str = "table"

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """All rows, or the first ones and the last, which is the total where there is one."""
        rows = self.view.rows
        if self.folded or len(rows) <= self.most + 2:
            return rows
        last = rows[-1:] if rows[-1][0] in ("total", "expected", "GPUs in all") else ()
        return (*rows[: self.most], *last)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Charts side by side where there is room."""

    charts: tuple[Chart, ...]
    template: str = "pictures"


@dataclass(frozen=True, slots=True)
class Heat:
    """Utilization by GPU type and slot, with the periods as columns."""

    id: str
    periods: tuple[str, ...]
    rows: tuple[Busy, ...]
    template: str = "heat"


@dataclass(frozen=True, slots=True)
class Sentences:
    """A list of sentences."""

    items: tuple[str, ...]
    folded: str = ""
    template: str = "sentences"


Block: TypeAlias = Table | Pictures | Heat | Sentences


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    title: str
    lead: str
    blocks: tuple[Block, ...] = field(default=())


def heat_colour(share: float) -> str:
    """The background of a cell: the darker, the busier.

    >>> heat_colour(0.0), heat_colour(1.0)
    ('#f7fbff', '#6baed6')
    """
    part = min(1.0, max(0.0, share))
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(_COOL, _WARM, strict=True))
