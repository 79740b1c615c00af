"""Uncertain demand: nodes are ordered before the outlook is known and rented after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from fleetopt.scenario.domain import Scenario
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)


def two_futures(build: Build, high: float, *reserved: float) -> Scenario:
    """1 request/s or, with probability `high`, 3. A node costs 24 USD to rent, or the given hourly price to hold."""
    over = build.calendar(outlooks=(1.0 - high, high))
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t1", "h1", "o2"): 3.0})
    held = [build.line("hold", "Ax1", usd, kind="reserved", term=1) for usd in reserved]
    return build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1"), *held], over=over)


def test_rent_is_expected_over_outlooks(build: Build) -> None:
    """Proves: one node in a quarter of the futures and three in the others cost 0.25 * 24 + 0.75 * 72.
    Sensitivity: renting for the worst outlook would cost 72 instead of 60, unweighted outlooks 96.
    """
    plan = optimize(two_futures(build, 0.75), EXACT)
    assert plan.objective_usd == pytest.approx(60.0)
    assert [(line.outlook, line.nodes) for line in plan.fleet] == [("o1", 1), ("o2", 3)]


@pytest.mark.parametrize(
    ("high", "held", "expected"),
    [(0.5, 1, 14.4 + 0.5 * 48.0), (0.59, 1, 14.4 + 0.59 * 48.0), (0.61, 3, 43.2), (0.9, 3, 43.2)],
)
def test_the_newsvendor_holds_what_is_used_often_enough(build: Build, high: float, held: int, expected: float) -> None:
    """Proves: at 60 % of the rent the second and third node are held once they are needed with probability 0.6.
    Sensitivity: orders that knew the outlook would cost 28.80 instead of 38.40 at even odds; the mean demand of 2
    would hold two nodes for 28.80 and rent a third for 12 more.
    """
    plan = optimize(two_futures(build, high, 0.6), EXACT)
    assert plan.objective_usd == pytest.approx(expected)
    assert [order.nodes for order in plan.orders] == [held]


def test_what_is_ordered_is_there_in_every_outlook(build: Build) -> None:
    """Proves: one order stands for the same nodes in both futures, and its dollars carry no outlook.
    Sensitivity: held nodes weighted by probability would cost less than the 43.20 that are paid for sure.
    """
    plan = optimize(two_futures(build, 0.9, 0.6), EXACT)
    assert [(line.supply, line.outlook, line.nodes) for line in plan.fleet] == [("hold", "o1", 3), ("hold", "o2", 3)]
    assert [(line.line, line.outlook, line.probability) for line in plan.costs] == [("reserved", "all", 1.0)]


def test_replicas_follow_the_outlook(build: Build) -> None:
    """Proves: on nodes held for both futures only as many replicas run as each one asks for.
    Sensitivity: a placement shared over outlooks would run three in both.
    """
    plan = optimize(two_futures(build, 0.9, 0.6), EXACT)
    assert [(p.outlook, p.replicas) for p in plan.placements] == [("o1", 1), ("o2", 3)]
