"""Charts of a sweep: bars of a tornado, cost against a number, cost against a second figure.

As in all charts of a page, no word of a user stands in a picture: bars and series are named beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fleetopt.report.html.charts import INK, MOST_SERIES, OTHERS, Chart, numbered, short, svg_of
from fleetopt.report.picture import CATEGORIES
from fleetopt.report.sweep.views import FIGURES
from fleetopt.study.sweep.effects import Curve, Point, as_it_is, efficient, tornado
from fleetopt.study.sweep.records import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 15
CHEAPER, DEARER, NO_PLAN = "#0072B2", "#E69F00", "#B00020"
_CROSS: dict[str, Any] = {"marker": "x", "color": NO_PLAN, "linestyle": "none", "markersize": 7, "clip_on": False}
_ALL = "all variants"
_LEAST = "the least at each value"


def tornado_chart(found: Sweep) -> Chart:
    """Bars from the least to the largest cost; their numbers are those of the table."""
    bars, base = tornado(found)[:MOST_BARS], as_it_is(found)
    ends = [(bar.low.usd, bar.high.usd) for bar in bars if bar.low and bar.high]
    now = base.outcome.cost_usd if base is not None else None
    middle = now if now is not None else min((low for low, _ in ends), default=0.0)

    def draw(ax: Axes) -> None:
        for place, bar in enumerate(bars):
            if bar.low and bar.high:
                ax.barh(place, min(bar.low.usd - middle, 0.0), left=middle, color=CHEAPER, height=0.62)
                ax.barh(place, max(bar.high.usd - middle, 0.0), left=middle, color=DEARER, height=0.62)
            if bar.without_plan:
                ax.plot([1.0], [place], transform=ax.get_yaxis_transform(), **_CROSS)
        if ends:
            ax.axvline(middle, color=INK, linewidth=0.9)
        numbered(ax, len(bars))

    told = f"{len(bars)} bars, the longest {short(bars[0].spread_usd)} USD; the table has every number"
    svg = svg_of("tornado", f"What moves the cost: {told}", "field, by USD", draw)
    legend = [(CHEAPER, "cheaper than as it is"), (DEARER, "dearer than as it is")]
    legend += [(NO_PLAN, "a setting without a plan")] if any(bar.without_plan for bar in bars) else []
    return Chart("What moves the cost", svg, tuple(legend))


def curve_chart(index: int, curve: Curve) -> Chart:
    """Cost against a variable's number: a line a series; of too many series, points and the least at each value."""
    series, points = _drawn(curve), _sorted(curve)
    palette = [colour for colour in CATEGORIES if colour != OTHERS]
    colours = {name: OTHERS if name == _ALL else palette[n % len(palette)] for n, name in enumerate(series)}

    def draw(ax: Axes) -> None:
        for name, found in series.items():
            _draw_points(ax, found, colours[name], joined=name != _ALL)
        ax.set_xlabel(curve.unit, fontsize=10)
        ax.xaxis.set_major_formatter(lambda value, _: short(value))

    lacking = sum(point.usd is None for point in points)
    told = f"{len(points)} variants, {lacking} of them without a plan; the table has every number"
    legend = [(colours[name], name) for name in series if name]
    legend += [(NO_PLAN, "no plan")] if lacking else []
    legend += (
        [("#ffffff", "hollow: gap not reached")] if any(p.usd is not None and not p.proven for p in points) else []
    )
    svg = svg_of(f"curve{index}", f"Cost against a field: {told}", "USD", draw)
    return Chart(curve.path, svg, tuple(legend))


def _drawn(curve: Curve) -> dict[str, tuple[Point, ...]]:
    """The series that are drawn; more than can be told apart are put together."""
    if curve.scattered:
        return {_ALL: _sorted(curve)}
    if len(curve.series) > MOST_SERIES:
        return {_ALL: _sorted(curve), _LEAST: _least(curve)}
    return curve.series


def _sorted(curve: Curve) -> tuple[Point, ...]:
    return tuple(sorted((p for points in curve.series.values() for p in points), key=lambda point: point.x))


def _least(curve: Curve) -> tuple[Point, ...]:
    """The cheapest point at each number."""
    found: dict[float, Point] = {}
    for point in _sorted(curve):
        known = found.get(point.x)
        if point.usd is not None and (known is None or known.usd is None or point.usd < known.usd):
            found[point.x] = point
    return tuple(found.values())


def _draw_points(ax: Axes, points: Sequence[Point], colour: str, *, joined: bool) -> None:
    there = [(point.x, point.usd) for point in points if point.usd is not None]
    if there and joined:
        line = [float("nan") if point.usd is None else point.usd for point in points]
        ax.plot([point.x for point in points], line, color=colour, linewidth=1.6)
    for point in points:
        if point.usd is None:
            ax.plot([point.x], [0.97], transform=ax.get_xaxis_transform(), **_CROSS)
        else:
            ax.plot([point.x], [point.usd], "o", color=colour, markersize=4.5, markerfacecolor=_face(point, colour))


def _face(point: Point, colour: str) -> str:
    return colour if point.proven else "white"


def efficient_chart(found: Sweep, name: str) -> Chart | None:
    """Cost against a second figure, the efficient variants joined; None where there is nothing to choose between."""
    unit, figure = FIGURES[name]
    points = [(x, run.outcome.cost_usd) for run in found.runs if (x := figure(run.outcome)) is not None]
    best = [(figure(run.outcome), run.outcome.cost_usd) for run in efficient(found, figure)]
    if len({x for x, _ in points}) < 2:
        return None

    def draw(ax: Axes) -> None:
        ax.plot(*zip(*points, strict=True), "o", color=OTHERS, markersize=4.5)
        ax.plot(*zip(*best, strict=True), "o-", color=CATEGORIES[0], markersize=5.5, linewidth=1.6)
        ax.set_xlabel(unit, fontsize=10)
        ax.xaxis.set_major_formatter(lambda value, _: short(value))

    told = f"{len(points)} plans, {len(best)} of them efficient; the table has every number"
    svg = svg_of(f"efficient-{name}", f"Cost against {name}: {told}", "USD", draw)
    return Chart(f"Cost against {name}", svg, ((OTHERS, "variants"), (CATEGORIES[0], "efficient")))
