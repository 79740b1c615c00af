"""The oracle itself, on questions small enough to be solved by hand."""

from __future__ import annotations

import pytest

from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Quota, Stock
from tests.oracle import build
from tests.oracle.brute_force import Need, Oracle, least
from tests.oracle.definitions import fewest_nodes

QUARTER_H = 24.0 * 90.0


@pytest.mark.parametrize(
    ("sizes", "gpus_per_node", "nodes"),
    [
        ((), 8, 0),
        ((1,) * 9, 8, 2),
        ((3, 3, 3), 8, 2),
        ((2, 2, 2, 3, 3, 4), 8, 2),
        ((4, 4, 4, 6, 6), 10, 3),
        ((3, 3, 5, 5), 8, 2),
        ((12, 4), 8, 3),
        ((16, 1), 8, 3),
    ],
)
def test_replicas_are_packed_as_tightly_as_they_can_be(sizes: tuple[int, ...], gpus_per_node: int, nodes: int) -> None:
    """Proves exact packing: (2, 2, 2, 3, 3, 4) fills two nodes of 8 to the last GPU. Sensitivity: first-fit would
    take 3; letting a 12-GPU replica share its second node would take 2 instead of 3."""
    assert fewest_nodes(sizes, gpus_per_node) == nodes


def test_only_needs_that_can_be_best_are_kept() -> None:
    """Proves that a need is dropped only for one that is nowhere larger. Sensitivity: comparing sums would drop
    (0, 3)."""
    kept = least([Need((1, 1), 0.0), Need((2, 1), 0.0), Need((0, 3), 0.0), Need((1, 1), 5.0), Need((0, 1), 9.0)])
    assert kept == [Need((0, 1), 9.0), Need((1, 1), 0.0), Need((0, 3), 0.0)]


def question(
    rps: float = 5.0,
    *,
    shortfall: tuple[float, float] = (0.0, 0.0),
    stock: tuple[Stock, ...] = (),
    quotas: tuple[Quota, ...] = (),
) -> Scenario:
    """One workload on 2-GPU replicas of 2 requests/s and 8-GPU nodes at 10 USD/h."""
    asked, lines = build.workload("chat", rps, shortfall=shortfall), [build.line("rent", "Ax8", 10.0)]
    return build.scenario([asked], [build.rate("c", 2.0, gpus=2)], lines, stock=stock, quotas=quotas)


def test_whole_nodes_are_paid_for_whole_hours() -> None:
    """Proves rounding: 5 requests/s take 3 replicas of 2 GPUs on one node, 9 take 5 on two. Sensitivity: without
    whole nodes they would cost 16 200 and 27 000 USD instead of 21 600 and 43 200."""
    assert Oracle(question()).least_cost() == 10.0 * QUARTER_H
    assert Oracle(question(9.0)).least_cost() == 20.0 * QUARTER_H


def test_shortfall_is_taken_where_it_is_cheaper() -> None:
    """Proves the price of a shortfall: of 9 requests/s, 1 unserved at 0.1 USD per million tokens saves a node.
    Sensitivity: pricing input tokens only gives 21 600 + 777.6 instead of 855.36."""
    unserved = 3600.0 * QUARTER_H * 1100.0 / 1e6 * 0.1
    assert Oracle(question(9.0, shortfall=(0.2, 0.1))).least_cost() == pytest.approx(10.0 * QUARTER_H + unserved)
    assert Oracle(question(9.0, shortfall=(0.1, 0.1))).least_cost() == pytest.approx(20.0 * QUARTER_H)


def test_owned_nodes_come_first_and_quotas_count_them() -> None:
    """Proves that a free owned node halves the bill of two, and that a quota of 8 GPUs forbids the second node.
    Sensitivity: a quota that counts rented GPUs only would allow 21 600 USD."""
    own = (Stock("own", "main", "Ax8", 1, 0.0),)
    assert Oracle(question(9.0, stock=own)).least_cost() == 10.0 * QUARTER_H
    assert Oracle(question(9.0, stock=own, quotas=(Quota("q", "A", None, None, 8),))).least_cost() is None


def test_a_purchase_is_paid_for_the_part_of_its_life_in_the_plan() -> None:
    """Proves lead time, term and residual value: bought in the second of two quarters, one quarter of a 12-month life
    is charged. Sensitivity: without the residual value renting (21 600 a quarter) would be cheaper than 40 000."""
    over = build.calendar(2)
    demand = {("t1", "h1", "o1"): 0.0, ("t2", "h1", "o1"): 5.0}
    buy = build.line("buy", "Ax8", 0.0, kind="purchase", upfront=40_000.0, term=12, lead=3)
    lines = (build.line("rent", "Ax8", 10.0), buy)
    asked = build.scenario([build.workload("chat", demand)], [build.rate("c", 2.0, gpus=2)], lines, over=over)
    assert Oracle(asked).least_cost() == pytest.approx(10_000.0)
