"""Aggregated against disaggregated serving as tables: what each costs by how tight the promises are, and crossovers."""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.report.style_views import CAME
from fleetopt.report.view import View, percent, time, usd, view
from fleetopt.study.styles.tight import Best, Priced, Tightness, Way

NONE = "-"

BEST: dict[Best, str] = {
    "aggregated": "aggregated",
    "disaggregated": "disaggregated",
    "equal": "the same",
    "neither": "neither",
}
"""Which is best, in a word."""

STATES: dict[Best, str] = {
    "aggregated": "aggregated is cheaper",
    "disaggregated": "disaggregated is cheaper",
    "equal": "neither is known to be cheaper",
    "neither": "nothing serves it",
}
"""The same in words."""


def tightness_headline(found: Tightness) -> str:
    """What was asked, and whether all of it was answered, in a sentence."""
    lacking = sum(not row.complete for row in found.rows)
    rest = "" if found.complete else "; stopped before all of it was asked"
    if lacking:
        rest = (
            f"; not finished: {lacking} of {len(found.rows)} rows (--time-limit for each solve, --total-time for all)"
        )
    return f"{found.scenario}: each workload alone, aggregated or disaggregated, {found.solves} solves{rest}"


def tightness_views(found: Tightness) -> list[View]:
    """Costs by workload and factor, where the cheaper way changes, and why some have no plan."""
    return [_costs(found), _crossovers(found), _reasons(found)]


def _costs(found: Tightness) -> View:
    titles = ["workload", "limits x", "TTFT", "TPOT"]
    titles += ["aggregated USD", "disaggregated USD", "mixed USD", "gap", "best"]
    note = (
        "TTFT and TPOT are those of the scenario times the factor. Each plan is the best of the workload alone and "
        "verified; mixed is everything allowed; the gap is the largest of the three. 'The same' is where the gaps "
        "leave open which of the two is cheaper."
    )
    return view("Aggregated or disaggregated", titles, [_row(row) for row in found.rows], words=titles[-1:], note=note)


def _row(row: Priced) -> list[str]:
    ways = (row.aggregated, row.disaggregated, row.mixed)
    gaps = [way.gap for way in ways if way.gap is not None]
    best = "not known" if row.best is None else BEST[row.best]
    limits = (f"{row.factor:.4g}", time(row.ttft_s), time(row.tpot_s))
    return [row.workload, *limits, *map(_cost, ways), percent(max(gaps)) if gaps else NONE, best]


def _cost(way: Way) -> str:
    if way.usd is None:
        return "no profile" if way.came == "DOES_NOT_APPLY" else CAME[way.came]
    return usd(way.usd) if way.came == "VERIFIED" else f"{usd(way.usd)} ({CAME[way.came]})"


def _crossovers(found: Tightness) -> View:
    titles = ("workload", "up to x", "so far", "from x", "from there on")
    rows = tuple(
        (one.workload, f"{one.low:.4g}", STATES[one.tighter], f"{one.high:.4g}", STATES[one.looser])
        for one in found.crossovers
    )
    note = (
        f"Times the limits; both ends were planned, and lie within {percent(found.within)} of one another unless time "
        "ran out. A change there and back between two factors of the table is not seen."
    )
    return View("Where the best one changes", titles, rows, frozenset({"up to x", "from x"}), note)


def _reasons(found: Tightness) -> View:
    rows = tuple(_whys(found.rows))
    return View("Why there is no plan", ("workload", "limits x", "way", "because"), rows)


def _whys(rows: Iterable[Priced]) -> Iterable[tuple[str, ...]]:
    """Each reason once for a workload and a way, with the factors at which it holds."""
    at: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for name, way in (("aggregated", row.aggregated), ("disaggregated", row.disaggregated), ("mixed", row.mixed)):
            if way.came != "VERIFIED":
                # Reasons are told of several workloads elsewhere, and begin with its name there.
                why = (
                    way.why.removeprefix(f"{row.workload}: ") or "no fleet within the limits of the scenario serves it"
                )
                at.setdefault((row.workload, name, why), []).append(f"{row.factor:.4g}")
    for (workload, name, why), factors in at.items():
        yield workload, ", ".join(factors), name, why
