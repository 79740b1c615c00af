"""What studies found, as tables and sentences: baselines, explanations, alternatives, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from fleetopt.report.view import View, number, percent, usd, view
from fleetopt.study.alternatives import Alternatives
from fleetopt.study.baselines import Baseline
from fleetopt.study.compare import Comparison
from fleetopt.study.differences import Difference
from fleetopt.study.explain import Explanation
from fleetopt.study.findings import UNKNOWN, Topic
from fleetopt.study.measures import POWER

TOPICS: dict[Topic, str] = {
    "binds": "What holds replicas back",
    "one more": "What more of a limit would save",
    "price": "At which price other supply would come in",
    "life": "What a GPU-hour costs over the life of an offer",
    "promise": "What each promise costs, the others standing",
}

SECTIONS = {
    "input": "Input",
    "fleet": "Fleet: most nodes in service",
    "orders": "Orders: nodes",
    "cost": "Cost by line, USD",
    "workload": "Cost by workload, USD",
}


MANY = 5
"""Numbers of one field that differ from which on they are shown as one row; JSON has each."""

_SAME = 1e-9
"""Shares of the cost below this are rounding of the sums."""


def baseline_view(found: Sequence[Baseline]) -> View:
    """Savings against other ways to size the fleet."""
    rows = [
        [one.name, "-" if one.usd is None else usd(one.usd), _saving(one), "yes" if one.verified else "no", one.note]
        for one in found
    ]
    titles = ("baseline", "USD", "saved against it", "verified", "note")
    return View("Baselines on the same inputs", titles, tuple(map(tuple, rows)), frozenset(titles[1:3]))


def _saving(one: Baseline) -> str:
    return "-" if one.saving is None else percent(one.saving)


def explanation_headline(found: Explanation) -> str:
    """The plan and how it was explained, in a sentence."""
    how = f"{found.solves} solves to {percent(found.gap_tolerance)} and at most {found.time_limit_s:g} s each"
    left = f"{found.unanswered} questions" if found.unanswered else "some of it"
    rest = "" if found.complete else f"; {left} ran into the limit of solves or time (--solves, --total-time)"
    return f"{found.scenario}: {usd(found.objective_usd)} USD, explained by {how}{rest}"


def explanation_lines(found: Explanation) -> list[tuple[str, list[str]]]:
    """The findings by topic under their titles, the dearest first where they have dollars, what is not known last."""
    sections = []
    for topic, title in TOPICS.items():
        rows = [one for one in found.findings if one.topic == topic]
        rows.sort(key=lambda one: -(one.usd or 0.0))
        known = [one.sentence for one in rows if UNKNOWN not in one.sentence]
        open_ = [one.about for one in rows if UNKNOWN in one.sentence]
        if rows:
            left = [f"{UNKNOWN}: {', '.join(open_)}"] if open_ else []
            sections.append((title, known + left))
    return sections


def alternatives_view(found: Alternatives) -> View:
    """Plans side by side, the best first."""
    figures = [("best", 0.0, found.best, "")]
    figures += [(one.name, one.more, one.measures, one.summary) for one in found.found]
    rows = [
        [
            *(name, usd(m.usd), f"+{percent(more)}" if more > _SAME else "-", f"{m.gpu_types}"),
            *(number(m.nodes), number(m.power_kw), usd(m.upfront_usd), summary),
        ]
        for name, more, m, summary in figures
    ]
    titles = ("plan", "USD", "more", "GPU types", "nodes", "kW", "upfront USD", "GPUs at the peak, against the best")
    note = (
        f"Nodes and power are means over time and outlooks, power {POWER}. "
        "Each plan is within the gap asked for of the cheapest of its kind: closer costs are not told apart."
    )
    title = f"Plans within {percent(found.within)} of the best"
    return View(title, titles, tuple(map(tuple, rows)), frozenset(titles[1:7]), note)


def comparison_headline(found: Comparison) -> str:
    """Both costs and their difference."""
    change = found.usd_b - found.usd_a
    part = f", {100 * change / found.usd_a:+.3g} %" if found.usd_a else ""
    return f"{found.a}: {usd(found.usd_a)} USD; {found.b}: {usd(found.usd_b)} USD ({change:+,.2f} USD{part})"


def comparison_views(found: Comparison) -> list[View]:
    """What moved the cost, then everything that differs."""
    return [_moves(found), *(_section(found, section, title) for section, title in SECTIONS.items())]


def _moves(found: Comparison) -> View:
    rows = [[move.group, _signed(move.usd), _signed(move.alone_usd)] for move in found.moves]
    if rows:
        rows.append(["interaction", "", _signed(found.interaction_usd)])
        rows.append(["total", *[_signed(found.usd_b - found.usd_a)] * 2])
    note = "Each group of inputs changed after those above it, and by itself; '-' where there is no plan in between."
    return view("What moved the cost", ["input", "in this order, USD", "alone, USD"], rows, note=note)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+,.2f}"


def _section(found: Comparison, section: str, title: str) -> View:
    rows = [row for group in _groups(found.differences, section) for row in _rows(group)]
    titles = ("what", "before", "after")
    return View(title, titles, tuple(map(tuple, rows)), frozenset() if section == "input" else frozenset(titles[1:]))


def _groups(differences: Iterable[Difference], section: str) -> Iterator[list[Difference]]:
    """Differences that stand together: of the input, numbers of one field, as a demand has one for each time."""
    own = (one for one in differences if one.section == section)
    for _, group in groupby(own, key=lambda one: one.about.rpartition(".")[0] or one.about):
        yield list(group)


def _rows(group: list[Difference]) -> Iterator[list[str]]:
    before = [one.before for one in group if isinstance(one.before, int | float)]
    after = [one.after for one in group if isinstance(one.after, int | float)]
    if group[0].section != "input" or len(group) < MANY or not len(group) == len(before) == len(after):
        yield from ([one.about, _cell(one, one.before), _cell(one, one.after)] for one in group)
        return
    ratios = {f"{new / old:.6g}" for old, new in zip(before, after, strict=True) if old}
    change = f" (each times {ratios.pop()})" if len(ratios) == 1 and all(before) else ""
    yield [f"{group[0].about.rpartition('.')[0]}: {len(group)} numbers", _range(before), _range(after) + change]


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):,.10g}", f"{max(values):,.10g}"
    return low if low == high else f"{low} to {high}"


def _cell(one: Difference, value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    return usd(value) if one.section in {"cost", "workload"} else f"{value:,.10g}"
