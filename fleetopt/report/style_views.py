"""Serving styles side by side, as a sentence and a table."""

from __future__ import annotations

from fleetopt.report.view import View, number, percent, usd
from fleetopt.study.styles.records import Comparison, StyleRow

NONE = "-"


def styles_headline(found: Comparison) -> str:
    """The best of everything allowed, and whether every style was answered."""
    rest = "" if found.complete else "; what is missing ran into the limit of time, or was stopped"
    if found.allowed is None or found.allowed.usd is None:
        return f"{found.scenario}: stopped before there was a plan"
    cost = usd(found.allowed.usd)
    return f"{found.scenario}: {cost} USD with everything allowed, {_how(found.allowed)}, {found.solves} solves{rest}"


def _how(allowed: StyleRow) -> str:
    if allowed.gap is None:
        return "how good is not known"
    return f"within {percent(allowed.gap)} of the best possible" if allowed.gap else "proven to be the best possible"


def styles_view(found: Comparison) -> View:
    """A row for each style, everything allowed last."""
    numeric = ("USD", "of the best", "GPUs", "nodes", "kW", "gap")
    rows = tuple((row.title, *_figures(row), _gap(row), _verified(row), row.note) for row in found.rows)
    note = (
        "Each plan is one of the same scenario and verified as such. GPUs, nodes and power are the most in service at "
        "once, power by nameplate; the gap is to the best of the same kind."
    )
    return View("Serving styles", ("style", *numeric, "verified", "note"), rows, frozenset(numeric), note)


def _figures(row: StyleRow) -> tuple[str, ...]:
    if row.usd is None or row.largest is None:
        return (NONE,) * 5
    most = row.largest
    ratio = NONE if row.ratio is None else f"{row.ratio:.3f}"
    return (usd(row.usd), ratio, f"{most.gpus:,}", f"{most.nodes:,}", number(most.power_kw))


def _verified(row: StyleRow) -> str:
    return NONE if row.usd is None else "yes" if row.verified else "no"


def _gap(row: StyleRow) -> str:
    return NONE if row.gap is None else percent(row.gap)


def papers_view(found: Comparison) -> View:
    """Who describes each style, and where its plan stands in the folder."""
    rows = tuple((row.title, row.paper, f"plans/{row.name}" if row.plan else NONE) for row in found.rows)
    return View("What the styles are", ("style", "described in", "plan"), rows)
