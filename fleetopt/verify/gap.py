"""Does the plan claim no more about its distance from the best than its bound shows?"""

from __future__ import annotations

from fleetopt.plan.domain import Check
from fleetopt.verify.facts import Facts
from fleetopt.verify.tally import RELATIVE, Tally, allowance

NO_USD = 1e-6
"""A difference in dollars that counts as none."""


def gap_is_true(facts: Facts) -> Check:
    """A bound <= objective, gap = (objective - bound) / |objective|, and OPTIMAL only within the tolerance."""
    plan = facts.plan
    tally = Tally("gap_is_true", "", nothing="no bound is claimed")
    if plan.bound_usd is not None:
        gap = _gap(plan.objective_usd, plan.bound_usd)
        past = plan.objective_usd - plan.bound_usd
        what = f"bound {plan.bound_usd:.9g} USD of objective {plan.objective_usd:.9g} USD"
        tally.hold(past, RELATIVE * abs(plan.objective_usd), what)
        if plan.gap is None:
            tally.fail("a bound is stated without its gap")
        else:
            tally.same(plan.gap, gap, allowance(1.0), "gap")
    elif plan.gap is not None:
        tally.fail(f"a gap of {plan.gap:g} is stated without a bound")
    if plan.status == "OPTIMAL":
        _optimal(facts, tally)
    return tally.check()


def _optimal(facts: Facts, tally: Tally) -> None:
    plan, tolerance = facts.plan, facts.plan.provenance.solver.gap_tolerance
    if plan.bound_usd is None:
        tally.fail("the plan is called optimal without a bound")
        return
    gap = _gap(plan.objective_usd, plan.bound_usd)
    # The solver's own tolerance on rows and objective is of this size, whatever gap it was asked for.
    allowed = RELATIVE
    tally.hold(tolerance - gap, allowed, f"called optimal at a gap of {gap:.6g}, tolerance {tolerance:g}")


def _gap(objective_usd: float, bound_usd: float) -> float:
    if objective_usd - bound_usd <= NO_USD:
        return 0.0
    return (objective_usd - bound_usd) / abs(objective_usd) if objective_usd else float("inf")
