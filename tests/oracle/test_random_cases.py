"""The optimizer against brute force on hundreds of tiny random questions."""

from __future__ import annotations

from random import Random

import pytest

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Stock
from fleetopt.study.once import optimize
from tests.oracle import build
from tests.oracle.brute_force import Oracle
from tests.oracle.draw import Draw, has_odd_sizes

EXACT = SolveOptions(gap=0.0)
CASES = 300
SHARES = 4
MOST_TRIED = 20_000


def tiny_questions() -> list[tuple[int, Oracle]]:
    """The first so many seeds whose question the oracle can try out in full."""
    found: list[tuple[int, Oracle]] = []
    seed = 0
    while len(found) < CASES:
        oracle = Oracle(Draw(Random(seed)).scenario())
        if oracle.effort() <= MOST_TRIED:
            found.append((seed, oracle))
        seed += 1
    return found


def planned(seed: int, scenario: Scenario) -> Plan | None:
    try:
        return optimize(scenario, EXACT)
    except (Infeasible, InputError):
        return None
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise


def difference(oracle: Oracle, plan: Plan | None) -> str | None:
    """How the plan departs from the oracle, in words. Odd sizes allow it to be dearer, never cheaper."""
    expected, odd = oracle.least_cost(), has_odd_sizes(oracle.scenario)
    if plan is None:
        return None if expected is None or odd else f"infeasible, yet {expected} USD is possible"
    if expected is None:
        return f"a plan of {plan.objective_usd} USD for what cannot be done"
    allowed = 1e-6 * max(1.0, abs(expected))
    if plan.objective_usd < expected - allowed or (plan.objective_usd > expected + allowed and not odd):
        return f"{plan.objective_usd} USD, and {expected} USD is the least"
    return None if plan.verdict.passed else "the plan is not verified"


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_brute_force_finds_the_same_cost(share: int) -> None:
    """Proves that the program, its solution and its readout are right: on hundreds of random tiny questions the cost
    is the one found by trying everything, and what cannot be done is infeasible in both.

    Where replica sizes do not divide one another the program is conservative, never too cheap. Sensitivity: leaving
    out the residual value, a lead time, a quota's site or one role of a link changes the cost of dozens of them.
    """
    mine = tiny_questions()[share::SHARES]
    plans = [planned(seed, oracle.scenario) for seed, oracle in mine]
    found = {seed: difference(oracle, plan) for (seed, oracle), plan in zip(mine, plans, strict=True)}
    assert {seed: said for seed, said in found.items() if said} == {}
    assert sum(plan is not None for plan in plans) >= len(mine) / 2, "most questions must have an answer to compare"


def test_an_owned_fleet_may_cost_nothing() -> None:
    """Proves that a plan of 0 USD is a plan, even where the solver's bound is a rounding error below zero: free owned
    nodes serve everything, and a shortfall has a price that nobody pays. Sensitivity: a relative gap divides by 0."""
    over = build.calendar(2, (8.0, 16.0), (0.25, 0.75), days=30)
    rates = dict.fromkeys(build.times(over), 0.0)
    rates |= {("t1", "h2", "o2"): 2.61, ("t2", "h1", "o2"): 1.03, ("t2", "h2", "o1"): 1.03, ("t2", "h2", "o2"): 4.02}
    asked = build.workload("chat", rates, shortfall=(0.5, 0.2))
    configs = [build.rate("p", 3.536, "prefill", gpus=2), build.rate("d", 3.0, "decode")]
    plan = optimize(build.scenario([asked], configs, stock=[Stock("own", "main", "Ax4", 2, 0.0)], over=over), EXACT)
    assert (plan.objective_usd, plan.gap) == (0.0, 0.0)
