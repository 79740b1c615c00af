"""What a sweep found, as tables and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from fleetopt.report.view import View, count, number, percent, usd, view
from fleetopt.study.sweep.effects import Bar, End, as_it_is, efficient, tornado
from fleetopt.study.sweep.records import PLANNED, Outcome, Run, Status, Sweep

STATUSES: dict[Status, str] = {
    "OPTIMAL": "within the gap",
    "FEASIBLE": "gap not reached",
    "INFEASIBLE": "infeasible",
    "NO_SOLUTION_FOUND": "no plan in time",
    "BAD_INPUT": "cannot be planned",
    "FAILED_VERIFICATION": "fails its verification",
    "FAILED": "failed",
}
"""What came of a run, in words."""

DESIGNS = {"grid": "every combination", "one-at-a-time": "one at a time", "lhs": "a Latin hypercube"}


def design_of(found: Sweep) -> str:
    """Which settings were run together, in words."""
    asked = found.question
    if len(asked.vary) == 1:
        return "one field" if asked.design == "grid" else f"one field, {DESIGNS[asked.design]}"
    return f"{DESIGNS[asked.design]} of {len(asked.vary)} fields"


MOST_NAMED = 12
"""Variants that are named where many have no plan for the same reason."""

FIGURES: dict[str, tuple[str, Callable[[Outcome], float | None]]] = {
    "power": ("kW, mean over time", lambda outcome: outcome.power_kw),
    "capex": ("USD of capex", lambda outcome: outcome.capex_usd),
    "regret": ("USD of regret", lambda outcome: outcome.regret_usd),
}
"""Figures besides the cost of which less is better: their unit, and where they stand."""


def headline(found: Sweep) -> str:
    """How many variants, what came of them, and between which costs they lie."""
    counts = Counter(run.outcome.status for run in found.runs)
    said = ", ".join(f"{counts[status]} {words}" for status, words in STATUSES.items() if counts[status])
    costs = [run.outcome.cost_usd for run in found.runs if run.outcome.cost_usd is not None]
    ends = list(dict.fromkeys([usd(min(costs)), usd(max(costs))])) if costs else []
    between = f"; {' to '.join(ends)} USD" if ends else ""
    many = "variant" if len(found.runs) == 1 else "variants"
    return f"{found.question.scenario}: {len(found.runs)} {many}, {said}{between}"


def summary_views(found: Sweep, most: int) -> list[View]:
    """What a terminal shows: the tornado where there is one, and the first variants."""
    return [tornado_view(found), run_view(found, most)]


def tornado_view(found: Sweep) -> View:
    """What each variable moves the cost by, the others being as they are; the one that moves it most first."""
    rows = [[str(place), *_bar(bar)] for place, bar in enumerate(tornado(found), 1)]
    titles = ["", "field", "cheapest at", "USD", "dearest at", "USD ", "spread USD", "no plan at"]
    base = as_it_is(found)
    usd_now = None if base is None else base.outcome.cost_usd
    note = "" if usd_now is None else f"As it is, the scenario costs {usd(usd_now)} USD."
    return view(
        "What moves the cost, one at a time", titles, rows, text=2, words=(titles[2], titles[4], titles[7]), note=note
    )


def _bar(bar: Bar) -> list[str]:
    return [bar.path, *_end(bar.low), *_end(bar.high), usd(bar.spread_usd), ", ".join(bar.without_plan)]


def _end(end: End | None) -> tuple[str, str]:
    return ("-", "-") if end is None else (end.setting, usd(end.usd))


def run_view(found: Sweep, most: int | None = None, *, why: bool = True) -> View:
    """The variants: settings, cost, gap, fleet, and why there is no plan unless that is told elsewhere."""
    paths = [one.path for one in found.runs[0].settings]
    shown = found.runs[:most]
    rows = [_run(found, run) for run in shown]
    types = [f"{name} GPUs" for name in found.gpu_types]
    regret = ["regret USD"] if found.question.regret else []
    titles = ["variant", *paths, "outcome", "USD", "gap", *types, "kW", "capex USD", "opex USD", *regret]
    if why and any(run.outcome.message for run in shown):
        titles, rows = [*titles, "why"], [[*row, run.outcome.message] for row, run in zip(rows, shown, strict=True)]
    note = "" if len(shown) == len(found.runs) else f"The first {most} of {len(found.runs)}."
    return view("Variants", titles, rows, text=2 + len(paths), words=("why",), note=note)


def _run(found: Sweep, run: Run) -> list[str]:
    outcome = run.outcome
    figures = [usd(outcome.cost_usd) if outcome.cost_usd is not None else "-"]
    figures.append("-" if outcome.gap is None else percent(outcome.gap))
    if outcome.status in PLANNED:
        figures += [count(outcome.gpus.get(name, 0)) for name in found.gpu_types]
    else:
        figures += ["-"] * len(found.gpu_types)
    figures.append("-" if outcome.power_kw is None else number(outcome.power_kw))
    figures += ["-" if value is None else usd(value) for value in (outcome.capex_usd, outcome.opex_usd)]
    figures += [_regret(outcome)] if found.question.regret else []
    settings = [one.setting for one in run.settings]
    return [str(run.variant), *settings, STATUSES[outcome.status], *figures]


def reasons(found: Sweep) -> tuple[str, ...]:
    """Why variants have no plan, each reason once."""
    of: dict[str, list[str]] = {}
    for run in found.runs:
        if run.outcome.message:
            of.setdefault(run.outcome.message, []).append(str(run.variant))
    return tuple(f"Variant{'s' * (len(them) > 1)} {_first(them)}: {message}" for message, them in of.items())


def _first(variants: list[str]) -> str:
    more = len(variants) - MOST_NAMED
    return ", ".join(variants[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _regret(outcome: Outcome) -> str:
    if outcome.base_orders == "IMPOSSIBLE":
        return "not possible"
    return "-" if outcome.regret_usd is None else usd(outcome.regret_usd)


def efficient_view(found: Sweep, name: str) -> View:
    """The variants that no other beats in both cost and a second figure."""
    unit, figure = FIGURES[name]
    best = efficient(found, figure)
    rows = [
        [str(run.variant), *(one.setting for one in run.settings), number(figure(run.outcome) or 0.0), usd(cost)]
        for run in best
        if (cost := run.outcome.cost_usd) is not None
    ]
    paths = [one.path for one in found.runs[0].settings]
    return view(f"Efficient in cost and {name}", ["variant", *paths, unit, "USD"], rows, text=1 + len(paths))
