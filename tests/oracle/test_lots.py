"""Volume prices beside limits, by hand: the lots of one offer share what may be held, ordered and delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import SupplyLine, Terms
from fleetopt.study.leftover import left_over
from fleetopt.study.limits import apply
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, RENT, asked, solved, usd

SMALL = build.line("keep", "Ax1", 1.0, kind="reserved", term=3)


def lots(max_nodes: int | None = None, **limits: Any) -> tuple[SupplyLine, SupplyLine]:
    """One node at 1 USD/h, from two on at 0.5 each: as the scenario reader makes them of one offer."""
    small = replace(SMALL, max_nodes=max_nodes, terms=Terms(**limits))
    large = replace(SMALL, name="keep from 2", offer=replace(SMALL.offer, usd_per_node_h=0.5))
    return small, replace(large, terms=Terms(min_order=2), lot_of="keep")


def nodes(plan: Plan, supply: str) -> int:
    return sum(line.nodes for line in plan.fleet if line.supply == supply)


@pytest.mark.parametrize("limits", [{"max_nodes": 2}, {"max_order": 2}, {"max_delivery": 2}])
def test_lots_share_a_limit(limits: dict[str, int]) -> None:
    """Proves the sum over lots: of 4 requests/s two come at the volume price, 0.5 each, two are rented at 2 each.

    Sensitivity: were the limit each lot's own, two more would come at 1 (for 3 in all), or all four at 0.5.
    """
    scenario = asked(4.0, RENT, *lots(**limits))
    plan = solved(scenario)
    assert plan.objective_usd / PERIOD_H == pytest.approx(2 * 0.5 + 2 * 2.0)
    assert (nodes(plan, "keep from 2"), nodes(plan, "keep"), nodes(plan, "rent")) == (2, 0, 2)
    assert usd(asked(4.0, RENT, *lots())) == pytest.approx(4 * 0.5)


def test_verify_counts_lots_together() -> None:
    """Proves the second computation: three at the volume price and then one at 0.8 are refused at a limit of 3.

    Sensitivity: each lot by itself is within it; taking four at once for two periods would cost 4 instead of 3.8.
    """
    plan = solved(asked([3.0, 4.0], RENT, *_for_two_periods(lots()), periods=2))
    assert plan.objective_usd / PERIOD_H == pytest.approx(2 * 3 * 0.5 + 0.8)
    for limits in ({"max_nodes": 3}, {"max_order": 2}):
        limited = asked([3.0, 4.0], RENT, *_for_two_periods(lots(**limits)), periods=2)
        assert [c.name for c in verify(plan, limited).checks if not c.passed] == ["supply_is_respected"]


def _for_two_periods(lines: tuple[SupplyLine, SupplyLine]) -> tuple[SupplyLine, ...]:
    prices = zip(lines, (0.8, 0.5), strict=True)
    return tuple(replace(one, offer=replace(one.offer, term_months=6, usd_per_node_h=usd)) for one, usd in prices)


def test_a_shared_limit_is_raised_once() -> None:
    """Proves that the repair of a shared limit is one number, and that applying it makes the case feasible."""
    scenario = asked(4.0, *lots(max_nodes=3))
    with pytest.raises(Infeasible) as refused:
        optimize(scenario)
    [repair] = [r for r in refused.value.repairs if r.changes and r.changes[0].limit == "offer keep"]
    assert solved(apply(scenario, repair)).objective_usd / PERIOD_H == pytest.approx(4 * 0.5)


def test_what_is_left_counts_lots_together() -> None:
    """Proves left_over: two nodes at the volume price leave one of the three that the offer has."""
    scenario: Scenario = asked(2.0, RENT, *lots(max_nodes=3))
    left = left_over(scenario, solved(scenario))
    assert [line.max_nodes for line in left.supply.lines] == [None, 1, None]
