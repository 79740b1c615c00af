"""What not knowing the future costs, as tables: the values of knowing and of planning for all outlooks, and regrets."""

from __future__ import annotations

from collections.abc import Iterator

from fleetopt.report.view import View, percent, usd, view
from fleetopt.study.futures import Cell, Choice, Future, Futures, Span

NONE = "-"


def futures_headline(found: Futures) -> str:
    """The plan, and whether everything was worked out, in a sentence."""
    rest = "" if found.complete else "; what is missing ran into the limit of time, or was stopped"
    return (
        f"{found.scenario}: {usd(found.plan.usd)} USD over {len(found.outlooks)} outlooks, {found.solves} solves{rest}"
    )


def futures_views(found: Futures) -> list[View]:
    """Values first, then each outlook, then what other orders would have meant in each."""
    return [_values(found), _outlooks(found), regret_view(found)]


def _values(found: Futures) -> View:
    rows = [
        ("the plan: orders now, the rest once the outlook is known", found.plan),
        ("each outlook planned by itself, knowing that it comes", found.wait_and_see),
        ("value of perfect information", found.perfect_information),
        ("orders for the mean of the outlooks, held in all", found.mean_orders),
        ("value of planning for all outlooks", found.stochastic_solution),
        ("least regret that orders can have in the worst outlook", found.least_regret),
    ]
    note = ""
    if found.unservable:
        note = f"The orders for the mean of the outlooks cannot serve {', '.join(found.unservable)}: "
        note += "the value of planning for all outlooks is without limit."
    titles = ["what", "USD", "at least", "at most"]
    return view("What not knowing costs", titles, [[what, *_figures(span)] for what, span in rows], note=note)


def _figures(span: Span | None) -> list[str]:
    figures = (None, None, None) if span is None else (span.usd, span.low, span.high)
    return [NONE if figure is None else usd(figure) for figure in figures]


def _outlooks(found: Futures) -> View:
    titles = ["outlook", "probability", "the plan, USD", "at best, USD", "no less than, USD"]
    return view("By outlook", titles, [list(_outlook(one)) for one in found.outlooks])


def _outlook(one: Future) -> Iterator[str]:
    yield from (one.outlook, percent(one.probability), usd(one.plan_usd))
    yield from (NONE if figure is None else usd(figure) for figure in (one.best_usd, one.best_bound_usd))


def regret_view(found: Futures) -> View:
    """Orders by outlook: how much more they cost there than the best that could have been done."""
    outlooks = [one.outlook for one in found.outlooks]
    titles = ["orders", "nodes", "USD", *(f"in {outlook}" for outlook in outlooks), "worst"]
    rows = [
        [
            ", ".join(one.names),
            f"{one.nodes:,}",
            NONE if one.usd is None else usd(one.usd.usd),
            *(_regret(cell) for cell in one.outlooks),
            _worst(one),
        ]
        for one in found.choices
    ]
    note = "Each row's orders held in all outlooks; by how many USD more than at best an outlook then costs."
    return View("Regret", tuple(titles), tuple(map(tuple, rows)), frozenset(titles[1:]), note)


def _worst(one: Choice) -> str:
    return NONE if one.worst_regret_usd is None else usd(one.worst_regret_usd)


def _regret(cell: Cell) -> str:
    if cell.impossible:
        return "cannot be served"
    return NONE if cell.regret_usd is None else usd(cell.regret_usd)
