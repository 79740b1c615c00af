"""Charts of serving styles: what each costs and may cost at least, and cost by how tight the promises are.

As in all charts of a page, no word of a user stands in a picture: bars and lines are named beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetopt.report.html.charts import INK, Chart, numbered, short, svg_of
from fleetopt.report.picture import CATEGORIES
from fleetopt.study.styles.records import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COST, BEST = CATEGORIES[0], "#009E73"


def styles_chart(found: Comparison) -> Chart | None:
    """A bar for each verified plan, named beside it, with the bound of its kind; None for fewer than two."""
    rows = [row for row in found.rows if row.verified]
    costs = [row.usd for row in rows if row.usd is not None]
    if len(costs) < 2:
        return None
    colours = [BEST if row is found.allowed else COST for row in rows]
    bounds = [(place, row.bound_usd) for place, row in enumerate(rows) if row.bound_usd is not None]

    def draw(ax: Axes) -> None:
        ax.barh(range(len(rows)), costs, color=colours, height=0.62)
        for place, bound in bounds:
            ax.plot([bound, bound], [place - 0.4, place + 0.4], color=INK, linewidth=1.6)
        numbered(ax, len(rows))

    told = f"{len(rows)} bars, {short(min(costs))} to {short(max(costs))} USD; the table has every number"
    legend = [
        (colour, f"{place}: {row.title}") for place, (row, colour) in enumerate(zip(rows, colours, strict=True), 1)
    ]
    return Chart(
        "What each style costs",
        svg_of("styles", f"What each style costs: {told}", "style, by USD", draw),
        (*legend, (INK, "none of the kind costs less")),
    )
