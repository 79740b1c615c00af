"""Serving styles side by side, on the same inputs: the best plan of each, and of everything that is allowed.

    allowed = the cheapest verified plan of (its own solves, the styles)       bound = that of its own solves

Each style is a restriction, so its plans are plans of the scenario too. Where a solve ends before its proof, a style
may come out cheaper than the solve over everything: then everything is solved once more from that plan. What stays
cheaper even so is the best that is known of everything as well, and is taken, with the bound of the larger solve. So no
style is ever cheaper, and the gap says how much better one may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from fleetopt.errors import NoPlanWithinLimit
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.measures import SAME, gap_of, largest
from fleetopt.study.plainer import UNFINISHED, Fleet
from fleetopt.study.resolve import Effort, Resolver
from fleetopt.study.restrict import by_cost
from fleetopt.study.styles import STYLES
from fleetopt.study.styles.records import ALL_ALLOWED, Came, Comparison, StyleRow
from fleetopt.study.styles.style import Style
from fleetopt.verify.verifier import verify

EVERYTHING = Style(ALL_ALLOWED, "all allowed", "the planner", lambda _scenario, _desk: Fleet(None, ""))
WHOLE = "everything that the scenario allows, together"
STOPPED = "stopped before it was asked"
SHORT = "the time for all solves was over"
HALF, CUT = "stopped, with the best plan so far", "stopped before there was a plan"


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where finished rows are kept, and come from when a comparison goes on."""

    kept: Callable[[str], StyleRow | None] = lambda _name: None
    keep: Callable[[StyleRow], None] = lambda _row: None


def compare_styles(
    scenario: Scenario,
    desk: Resolver,
    *,
    plan: Plan | None = None,
    styles: Sequence[Style] = STYLES,
    keeping: Keeping | None = None,
) -> Comparison:
    """Every style's best plan and the best of all. Ctrl-C after the first solve ends it with what is finished.

    Args:
        scenario: the question; what it would have little of other than cost is left out.
        desk: how hard to try each solve.
        plan: the best of everything allowed, where it is known already.
        styles: those to be compared.
        keeping: rows that are finished already, and what is told of each that is.

    Raises:
        Infeasible: there is no plan of any style, because there is none.
        InputError: a workload has no profile on the GPU types of the supply.
        NoPlanWithinLimit: no plan of any style was found in time.
    """
    shelf, question = keeping or Keeping(), by_cost(scenario)
    own = shelf.kept(ALL_ALLOWED) or _everything(question, plan, desk)
    if own.plan is not None:
        shelf.keep(own)
    rows = tuple(_rows(question, desk, styles, shelf))
    own = _again(question, own, rows, desk)
    allowed = _allowed(question, own, rows, desk.options.gap)
    if allowed is None and not desk.stopped:
        raise NoPlanWithinLimit("no plan of any style was found in the time there was", own.bound_usd)
    if allowed is not None:
        shelf.keep(allowed)
    return Comparison(
        scenario=scenario.name,
        styles=tuple(_compared(row, allowed) for row in rows),
        allowed=None if allowed is None else _compared(allowed, allowed),
        solves=desk.solves,
        complete=own.finished and all(row.finished for row in rows),
    )


def _everything(scenario: Scenario, plan: Plan | None, desk: Resolver, start: Plan | None = None) -> StyleRow:
    """What the solve over everything gives, from nothing or from the plan of a style."""
    what = "everything allowed" if start is None else "everything allowed, from the best style"
    try:
        best = plan or desk.best(scenario, what, Effort(diagnose=True, start=start))
    except NoPlanWithinLimit as error:
        return _row(scenario, EVERYTHING, Fleet(None, UNFINISHED, open=desk.spent, bound_usd=error.bound_usd))
    half = desk.stopped or _cut(desk, best, best.bound_usd)
    return _row(scenario, EVERYTHING, Fleet(best, HALF if desk.stopped else WHOLE, half, best.bound_usd))


def _again(scenario: Scenario, own: StyleRow, rows: Sequence[StyleRow], desk: Resolver) -> StyleRow:
    """Everything once more, from the cheapest style's plan, where the solve over everything had come to less; the
    better of what the two solves say, with the higher bound: both are bounds of the same question.
    """
    best = _cheapest(rows)
    beaten = best is not None and best.plan is not None and not _as_good(own, best)
    if best is None or not beaten or desk.spent or _proven(best.usd, own.bound_usd, desk.options.gap):
        return own
    try:
        later = _everything(scenario, None, desk, best.plan)
    except KeyboardInterrupt:
        desk.stopped = True
        return own
    bounds = [one.bound_usd for one in (own, later) if one.bound_usd is not None]
    bound = max(bounds, default=None)
    better = later if _usd(later) <= _usd(own) else own
    note = f"begun from the plan of '{best.title}'" if better is later and later.plan else own.note
    return better.model_copy(update={"bound_usd": bound, "gap": gap_of(better.usd, bound), "note": note})


def _rows(scenario: Scenario, desk: Resolver, styles: Sequence[Style], shelf: Keeping) -> Iterator[StyleRow]:
    for style in styles:
        row = shelf.kept(style.name)
        if row is None:
            row = _row(scenario, style, _found(scenario, style, desk))
            if row.finished:
                shelf.keep(row)
        yield row


def _found(scenario: Scenario, style: Style, desk: Resolver) -> Fleet:
    if desk.stopped:
        return Fleet(None, STOPPED, open=True)
    try:
        found = style.find(scenario, desk)
    except KeyboardInterrupt:
        desk.stopped = True
        return Fleet(None, CUT, open=True)
    # A solve that is stopped gives the best plan so far, which is not what it would have found.
    if desk.stopped and found.applies:
        return replace(found, note=CUT if found.plan is None else f"{HALF}; {found.note}", open=True)
    return (
        replace(found, note=f"{SHORT}; {found.note}", open=True) if _cut(desk, found.plan, found.bound_usd) else found
    )


def _cut(desk: Resolver, plan: Plan | None, bound: float | None) -> bool:
    """Whether the time for all solves was over before one that is known to be able to had come within its gap."""
    return (
        desk.spent
        and plan is not None
        and bound is not None
        and not _proven(plan.objective_usd, bound, desk.options.gap)
    )


def _row(scenario: Scenario, style: Style, fleet: Fleet) -> StyleRow:
    plan, broken = fleet.plan, fleet.broken
    usd = None if plan is None else plan.objective_usd
    return StyleRow(
        name=style.name,
        title=style.title,
        paper=style.paper,
        usd=usd,
        bound_usd=fleet.bound_usd,
        gap=gap_of(usd, fleet.bound_usd),
        largest=None if plan is None else largest(scenario, plan),
        came=_came(fleet),
        verified=plan is not None and not broken,
        finished=not fleet.open,
        note="; ".join(said for said in (fleet.note, broken and f"breaks the scenario: {broken}") if said),
        plan=plan,
    )


def _came(fleet: Fleet) -> Came:
    if fleet.plan is not None:
        return "BREAKS_THE_SCENARIO" if fleet.broken else "VERIFIED"
    if not fleet.applies:
        return "DOES_NOT_APPLY"
    if fleet.note == STOPPED:
        return "NOT_ASKED"
    return "NOT_FINISHED" if fleet.open else "IMPOSSIBLE"


def _allowed(scenario: Scenario, own: StyleRow, rows: Sequence[StyleRow], tolerance: float) -> StyleRow | None:
    """The cheapest plan that is known of everything allowed, with the bound of the solve over everything."""
    best = _cheapest(rows)
    if best is None or best.plan is None:
        return own if own.plan is not None else None
    if _as_good(own, best):
        return own
    before = "had no plan" if own.usd is None else f"had come to {own.usd:,.2f} USD"
    note = f"the plan of '{best.title}': the solve over everything {before} when it ended"
    bound = _bound(own, rows, _usd(best))
    plan = _claimed(scenario, best.plan, bound, tolerance)
    return _row(scenario, EVERYTHING, Fleet(plan, note, not own.finished, bound))


def _cheapest(rows: Sequence[StyleRow]) -> StyleRow | None:
    return min((row for row in rows if row.verified), key=_usd, default=None)


def _as_good(own: StyleRow, best: StyleRow) -> bool:
    return own.plan is not None and _usd(own) <= _usd(best) + SAME * abs(_usd(best))


def _proven(usd: float | None, bound: float | None, tolerance: float) -> bool:
    gap = gap_of(usd, bound)
    return gap is not None and gap <= tolerance


def _bound(own: StyleRow, rows: Sequence[StyleRow], usd: float) -> float | None:
    """What no plan costs less than. Which bundles are tried, and the GPUs that a replica sets aside, depend on what
    else is asked for: where a style came below the bound of the larger solve, the least bound of all is taken.
    """
    if own.bound_usd is None or own.bound_usd <= usd:
        return own.bound_usd
    return min((row.bound_usd for row in rows if row.bound_usd is not None), default=None)


def _usd(row: StyleRow) -> float:
    return float("inf") if row.usd is None else row.usd


def _claimed(scenario: Scenario, plan: Plan, bound: float | None, tolerance: float) -> Plan:
    """The plan with a bound that holds for all of the scenario, verified with it."""
    status = "OPTIMAL" if _proven(plan.objective_usd, bound, tolerance) else "FEASIBLE"
    claimed = plan.model_copy(update={"status": status, "bound_usd": bound, "gap": gap_of(plan.objective_usd, bound)})
    return claimed.model_copy(update={"verdict": verify(claimed, scenario)})


def _compared(row: StyleRow, allowed: StyleRow | None) -> StyleRow:
    comparable = row.verified and row.usd is not None and allowed is not None and (allowed.usd or 0.0) > 0.0
    return row.model_copy(update={"ratio": _usd(row) / _usd(allowed)}) if comparable and allowed else row
