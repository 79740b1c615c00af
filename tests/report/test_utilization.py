from __future__ import annotations

import pytest

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.utilization import busy_by_hour, busy_rows, gpus_by
from fleetopt.scenario.domain import Scenario


def test_one_gpu_type_at_one_time_by_hand(plan: Plan) -> None:
    """Busy GPUs of all replicas over the 56 GPUs in service; one GPU type has no row for all."""
    (row,) = busy_rows(plan, fleetopt.load("seed-paper"))
    busy = sum(p.replicas * 8 * p.utilization for p in plan.placements)
    assert row.gpu_type == "H200"
    assert row.shares == pytest.approx((busy / 56,))


def test_no_row_is_busier_than_its_gpus(quarters: Plan, scenario: Scenario) -> None:
    """Every share is between nothing and all, and each GPU type has a row for each slot."""
    rows = busy_rows(quarters, scenario)
    types = {line.gpu_type for line in quarters.fleet}
    assert len(rows) == 2 * (len(types) + 1)
    assert all(0 <= share <= 1 for row in rows for share in row.shares if share is not None)
    assert [row.first for row in rows[:4]] == [True, False, True, False]


def test_mean_gpus_make_the_gpu_hours_of_the_fleet(quarters: Plan, scenario: Scenario) -> None:
    """GPUs by type times the hours of a period are its GPU-hours over slots and outlooks; so are GPUs by kind."""
    hours = {"night": 10.0, "day": 14.0}
    weight = {"base": 0.7, "growth": 0.3}
    for n, period in enumerate(("2027-Q4", "2028-Q1")):
        wanted = sum(f.gpus * hours[f.slot] * weight[f.outlook] for f in quarters.fleet if f.period == period)
        for by in (gpus_by(quarters, scenario, lambda f: f.gpu_type), gpus_by(quarters, scenario, lambda f: f.kind)):
            assert 24 * sum(row[n] for row in by.values()) == pytest.approx(wanted)


def test_the_day_is_made_of_its_slots_in_their_order(quarters: Plan, scenario: Scenario) -> None:
    """A night of 10 and a day of 14 hours stand at 0, 10 and 24; a share is busy over held GPU-days of all periods."""
    edges, shares = busy_by_hour(quarters, scenario)
    assert edges == [0.0, 10.0, 24.0]
    days, weight = {"2027-Q4": 92, "2028-Q1": 91}, {"base": 0.7, "growth": 0.3}
    for gpu_type, (_, by_day) in shares.items():
        own = [p for p in quarters.placements if p.gpu_type == gpu_type and p.slot == "day"]
        there = [f for f in quarters.fleet if f.gpu_type == gpu_type and f.slot == "day"]
        busy = sum(p.replicas * p.gpus_per_replica * p.utilization * days[p.period] * weight[p.outlook] for p in own)
        assert by_day * sum(f.gpus * days[f.period] * weight[f.outlook] for f in there) == pytest.approx(busy)
