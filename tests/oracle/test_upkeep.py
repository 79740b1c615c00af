"""Support and colocation by hand: paid for nodes in one's own racks for as long as they are held, used or not.

A replica is one GPU that carries 1 request/s, a node is one GPU of 1.33 kW, a period has three months of 720 h.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.attribution import UNUSED
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Facility, Stock, SupplyLine, Terms
from fleetopt.study.baselines import baselines
from fleetopt.study.once import optimize
from fleetopt.study.prices import repriced
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, RENT, asked, solved

OLD = Stock("old", "main", "Bx1", 2, 0.0, support_usd_per_node_year=1200.0)
ROOM = Facility("main", colocation_usd_per_kw_month=100.0)
RACKS = Facility("main", colocation_usd_per_unit_month=20.0)


def paid(plan: Plan, line: str, item: str) -> list[float]:
    return [cost.usd for cost in plan.costs if (cost.line, cost.item) == (line, item)]


def supported(line: SupplyLine, usd_per_year: float) -> SupplyLine:
    return replace(line, offer=replace(line.offer, support_usd_per_node_year=usd_per_year))


def test_what_is_owned_costs_upkeep_though_nobody_uses_it() -> None:
    """Proves 2 nodes x 1200 USD x 3/12 of support and 2 x 1.33 kW x 100 USD x 3 of room in the one period they are
    there, all of it borne by '(unused)'.

    Sensitivity: verify refuses the plan without either line, and the one that has it a cent off.
    """
    scenario = asked(1.0, RENT, periods=2, stock=[replace(OLD, last="t1")], facilities=(ROOM,))
    plan = solved(scenario)
    assert paid(plan, "support", "old") == pytest.approx([600.0])
    assert paid(plan, "colocation", "old") == pytest.approx([2 * 399.0])
    assert plan.objective_usd == pytest.approx(2 * 2.0 * PERIOD_H + 600.0 + 798.0)
    assert {c.period: c.usd for c in plan.workload_costs if c.workload == UNUSED} == pytest.approx({"t1": 1398.0})
    for line in ("support", "colocation"):
        without = plan.model_copy(update={"costs": tuple(c for c in plan.costs if c.line != line)})
        assert "dollars_add_up" in [c.name for c in verify(without, scenario).checks if not c.passed]


def test_rack_units_are_paid_by_their_number() -> None:
    """Proves 2 nodes of 8 rack units x 20 USD x 3 months."""
    scenario = asked(1.0, RENT, stock=[OLD], facilities=(RACKS,))
    nodes = {name: replace(node, rack_units=8.0) for name, node in scenario.node_types.items()}
    assert paid(solved(replace(scenario, node_types=nodes)), "colocation", "old") == pytest.approx([960.0])


def test_a_reservation_has_its_upkeep_in_its_price() -> None:
    """Proves that neither committed stock nor reserved nodes pay for room or power."""
    mine = Stock("mine", "main", "Ax1", 1, 0.5, committed=True)
    keep = build.line("keep", "Ax1", 1.0, kind="reserved", term=3)
    power = replace(ROOM, usd_per_kwh=0.1)
    plan = solved(asked(2.0, keep, stock=[mine], facilities=(power,)))
    assert {line.line for line in plan.costs} == {"owned", "reserved"}


@pytest.mark.parametrize(("yearly", "bought"), [(2000.0, 1), (2400.0, 0)])
def test_support_turns_buying_into_renting(yearly: float, bought: int) -> None:
    """Proves the break-even: 8640 USD for 12 months are 2160 a period, and rent at 1.5 is 3240, for four periods.

    Room takes 399 a period, so buying pays while support is below 3240 - 2160 - 399 = 681 a period, 2724 a year; with
    the electricity of 0.05 USD/kWh, 143.64 a period, below 2149.44.
    """
    buy = supported(build.line("buy", "Ax1", 0.0, kind="purchase", upfront=4 * PERIOD_H, term=12), yearly)
    room = replace(ROOM, usd_per_kwh=0.05)
    plan = solved(asked(1.0, build.line("rent", "Ax1", 1.5), buy, periods=4, facilities=(room,)))
    assert sum(order.nodes for order in plan.orders) == bought
    assert paid(plan, "support", "buy") == pytest.approx([yearly / 4] * 4 * bought)


def test_a_lease_is_supported_too_and_lots_alike() -> None:
    """Proves support of leases, and that a volume price leaves it as it is: 3 x 0.5 and 3 x 540 USD."""
    lease = supported(build.line("lease", "Ax1", 1.0, kind="lease", term=3), 4 * 0.25 * PERIOD_H)
    lot = replace(lease, name="lease from 2", offer=replace(lease.offer, usd_per_node_h=0.5), lot_of="lease")
    plan = solved(asked(3.0, RENT, lease, replace(lot, terms=Terms(min_order=2))))
    assert paid(plan, "support", "lease from 2") == pytest.approx([3 * 540.0])
    assert plan.objective_usd / PERIOD_H == pytest.approx(3 * 0.75)


def test_other_prices_scale_support() -> None:
    """Proves that the price at which an offer would come in counts its support: half of everything is half."""
    lease = supported(build.line("lease", "Ax1", 1.0, kind="lease", term=3), 4 * 0.25 * PERIOD_H)
    half = repriced(asked(1.0, lease), ["lease"], 0.5)
    assert solved(half).objective_usd / PERIOD_H == pytest.approx(0.5 * 1.25)


def two_workloads() -> Scenario:
    mine = Stock("mine", "main", "Ax1", 2, 0.1, support_usd_per_node_year=400.0)
    chats = [build.workload(name, 1.0) for name in ("chat", "code")]
    return build.scenario(chats, [build.rate("c", 1.0)], [RENT], stock=[mine], facilities=(ROOM,))


def test_baselines_pay_upkeep_of_what_is_owned_once() -> None:
    """Proves that fleets of parts put together are verified: each part alone would pay for all that is owned.

    Sensitivity: were upkeep added up, the dollars of "each workload sized alone" would not be those of its nodes.
    """
    scenario = two_workloads()
    plan = optimize(scenario, SolveOptions(gap=0.0))
    assert plan.objective_usd == pytest.approx(2 * 0.1 * PERIOD_H + 2 * 100.0 + 2 * 399.0)
    found = {one.name: one for one in baselines(scenario, plan)}
    assert {name: one.verified for name, one in found.items()} == dict.fromkeys(found, True)
    assert found["each workload sized alone"].usd == pytest.approx(plan.objective_usd)
