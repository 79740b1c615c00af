"""Charts as SVG inside a page: by matplotlib, which is loaded only here, without scripts, fonts or links.

A chart has no words of a user in it: names stand in the legend, which is HTML and wraps on a phone, so that no name
can break a picture. Numbers stand in a table beside each chart. Colours are those of Okabe and Ito.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleetopt.report.picture import CATEGORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SERIES = 7
"""What can be told apart in a chart; the rest is put together."""

MOST_TICKS = 8
ROOM = 0.7
"""Beside the first and the last bar, in periods."""

OTHERS = "#999999"
INK = "#1a1a1a"
WIDTH, HEIGHT = 4.8, 2.9
"""Inches: as wide as a phone, so that the words can be read on one."""
PLACE = (0.16, 0.16, 0.83, 0.74)
"""Left, bottom, width and height of the axes: the same in every chart, so that neighbours line up."""

_SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "fleetopt",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "axes.edgecolor": "#767676",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_DROPPED = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<defs>\s*</defs>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with what its colours mean, and what it shows in a sentence for those who cannot see it."""

    title: str
    svg: str
    legend: tuple[tuple[str, str], ...]
    note: str = ""


def stacked(name: str, title: str, periods: Sequence[str], rows: Mapping[str, Sequence[float]], unit: str) -> Chart:
    """Bars by period, stacked by row; amounts below zero hang below it. `rows` has at most MOST_SERIES entries."""
    colours = _colours(rows)

    def draw(ax: Axes) -> None:
        above, below = [0.0] * len(periods), [0.0] * len(periods)
        look: dict[str, Any] = {"width": 0.62, "edgecolor": "white", "linewidth": 0.8}
        for row, values in rows.items():
            base = [a if v >= 0 else b for v, a, b in zip(values, above, below, strict=True)]
            ax.bar(range(len(periods)), values, bottom=base, color=colours[row], **look)
            above = [a + max(v, 0.0) for v, a in zip(values, above, strict=True)]
            below = [b + min(v, 0.0) for v, b in zip(values, below, strict=True)]
        if any(below):
            ax.axhline(0.0, color=INK, linewidth=0.8)
        ax.set_xlim(-ROOM, len(periods) - 1 + ROOM)

    svg = _svg(name, f"{title}: {_told(rows, periods, unit)}", periods, unit, draw)
    return Chart(title, svg, tuple((colours[row], row) for row in rows))


def lines(
    name: str, title: str, periods: Sequence[str], rows: Mapping[str, Sequence[float | None]], unit: str
) -> Chart:
    """A line by row over the periods, broken where there is no value."""
    colours = _colours(rows)

    def draw(ax: Axes) -> None:
        for index, (row, values) in enumerate(rows.items()):
            shown = [float("nan") if v is None else v for v in values]
            ax.plot(range(len(periods)), shown, color=colours[row], marker="os^Dvp*"[index % 7], linewidth=1.8)
        ax.set_ylim(bottom=0.0)

    told = {row: [0.0 if v is None else v for v in values] for row, values in rows.items()}
    svg = _svg(name, f"{title}: {_told(told, periods, unit)}", periods, unit, draw)
    return Chart(title, svg, tuple((colours[row], row) for row in rows))


def fan(name: str, title: str, periods: Sequence[str], bands: Sequence[Sequence[float]], unit: str) -> Chart:
    """P10 to P90 as a band around P50."""
    low, middle, high = ([band[n] for band in bands] for n in range(3))

    def draw(ax: Axes) -> None:
        places = range(len(periods))
        ax.fill_between(places, low, high, color="#56B4E9", alpha=0.45, linewidth=0)
        ax.plot(places, middle, color=CATEGORIES[0], marker="o", linewidth=2)
        ax.set_ylim(bottom=min(0.0, *low))

    told = {"P10": low, "P50": middle, "P90": high}
    svg = _svg(name, f"{title}: {_told(told, periods, unit)}", periods, unit, draw)
    return Chart(title, svg, (("#aad9f4", "P10 to P90"), (CATEGORIES[0], "P50")))


def over_the_day(name: str, title: str, edges: Sequence[float], rows: Mapping[str, Sequence[float]]) -> Chart:
    """Shares by row as steps over the hours of a day; `edges` are where the steps begin and end."""
    colours = _colours(rows)

    def draw(ax: Axes) -> None:
        for index, (row, shares) in enumerate(rows.items()):
            steps = [100.0 * share for share in shares]
            # Beside one another where two rows are alike.
            off = 0.12 * (index - (len(rows) - 1) / 2.0)
            at = [edge + off for edge in edges]
            ax.step(at, [*steps, steps[-1]], where="post", color=colours[row], linewidth=2.2)
        ax.set_ylim(0.0, 105.0)
        ax.set_xlim(-0.5, 24.5)
        ax.set_xticks(list(edges), [f"{edge:g}" for edge in edges])
        ax.set_xlabel("hours of the day", fontsize=10)

    told = f"{title}: {len(rows)} series over {len(edges) - 1} parts of the day; the table has every number"
    svg = _svg(name, told, (), "% of GPUs in service", draw)
    return Chart(title, svg, tuple((colours[row], row) for row in rows))


def _colours(rows: Mapping[str, Any]) -> dict[str, str]:
    palette = [colour for colour in CATEGORIES if colour != OTHERS]
    found = dict(zip(rows, palette, strict=False))
    return found | {row: OTHERS for row in rows if row.startswith("others, ")}


def _told(rows: Mapping[str, Sequence[float]], periods: Sequence[str], unit: str) -> str:
    """The ends of what is drawn; all of it stands in the table."""
    sums = [sum(values) for values in zip(*rows.values(), strict=True)] or [0.0]
    ends = dict.fromkeys((0, len(periods) - 1))
    told = ", ".join(f"{periods[n]} {sums[n]:,.6g} {unit} in all" for n in ends) if len(rows) > 1 else ""
    return f"{len(rows)} series over {len(periods)} periods{'; ' if told else ''}{told}; the table has every number"


def _svg(name: str, label: str, periods: Sequence[str], unit: str, draw: Callable[[Axes], None]) -> str:
    """The picture, with periods one beside another, or none where `draw` says what stands below."""
    step = -(-len(periods) // MOST_TICKS)

    def dated(ax: Axes) -> None:
        draw(ax)
        if periods:
            ax.set_xticks(range(0, len(periods), step), [_two_lines(p) for p in periods[::step]])

    return svg_of(name, label, unit, dated)


def svg_of(name: str, label: str, unit: str, draw: Callable[[Axes], None]) -> str:
    """A picture for a page, with the looks of all of them.

    Args:
        name: its ids begin with it, so that they are its own.
        label: what it shows, for those who cannot see it.
        unit: of the upright axis.
        draw: fills the axes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        figure = Figure(figsize=(WIDTH, HEIGHT))
        ax = figure.add_axes(PLACE)
        ax.grid(axis="y", color="#dddddd", linewidth=0.7)
        ax.set_axisbelow(True)
        ax.yaxis.set_major_formatter(lambda value, _: short(value))
        draw(ax)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(unit, loc="left", fontsize=10)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata=_METADATA)
    return _inline(out.getvalue(), name, label)


def _two_lines(period: str) -> str:
    year, _, part = period.partition("-")
    return f"{part}\n{year}" if part else year


def numbered(ax: Axes, bars: int) -> None:
    """Bars lie below one another, numbered from the top; the axis along them has short numbers."""
    ax.set_yticks(range(bars), [str(place + 1) for place in range(bars)])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_formatter(lambda value, _: short(value))
    ax.locator_params(axis="x", nbins=5)


def short(value: float) -> str:
    """A number as an axis shows it.

    >>> short(1_250_000), short(20_000), short(-3000), short(0.5), short(0)
    ('1.25 M', '20 k', '-3 k', '0.5', '0')
    """
    for scale, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= scale:
            return f"{value / scale:.4g}{letter}"
    return f"{value:.4g}"


def _inline(svg: str, name: str, label: str) -> str:
    """A picture that fits into a page: as wide as there is room, its ids its own, readable by a screen reader."""
    svg = _DROPPED.sub("", svg[svg.index("<svg") :])
    svg = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", svg, count=2)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r'\sid="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{_quoted(label)}" ', 1)


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
