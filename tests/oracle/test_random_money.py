"""The optimizer against brute force where there are leases, volume prices, upkeep and owned nodes to be sold."""

from __future__ import annotations

from random import Random

import pytest

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from tests.oracle.brute_money import MoneyOracle, drawn
from tests.oracle.test_random_cases import difference

CASES = 160
MOST_TRIED = 20_000


def tiny_questions() -> list[tuple[int, MoneyOracle]]:
    """The first so many seeds that have a volume price or a sale and can be tried out in full."""
    found: list[tuple[int, MoneyOracle]] = []
    seed = 10_000
    while len(found) < CASES:
        oracle = MoneyOracle(drawn(Random(seed)))
        supply = oracle.scenario.supply
        odd = any(line.lot_of for line in supply.lines) or any(stock.sale for stock in supply.stock)
        if odd and oracle.effort() <= MOST_TRIED:
            found.append((seed, oracle))
        seed += 1
    return found


def planned(scenario: Scenario, method: SolveOptions) -> Plan | None:
    try:
        return optimize(scenario, method)
    except (Infeasible, InputError):
        return None


@pytest.mark.slow
def test_brute_force_spends_the_same() -> None:
    """Proves lots with shared limits, leases, support, colocation and sales: the least cost is the one found by trying
    every set of orders and sales, and verify agrees.

    Sensitivity: a residual value for leases, a limit per lot, or upkeep after a sale changes the cost of dozens.
    """
    mine = tiny_questions()
    plans = {seed: planned(oracle.scenario, SolveOptions(gap=0.0)) for seed, oracle in mine}
    found = {seed: difference(oracle, plans[seed]) for seed, oracle in mine}
    assert {seed: said for seed, said in found.items() if said} == {}
    assert sum(plan is not None for plan in plans.values()) >= CASES / 2
    assert sum(bool(plan.sales) for plan in plans.values() if plan) >= 10
    orders = [order for plan in plans.values() if plan for order in plan.orders]
    assert sum(order.kind == "lease" for order in orders) >= 5
    assert sum(" from 2" in order.supply for order in orders) >= 5


@pytest.mark.slow
def test_patterns_spend_the_same() -> None:
    """Proves that the pattern method ends at the cost of the plain program with all of these in it."""
    for seed, oracle in tiny_questions()[:25]:
        one, other = (planned(oracle.scenario, SolveOptions(gap=0.0, method=m)) for m in ("mip", "patterns"))
        assert (one is None) == (other is None), f"seed {seed}"
        if one is not None and other is not None:
            assert other.objective_usd == pytest.approx(one.objective_usd, rel=1e-6, abs=1e-6), f"seed {seed}"
