"""How far demand can grow under a limit, as a sentence, a table and a picture."""

from __future__ import annotations

import io
from typing import Any

from fleetopt.report.view import View, usd
from fleetopt.study.stretch import FARTHEST, Point, Stretch

NONE = "-"
MANY = 1000.0

# A plan within a limit is one within every higher limit, and what cannot be done within one cannot within a lower.
_PLAN: dict[str, Any] = {"marker": "o", "color": "#0072B2", "drawstyle": "steps-post"}
_NONE: dict[str, Any] = {"marker": "v", "color": "#D55E00", "drawstyle": "steps-pre", "linestyle": "--"}


def stretch_headline(found: Stretch) -> str:
    """The answer under the whole limit, in a sentence."""
    whose = "all demand" if found.workload is None else f"the demand of {found.workload}"
    if not found.points:
        return f"{found.scenario}: stopped before there was an answer"
    rest = "" if found.complete else "; what is missing ran into the limit of time, or was stopped"
    return f"{found.scenario}: {_said(found.points[-1], whose)}{rest}"


def _said(point: Point, whose: str) -> str:
    under = _under(point)
    if not point.low:
        most = "" if point.high is None else f", not even {times(point.high)} times it"
        return f"no part of {whose} was found that can be served{under}{most}"
    if point.high is not None:
        low, high = apart(point.low, point.high)
        return f"{low} times {whose} can be served{under}, and {high} times cannot"
    rest = (
        f"nothing limits it up to {FARTHEST:g} times" if point.low >= FARTHEST else "no proof was found of what cannot"
    )
    return f"{times(point.low)} times {whose} can be served{under}; {rest}"


def _under(point: Point) -> str:
    limits = [] if point.budget_usd is None else [f"{usd(point.budget_usd)} USD"]
    limits += [] if point.power_w is None else [f"{point.power_w / 1e3:,.6g} kW"]
    return f" within {' and '.join(limits)}" if limits else ""


def times(multiple: float) -> str:
    """A multiple to four digits, never more than it is by one of them.

    >>> times(1.49999985), times(12.34567), times(0.01)
    ('1.5', '12.35', '0.01')
    """
    return f"{multiple:.4g}"


def apart(low: float, high: float) -> tuple[str, str]:
    """Two multiples to four digits, or to as many as tell them apart.

    >>> apart(1.49999985, 1.6), apart(1.09957, 1.10029), apart(2.0, 2.0)
    (('1.5', '1.6'), ('1.0996', '1.1003'), ('2', '2'))
    """
    for digits in range(4, 10):
        said = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if said[0] != said[1]:
            return said
    return times(low), times(high)


def stretch_view(found: Stretch) -> View:
    """A row for each limit."""
    titles = ("budget, USD", "power, kW", "multiple with a plan", "without", "the plan, USD", "most GPUs")
    rows = tuple(
        (
            NONE if one.budget_usd is None else usd(one.budget_usd),
            NONE if one.power_w is None else f"{one.power_w / 1e3:,.6g}",
            *((times(one.low), NONE) if one.high is None else apart(one.low, one.high)),
            NONE if one.usd is None else usd(one.usd),
            _gpus(one),
        )
        for one in found.points
    )
    note = "The largest multiple of demand that a verified plan serves, and the least that is proven to have none."
    return View("How far demand can grow", titles, rows, frozenset(titles), note)


def _gpus(one: Point) -> str:
    """The most GPUs in service at once."""
    if one.plan is None:
        return NONE
    at: dict[tuple[str, str, str], int] = {}
    for line in one.plan.fleet:
        key = (line.period, line.slot, line.outlook)
        at[key] = at.get(key, 0) + line.gpus
    return f"{max(at.values(), default=0):,}"


def stretch_picture(found: Stretch) -> bytes:
    """The multiple over the limit as SVG: what has a plan and, above it, what has none. Same points, same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "fleetopt", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        ax = figure.add_subplot()
        money = found.points[0].budget_usd is not None
        limits = [one.budget_usd or 0.0 if money else (one.power_w or 0.0) / 1e3 for one in found.points]
        proven = [(limit, one.high) for limit, one in zip(limits, found.points, strict=True) if one.high is not None]
        ax.plot(limits, [one.low for one in found.points], label="there is a plan", **_PLAN)
        if proven:
            ax.plot(*zip(*proven, strict=True), label="proven to have none", **_NONE)
        ax.set_xlabel("budget, USD" if money else "power, kW")
        ax.set_ylabel("times the demand")
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}" if abs(x) >= MANY else f"{x:g}")
        ax.grid(visible=True, color="#dddddd", linewidth=0.6)
        ax.legend()
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        return out.getvalue()
