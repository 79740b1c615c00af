"""Changes where models share groups of GPUs: a start loads all of a group's models, and loses that of all of them.

A day has 8 and 16 hours, a group is one GPU at 1 USD/h, a period has 30 days. Three models of 7 GB at 1 request/s each
keep their promises on one group (test_bundles), up to 4/3 requests/s each: steps of 30 ms then take 50 ms; 2.2 on two.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.bundled import bundling, question

METHODS: tuple[Method, ...] = ("mip", "patterns")
OVER = build.calendar(1, (8.0, 16.0), days=30)
FOUR_HOURS = 21e9 / (4.0 * 3600.0)
"""Bytes/s at which the weights of three models take four hours."""


def asked(changes: Changes | None, day: float, night: float) -> Scenario:
    base = question((1.0, 1.0, 1.0), bundling(3))
    demand = {("t1", "h1", "o1"): day, ("t1", "h2", "o1"): night}
    workloads = tuple(replace(one, demand_rps=demand) for one in base.workloads)
    return replace(base, calendar=OVER, workloads=workloads, changes=changes)


def solved(scenario: Scenario, method: Method = "auto") -> Plan:
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))
    assert plan.verdict.passed
    return plan


BY_HAND = [
    (None, 8 * 2 + 16 * 1),
    (Changes(), 8 * 2 + 16 * 1),
    (Changes("static"), 24 * 2),
    (Changes(per_change_gpus=0), 24 * 2),
    (Changes(per_change_gpus=1), 8 * 2 + 16 * 1),
    (Changes(load_bytes_per_s=FOUR_HOURS), 8 * 3 + 16 * 1),
]


@pytest.mark.parametrize(("changes", "usd_per_day"), BY_HAND)
@pytest.mark.parametrize("method", METHODS)
def test_groups_start_as_replicas_do(changes: Changes | None, usd_per_day: float, method: Method) -> None:
    """Proves by hand: two groups by day and one by night; two all day where none may start; three by day where each of
    the two that start loses half of it to the weights of all three models.

    Sensitivity: with the weights of one model alone a sixth would be lost, and two groups by day carry 1 5/6 x 4/3.
    """
    plan = solved(asked(changes, 2.2, 1.0), method)
    assert plan.objective_usd == pytest.approx(30.0 * usd_per_day)
    if changes is not None and changes.load_bytes_per_s:
        assert 0.5 <= sum(row.lost_replicas for row in plan.placements) + 1e-6 <= 1.1
        assert all(row.workload.startswith("bundle") and row.config == row.workload for row in plan.changes)


def test_groups_rest_where_nobody_asks() -> None:
    """Proves resting: where none may start, the groups of the day stand through a night without requests."""
    plan = solved(asked(Changes(per_change_gpus=0), 1.0, 0.0))
    assert plan.objective_usd == pytest.approx(30.0 * 24.0)
    assert solved(asked(Changes(), 1.0, 0.0)).objective_usd == pytest.approx(30.0 * 8.0)


TAMPERED: list[tuple[str, dict[str, Any]]] = [
    ("placements", {"lost_replicas": 0.0}),
    ("changes", {"loaded": 9}),
    ("changes", {"workload": "w0"}),
    ("changes", {"gpus": 0}),
]


@pytest.mark.parametrize(("table", "change"), TAMPERED)
def test_a_tampered_plan_is_refused(table: str, change: dict[str, Any]) -> None:
    """Proves that verify counts groups, with the weights of all their members: each lie about a start is found."""
    scenario = asked(Changes(load_bytes_per_s=FOUR_HOURS), 2.2, 1.0)
    plan = solved(scenario)
    rows = [row.model_copy(update=change) if row.slot == "h1" else row for row in getattr(plan, table)]
    told = verify(plan.model_copy(update={table: tuple(rows)}), scenario)
    assert "changes_are_possible" in {check.name for check in told.checks if not check.passed}


def drawn(random: Random) -> Scenario:
    """Two models whose demand changes over the day, with what may start then."""
    base = question((1.0, 1.0), bundling(2))
    workloads = tuple(
        replace(one, demand_rps={("t1", h, "o1"): random.choice((0.0, 0.5, 1.5, 3.0)) for h in ("h1", "h2")})
        for one in base.workloads
    )
    changes = Changes(
        random.choice(("static", "roles", "free", "free")),
        model_load_s=random.choice((0.0, 3600.0)),
        load_bytes_per_s=random.choice((None, 7e6)),
        per_change_gpus=random.choice((None, 0, 1, 2)),
        per_day_gpus=random.choice((None, 2)),
    )
    return replace(base, calendar=OVER, workloads=workloads, changes=changes)


@pytest.mark.parametrize("share", range(3))
def test_both_methods_cost_the_same_and_freer_is_never_dearer(share: int) -> None:
    """Twelve random days: one program and patterns agree, all is verified, static >= as stated >= nothing said."""
    for seed in range(share, 12, 3):
        scenario = drawn(Random(seed))
        if not any(rps for one in scenario.workloads for rps in one.demand_rps.values()):
            continue
        mip, patterns = (solved(scenario, method).objective_usd for method in METHODS)
        assert patterns == pytest.approx(mip, rel=1e-6), seed
        static, free = (solved(replace(scenario, changes=c)).objective_usd for c in (Changes("static"), None))
        assert free <= mip * (1.0 + 1e-9), seed
        assert mip <= static * (1.0 + 1e-9), seed
