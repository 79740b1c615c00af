"""The price at which supply that the plan leaves aside would come in.

Let z(f) be the cost of the best plan with the prices of the supply times f, and z* that of the plan, which does not use
it. z is concave and rises with f; the supply is worth having where z(f) < z*, that is below one break-even f*. From a
price at which it is used,

    plan k at f_k costs A_k + f_k G_k  <  z*        G_k: what the supply costs in it at today's prices
    f_(k+1)  =  (z* - A_k) / G_k                    the price at which plan k costs z*

rises to f* and ends, after a few solves, at a price at which nothing beats the plan by more than the gap (Dinkelbach,
Management Science 13 (1967)). Every f_k is proven from below by a plan that uses the supply; the last solve proves it
from above, to the gap.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.prices import cost_of, repriced
from fleetopt.study.resolve import Effort, Resolver

STARTS = (0.5, 0.001)
"""Factors on the price to begin from: one that is often low enough, and next to nothing."""

MOST_STEPS = 12

SAME = 1e-6
"""Relative differences below this are the solver's tolerance, not a cheaper plan."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The factor on its price at which supply would come in. Zero: not at any price. `exact` is whether a solve proved
    that nothing above it would do; otherwise it is only known to be at least this.
    """

    factor: float
    exact: bool


def break_even(scenario: Scenario, plan: Plan, lines: Collection[str], resolver: Resolver) -> Entry | None:
    """At which factor on the prices of supply lines that the plan does not use they would be; None if unknown."""
    best = plan.objective_usd
    tolerance = max(resolver.options.gap, SAME) * abs(best)
    factor, settled, begun = 0.0, False, plan
    for start in STARTS:
        answer = resolver.solve(repriced(scenario, lines, start), _asked(lines, start), Effort(start=plan))
        if answer.plan is None:
            return None
        settled = _settled(answer.plan, resolver)
        if answer.plan.objective_usd < best - tolerance and _uses(answer.plan, lines):
            factor, begun = _worth(scenario, answer.plan, best, start), answer.plan
            break
    if not factor:
        return Entry(0.0, exact=True) if settled else None
    for _ in range(MOST_STEPS):
        if factor >= 1.0 - SAME:
            return Entry(1.0, exact=True)
        answer = resolver.solve(repriced(scenario, lines, factor), _asked(lines, factor), Effort(start=begun))
        if answer.plan is None:
            return Entry(factor, exact=False)
        higher = _worth(scenario, answer.plan, best, factor) if _uses(answer.plan, lines) else 0.0
        if answer.plan.objective_usd >= best - tolerance or higher <= factor * (1.0 + SAME):
            return Entry(factor, exact=_settled(answer.plan, resolver))
        factor, begun = higher, answer.plan
    return Entry(factor, exact=False)


def _settled(plan: Plan, resolver: Resolver) -> bool:
    """Whether the plan is proven to the gap, and so that there is none much cheaper, not only that none was found."""
    return plan.gap is not None and plan.gap <= resolver.options.gap * (1.0 + SAME)


def _asked(lines: Collection[str], factor: float) -> str:
    return f"{', '.join(sorted(lines))} at {100 * factor:.4g} % of the price"


def _uses(plan: Plan, lines: Collection[str]) -> bool:
    return any(line.supply in lines for line in plan.fleet)


def _worth(scenario: Scenario, plan: Plan, best: float, factor: float) -> float:
    """The factor at which a plan that was found at another one costs as much as the best does now."""
    at_factor, at_one = plan.objective_usd, cost_of(plan, scenario)
    of_supply = (at_one - at_factor) / (1.0 - factor)
    return factor + (best - at_factor) / of_supply if of_supply > 0 else factor
