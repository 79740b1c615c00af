"""Serving styles side by side: a sentence, the costs, what the styles are, and which do not apply and why."""

from __future__ import annotations

from fleetopt.report.view import View, number, percent, usd
from fleetopt.study.measures import POWER
from fleetopt.study.styles.records import Came, Comparison, StyleRow

NONE = "-"

CAME: dict[Came, str] = {
    "VERIFIED": "verified",
    "BREAKS_THE_SCENARIO": "breaks limits",
    "IMPOSSIBLE": "impossible",
    "DOES_NOT_APPLY": "does not apply",
    "NOT_FINISHED": "not finished",
    "NOT_ASKED": "not asked",
}
"""What came of a style, in words."""

LEFT_OUT: frozenset[Came] = frozenset({"DOES_NOT_APPLY", "NOT_ASKED"})
"""Of these there is nothing to say but why."""


def styles_headline(found: Comparison) -> str:
    """The best of everything allowed, and whether every style was answered."""
    rest = "" if found.complete else f"; {_missing(found)}"
    if found.allowed is None or found.allowed.usd is None:
        return f"{found.scenario}: stopped before there was a plan{rest}"
    cost = usd(found.allowed.usd)
    return f"{found.scenario}: {cost} USD with everything allowed, {_how(found.allowed)}, {found.solves} solves{rest}"


def _missing(found: Comparison) -> str:
    """What is not finished, and what gives it more time."""
    names = [row.title for row in found.styles if not row.finished]
    if found.allowed is None or not found.allowed.finished:
        names.append("everything allowed")
    return f"not finished: {', '.join(names)} (--time-limit for each solve, --total-time for all)"


def _how(allowed: StyleRow) -> str:
    if allowed.gap is None:
        return "how good is not known"
    return f"within {percent(allowed.gap)} of the best possible" if allowed.gap else "proven to be the best possible"


def styles_views(found: Comparison, *, kept: bool) -> list[View]:
    """The tables of a comparison; `kept` is whether its plans stand in a folder."""
    return [styles_view(found), about_view(found, kept=kept), absent_view(found)]


def styles_view(found: Comparison) -> View:
    """A row for each style that applies, everything allowed last."""
    numeric = ("USD", "ratio", "gap", "GPUs", "nodes", "kW")
    rows = tuple((row.title, *_figures(row), CAME[row.came]) for row in _there(found))
    note = (
        "Each plan is one of the same scenario and verified as such. Ratio: to everything allowed; no style comes "
        "below it. Gap: how much cheaper a plan of the same kind may be at most; a formula has none. GPUs, nodes and "
        f"power are the most in service at once, power {POWER}."
    )
    return View("Serving styles", ("style", *numeric, "outcome"), rows, frozenset(numeric), note)


def _there(found: Comparison) -> list[StyleRow]:
    return [row for row in found.rows if row.came not in LEFT_OUT]


def _figures(row: StyleRow) -> tuple[str, ...]:
    gap = NONE if row.gap is None else percent(row.gap)
    if row.usd is None or row.largest is None:
        return (NONE,) * 6
    most = row.largest
    ratio = NONE if row.ratio is None else f"{row.ratio:.3f}"
    return (usd(row.usd), ratio, gap, f"{most.gpus:,}", f"{most.nodes:,}", number(most.power_kw))


def about_view(found: Comparison, *, kept: bool) -> View:
    """What each style is or why it has no plan, who describes it, and where its plan stands in the folder."""
    plan = ("plan",) if kept else ()
    rows = tuple(
        (row.title, _note(row), row.paper, *((f"plans/{row.name}" if row.plan else NONE,) if kept else ()))
        for row in _there(found)
    )
    return View("What they are, or why there is no plan", ("style", "note", "described in", *plan), rows)


def _note(row: StyleRow) -> str:
    """The note, with the bound where that is all there is."""
    bound = row.bound_usd if row.usd is None else None
    return row.note if bound is None else f"{row.note}; it costs no less than {usd(bound)} USD"


def absent_view(found: Comparison) -> View:
    """Styles whose matter the scenario does not have, by what is missing, and those that were not asked."""
    styles: dict[str, list[str]] = {}
    for row in found.rows:
        if row.came in LEFT_OUT:
            styles.setdefault(row.note, []).append(row.title)
    rows = tuple((", ".join(titles), why) for why, titles in styles.items())
    return View(
        "Do not apply here, or were not asked" if _stopped(found) else "Do not apply here", ("styles", "because"), rows
    )


def _stopped(found: Comparison) -> bool:
    return any(row.came == "NOT_ASKED" for row in found.rows)
