"""Charts of cost by how tight the promises are: a picture a workload, a line a way to serve it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from fleetopt.report.html.charts import Chart, short, svg_of
from fleetopt.report.picture import CATEGORIES
from fleetopt.study.styles.tight import Priced, Tightness, Way

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = (("aggregated", CATEGORIES[0], "o"), ("disaggregated", "#E69F00", "s"), ("mixed", "#009E73", "^"))


WIDE = 8.0
"""Costs that are further apart than so many times are drawn by ratios."""


def tightness_charts(found: Tightness) -> tuple[Chart, ...]:
    """One for each workload that has plans at two factors or more, those that were tried in between among them."""
    rows: dict[str, list[Priced]] = {}
    for row in (*found.rows, *found.halvings):
        rows.setdefault(row.workload, []).append(row)
    priced = [(name, sorted(every, key=lambda row: row.factor)) for name, every in rows.items()]
    return tuple(
        _chart(index, name, every)
        for index, (name, every) in enumerate(priced)
        if sum(row.mixed.usd is not None for row in every) > 1
    )


def _chart(index: int, name: str, rows: Sequence[Priced]) -> Chart:
    factors = [row.factor for row in rows]
    lines = {way: [_usd(getattr(row, way)) for row in rows] for way, _, _ in _LINES}
    drawn = [line for line in _LINES if not all(map(isnan, lines[line[0]]))]
    there = [usd for values in lines.values() for usd in values if not isnan(usd)]
    wide = max(there) > WIDE * min(there)

    def draw(ax: Axes) -> None:
        from matplotlib.ticker import LogLocator

        for way, colour, marker in drawn:
            # Mixed is often one of the other two: a broad line that they can be seen on.
            look: dict[str, Any] = (
                {"linewidth": 6.0, "alpha": 0.45, "zorder": 1} if way == "mixed" else {"linewidth": 1.6}
            )
            ax.plot(factors, lines[way], color=colour, marker=marker, markersize=4.5, **look)
        ax.set_xscale("log")
        if wide:
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(10.0, (1.0, 2.0, 5.0)))
            ax.yaxis.set_major_formatter(lambda value, _: short(value))
        else:
            ax.set_ylim(bottom=0.0)
        ends = sorted({factors[0], 1.0, factors[-1]} if factors[0] <= 1.0 <= factors[-1] else {factors[0], factors[-1]})
        ax.minorticks_off()
        ax.set_xticks(ends, [f"{factor:g}" for factor in ends])
        ax.set_xlabel("times the limits (tighter to the left)", fontsize=10)

    costs = [row.mixed.usd for row in rows if row.mixed.usd is not None]
    told = f"{len(rows)} factors, {short(min(costs))} to {short(max(costs))} USD mixed; the table has every number"
    svg = svg_of(f"tight{index}", f"Cost by how tight the limits are: {told}", "USD", draw)
    return Chart(name, svg, tuple((colour, way) for way, colour, _ in drawn))


def _usd(way: Way) -> float:
    return float("nan") if way.usd is None or way.came != "VERIFIED" else way.usd
