"""What a GPU-hour costs over the life of an offer, by hand, and that plans buy where it says that buying pays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.report.cost_views import life_view
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Facility, SupplyLine, Terms
from fleetopt.study.explain import explain
from fleetopt.study.lifetimes import LifeCost, life_costs, life_sentence
from fleetopt.study.once import optimize
from fleetopt.study.resolve import Resolver
from tests.oracle import build
from tests.oracle.test_procurement import RENT, asked

ROOM = Facility("main", pue=1.25, load=0.8, usd_per_kwh=0.1, colocation_usd_per_kw_month=100.0)
KW = 1.33


def lives(*lines: SupplyLine, discount: float = 0.0, facilities: tuple[Facility, ...] = ()) -> dict[str, LifeCost]:
    return {one.supply: one for one in life_costs(asked(1.0, *lines, discount=discount, facilities=facilities))}


def test_twenty_years_at_seven_percent() -> None:
    """Proves 876 000 USD x 0.09439 / 8760 h = 9.439, paid in the middle of each year 9.439 / sqrt(1.07)."""
    buy = build.line("buy", "Ax1", 0.0, kind="purchase", upfront=876_000.0, term=240)
    assert lives(buy, discount=0.07)["buy"].usd_per_gpu_h == pytest.approx(9.439 / 1.07**0.5, rel=1e-4)
    assert lives(buy)["buy"].usd_per_gpu_h == pytest.approx(5.0)


def test_what_is_hosted_pays_for_support_room_and_power() -> None:
    """Proves each part: rent, support of 876 USD a year, 1.33 kW at 100 USD a month and 0.1 USD/kWh; by the GPU of two.

    A reservation pays none of them; nodes of which 80 % can be counted on cost 1.25 times as much.
    """
    lease = build.line("lease", "Ax2", 3.0, kind="lease", term=12, upfront=8760.0)
    lease = replace(lease, offer=replace(lease.offer, support_usd_per_node_year=876.0))
    keep = build.line("keep", "Ax2", 3.0, kind="reserved", term=12)
    found = lives(lease, keep, RENT, replace(keep, name="shaky", terms=Terms(availability=0.8)), facilities=(ROOM,))
    node_kw = 2 * KW
    assert (found["lease"].upfront, found["lease"].rent) == pytest.approx((0.5, 1.5))
    assert found["lease"].upkeep == pytest.approx((876.0 + 12 * 100.0 * node_kw) / 8760.0 / 2)
    assert found["lease"].electricity == pytest.approx(node_kw * 0.8 * 1.25 * 0.1 / 2)
    assert (found["keep"].usd_per_gpu_h, found["keep"].use) == pytest.approx((1.5, 0.75))
    assert found["shaky"].usd_per_gpu_h == pytest.approx(1.5 * 1.25)
    assert (found["rent"].usd_per_gpu_h, found["rent"].use) == (2.0, None)


def supported(line: SupplyLine) -> SupplyLine:
    return replace(line, offer=replace(line.offer, support_usd_per_node_year=500.0))


BUY = supported(build.line("held", "Ax1", 0.05, kind="purchase", upfront=5000.0, term=12))
LEASE = supported(build.line("held", "Ax1", 0.6, kind="lease", upfront=1000.0, term=12))
KEEP = build.line("held", "Ax1", 1.2, kind="reserved", upfront=1000.0, term=12)


@pytest.mark.parametrize("discount", [0.0, 0.21])
@pytest.mark.parametrize("line", [BUY, LEASE, KEEP], ids=["purchase", "lease", "reserved"])
@pytest.mark.parametrize(("times", "orders"), [(0.97, 0), (1.03, 1)])
def test_plans_order_from_the_use_on_that_the_table_says(
    line: SupplyLine, discount: float, times: float, orders: int
) -> None:
    """Proves that "pays from" is where plans change: 3 % below it a node is rented, 3 % above it is bought, or leased.

    Support, room and electricity are in it. A year of the plan has 8640 hours, so they agree within 1.4 %.
    """
    use = lives(RENT, line, discount=discount, facilities=(ROOM,))["held"].use
    assert use is not None
    over = build.calendar(4, (24.0 * use * times, 24.0 * (1.0 - use * times)))
    demand = {time: 1.0 if time[1] == "h1" else 0.0 for time in build.times(over)}
    more: dict[str, Any] = {"facilities": (ROOM,), "discount": discount, "workload": {"demand_rps": demand}}
    scenario = asked(0.0, RENT, line, over=over, **more)
    assert len(optimize(scenario, SolveOptions(gap=0.0)).orders) == orders


def test_it_is_said_in_words_and_in_a_table() -> None:
    """Proves sentences, the explanation that has them, and that what is all by the hour has no such table.
    Sensitivity: what running a purchased node costs by the hour was called its rent.
    """
    keep = build.line("keep", "Ax1", 1.5, kind="reserved", term=3)
    dear = replace(keep, name="dear", offer=replace(keep.offer, usd_per_node_h=2.5))
    alone = build.line("alone", "Bx1", 1.0, kind="reserved", term=3)
    found = lives(RENT, keep, dear, alone)
    over = "over its term of 3 months"
    assert life_sentence(found["keep"]) == (
        f"keep: 1.5 USD per GPU-hour {over} (by the hour 1.5); cheaper than rent on demand from 75 % of the hours on"
    )
    assert life_sentence(found["dear"]).endswith("dearer than rent on demand at any use")
    assert "(paid ahead 0.571, by the hour 0.05, upkeep" in life_sentence(lives(RENT, BUY)["held"])
    assert life_sentence(found["alone"]).endswith("no B is offered on demand")
    assert [list(row)[-1] for row in life_view(list(found.values())).rows] == ["75.0 %", "", "never", ""]
    scenario: Scenario = asked(1.0, RENT, keep)
    said = explain(scenario, optimize(scenario, SolveOptions(gap=0.0)), Resolver(SolveOptions(), most=0)).findings
    assert [one.sentence for one in said if one.topic == "life"] == [life_sentence(found["keep"])]
    assert lives(RENT) == {}
