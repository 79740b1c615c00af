"""Panels of curves as a PNG or SVG picture, by matplotlib, which is loaded only here.

Colours are those of Okabe and Ito (Color Universal Design, 2008) for GPU types, and a scale that brightens evenly for
contexts and lengths; both can be told apart with any colour vision. The marker says what the evidence is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetopt.catalog.domain import Evidence
from fleetopt.errors import InputError, Issue
from fleetopt.report.curves import LABELS, Kind, Line, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
ACROSS = 3
"""Panels side by side."""

SCALES_APART = 4.0
"""A promise that is so many times above all curves is named, not drawn: it would flatten them."""

_SETTINGS: dict[str, Any] = {"svg.hashsalt": "fleetopt", "svg.fonttype": "none", "font.size": 9}
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_SCALE = ("#00224e", "#35456c", "#575c6e", "#7b7b78", "#a59c74", "#c7b35a", "#d9c24f", "#e6cf3f")
_MARKERS: dict[Evidence, str] = {"measured": "o", "modelled": "s", "assumed": "^"}
_PROMISE = "#B00020"


def check_picture(path: Path) -> None:
    """Stops unless a path names a kind of picture that can be drawn.

    Raises:
        InputError: its suffix is another one.
    """
    if path.suffix.lower() not in SUFFIXES:
        what = f"'{path.suffix[:20]}' is no kind of picture that can be drawn"
        raise InputError([Issue("unknown-picture", str(path), what, f"End the name in {' or '.join(SUFFIXES)}")])


def picture(panels: Sequence[Panel], title: str, kind: str) -> bytes:
    """All panels on one page; `kind` is 'png' or 'svg'. The same panels make the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        rows = _rows(panels)
        across = max(len(row) for row in rows)
        figure = Figure(figsize=(4.7 * max(across, 1.6), 3.5 * len(rows) + 0.9), layout="constrained")
        figure.suptitle(title, fontsize=12, fontweight="bold")
        grid = figure.add_gridspec(len(rows), across)
        drawn: dict[Kind, list[Axes]] = {}
        for n, row in enumerate(rows):
            for m, panel in enumerate(row):
                wide = len(row) == 1 < across and panel.kind == "prefill"
                ax = figure.add_subplot(grid[n, :-1] if wide else grid[n, m])
                _draw(ax, panel, legend_beside=wide)
                drawn.setdefault(panel.kind, []).append(ax)
        for axes in drawn.values():
            _level(axes)
        _legend(figure, panels)
        out = io.BytesIO()
        figure.savefig(out, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
        return out.getvalue()


def _rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Panels of a kind side by side; if there is one of each kind only, two kinds in a row."""
    blocks = [list(group) for _, group in groupby(panels, key=lambda panel: panel.kind)]
    if all(len(block) == 1 for block in blocks):
        return [list(panels[n : n + 2]) for n in range(0, len(panels), 2)]
    return [block[n : n + ACROSS] for block in blocks for n in range(0, len(block), ACROSS)]


def _draw(ax: Axes, panel: Panel, *, legend_beside: bool) -> None:
    _, x_label, y_label = LABELS[panel.kind]
    colours = _colours(panel)
    ax.set_title(panel.title, fontsize=9)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    for line, colour in zip(panel.lines, colours, strict=True):
        _line(ax, line, colour)
    if panel.kind == "ttft":
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    else:
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:,.6g}")
        ax.set_ylim(bottom=0)
    _promise(ax, panel)
    by_line = {line.candidate.name: colour for line, colour in zip(panel.lines, colours, strict=True)}
    for mark in panel.marks:
        colour = by_line[mark.candidate.name] if len(panel.marks) > 1 else _PROMISE
        star: dict[str, Any] = {"linestyle": "none", "marker": "*", "markersize": 14, "color": colour, "zorder": 6}
        ax.plot([mark.x], [mark.y], markeredgecolor="white", label=mark.label, **star)
    ax.grid(visible=True, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if legend_beside else {"loc": "best"}
    ax.legend(fontsize=7, framealpha=0.85, **beside).set_in_layout(not legend_beside)


def _line(ax: Axes, line: Line, colour: str) -> None:
    evidence = line.candidate.profile.provenance.evidence
    look: dict[str, Any] = {"color": colour, "linewidth": 2.0 if line.planned else 1.4}
    look["linestyle"] = "--" if line.planned else "-"
    dots: dict[str, Any] = {"color": colour, "markersize": 4, "markerfacecolor": _face(evidence, colour)}
    dots["marker"] = "none" if line.planned else _MARKERS[evidence]
    ax.plot(line.xs, line.ys, zorder=4 if line.planned else 3, **look)
    if line.points:
        ax.plot(*zip(*line.points, strict=True), zorder=3.5, **dots | {"linestyle": "none"})
    # The legend shows line and marker together, which were drawn apart.
    ax.plot([], [], label=line.label, **dots | look)


def _face(evidence: Evidence, colour: str) -> str:
    """What was measured is filled, anything else is hollow."""
    return colour if evidence == "measured" else "white"


def _promise(ax: Axes, panel: Panel) -> None:
    if panel.promise is None:
        return
    label, y = panel.promise
    highest = max(max(line.ys) for line in panel.lines)
    if panel.kind != "ttft" and y > SCALES_APART * highest:
        ax.plot([], [], " ", label=f"{label} (above the chart)")
        return
    ax.axhline(y, color=_PROMISE, linestyle=":", linewidth=1.6, zorder=5, label=label)


def _level(axes: Sequence[Axes]) -> None:
    """Panels that show the same quantity share its scale, so that they can be compared by eye."""
    low, high = (choose(ax.get_ylim()[end] for ax in axes) for choose, end in ((min, 0), (max, 1)))
    for ax in axes:
        ax.set_ylim(low, high)


def _colours(panel: Panel) -> list[str]:
    """By GPU type where lines are of different ones, else from dark to bright; black for what is planned."""
    plain = [line for line in panel.lines if not line.planned]
    palette = CATEGORIES if panel.kind == "prefill" else _SCALE
    step = 1 if panel.kind == "prefill" else max(1, (len(_SCALE) - 1) // max(1, len(plain) - 1))
    colours = iter([palette[n * step % len(palette)] for n in range(len(plain))])
    return ["#000000" if line.planned else next(colours) for line in panel.lines]


def _legend(figure: Figure, panels: Sequence[Panel]) -> None:
    """What the markers mean, once for the page."""
    from matplotlib.lines import Line2D

    kinds = sorted({line.candidate.profile.provenance.evidence for panel in panels for line in panel.lines})
    grey: dict[str, Any] = {"color": "#444444", "linewidth": 1.4}
    handles = [
        Line2D([], [], marker=_MARKERS[kind], markerfacecolor=_face(kind, "#444444"), label=f"{kind} point", **grey)
        for kind in kinds
    ]
    if any(line.planned for panel in panels for line in panel.lines):
        handles.append(Line2D([], [], linestyle="--", label="as planned", **grey))
    if any(panel.marks for panel in panels):
        star: dict[str, Any] = {"linestyle": "none", "marker": "*", "markersize": 12, "color": _PROMISE}
        handles.append(Line2D([], [], label="operating point at capacity", **star))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
