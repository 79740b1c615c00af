"""The scenarios that have no plan say why, and each repair they offer, once made, costs what was promised."""

from __future__ import annotations

from functools import cache

import pytest

import fleetopt
from fleetopt.catalog.roots import shipped
from fleetopt.errors import Infeasible, Repair
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.study.limits import apply
from fleetopt.study.repairs import priced

FILES = ("scenario", "too-fast", "too-little-power")
EXACT = SolveOptions(gap=1e-6)
LONG_S = 600.0


def asked(name: str) -> Scenario:
    return fleetopt.load(shipped("scenarios") / "infeasible-on-purpose" / f"{name}.yaml")


@cache
def why(name: str) -> Infeasible:
    with pytest.raises(Infeasible) as stop:
        fleetopt.optimize(asked(name), EXACT)
    return priced(asked(name), stop.value, EXACT, seconds=LONG_S)


def by_words(name: str) -> dict[str, Repair]:
    return {"; ".join(repair.details): repair for repair in why(name).repairs}


def test_the_conflict_is_the_smallest_set_of_promises() -> None:
    """Proves: quota, demand, TPOT and residency cannot hold together, and search has no part in it.
    Sensitivity: a filter that stopped at rows of the program would name neither TPOT nor residency.
    """
    assert set(why("scenario").conflict) == {
        "quota h200-eu",
        "demand of chat",
        "chat: TPOT 12 ms at mean",
        "chat: only at eu-north",
    }


def test_repairs_are_the_ones_in_the_header() -> None:
    """Proves: four ways out at the header's dollars, the cheapest first and less service last."""
    found = why("scenario").repairs
    assert [repair.details[0] for repair in found] == [
        "chat: only at eu-north",
        "TPOT of chat from 12 to 16.3 ms",
        "quota h200-eu from 32 to 64 GPUs (+32 H200)",
        "demand of chat in 2027-Q1/day/base: 47.6 % more unserved",
    ]
    assert [repair.usd for repair in found] == pytest.approx([282_240.0, 285_120.0, 466_560.0, 285_120.0])


def test_a_floor_is_told_from_a_shortage() -> None:
    """Proves: no number of replicas reaches the TTFT, and no limit of supply is offered for it."""
    found = why("too-fast")
    assert "no number of replicas brings TTFT (mean) below" in found.reasons[0]
    assert all(change.unit == "s" for repair in found.repairs for change in repair.changes)


def test_power_and_money_rise_together() -> None:
    """Proves: limits of power and budgets are moved and priced like any other: 224 640 USD want 224 640 USD."""
    raised = next(repair for repair in why("too-little-power").repairs if len(repair.changes) > 1)
    assert {change.limit: change.unit for change in raised.changes} == {
        "power of eu-north": "W",
        "power of us-central": "W",
        "budget quarter": "USD",
    }
    assert raised.usd == pytest.approx(224_640.0)


@pytest.mark.parametrize("name", FILES)
def test_a_repair_that_is_made_costs_what_was_promised(name: str) -> None:
    """Proves: every repair with a cost gives a verified plan at that cost, and there are at least two of them."""
    tried = [repair for repair in why(name).repairs if repair.usd is not None]
    assert len(tried) >= 2
    for repair in tried:
        plan = fleetopt.optimize(apply(asked(name), repair), EXACT)
        assert plan.verdict.passed
        assert plan.objective_usd == pytest.approx(repair.usd, abs=0.01)


def test_a_promise_that_nobody_made_cannot_be_left_out() -> None:
    """Proves: applying a repair of another scenario is an error and not silently nothing."""
    (repair,) = [r for r in why("scenario").repairs if r.action == "Leave out this promise"]
    with pytest.raises(KeyError):
        apply(fleetopt.load("quickstart"), repair)
