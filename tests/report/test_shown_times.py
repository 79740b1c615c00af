"""Tables of plans with many times: nobody's peak is hidden behind somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

import fleetopt
from fleetopt.plan.domain import Binding, Plan
from fleetopt.report.plan_views import binding_view, fleet_view, placement_view, role_view, workload_view
from fleetopt.report.shown_times import columns_of, peaks_of

PERIODS, SLOTS = ("p1", "p2", "p3", "p4"), ("day", "night")
ASKED = {("early", "day"): 9.0, ("early", "night"): 1.0, ("late", "day"): 2.0, ("late", "night"): 5.0}
TTFT = {"day": 0.2, "night": 0.8}
NODES = {("one", "day"): 7, ("one", "night"): 4, ("two", "day"): 0, ("two", "night"): 2}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two workloads: one peaks by day, where most nodes run, the other by night, on a line that is rented by night."""
    bare = fleetopt.optimize(fleetopt.load("seed-paper"))
    outcome, line, placement = bare.workloads[0], bare.fleet[0], bare.placements[0]
    times: list[dict[str, Any]] = [
        {"period": period, "slot": slot, "outlook": "base"} for period in PERIODS for slot in SLOTS
    ]
    workloads = tuple(
        outcome.model_copy(
            update={**at, "workload": name, "asked_rps": ASKED[name, at["slot"]], "ttft_s": TTFT[at["slot"]]}
        )
        for name in ("early", "late")
        for at in times
    )
    fleet = tuple(
        line.model_copy(
            update={**at, "supply": name, "nodes": NODES[name, at["slot"]], "gpus": NODES[name, at["slot"]]}
        )
        for at in times
        for name in ("one", "two")
    )
    placements = tuple(
        placement.model_copy(update={**at, "workload": "late", "config": name, "replicas": NODES[name, at["slot"]]})
        for at in times
        for name in ("one", "two")
        if NODES[name, at["slot"]]
    )
    return bare.model_copy(update={"workloads": workloads, "fleet": fleet, "placements": placements})


def test_each_workload_is_shown_at_its_own_peak(plan: Plan) -> None:
    """At the time with most GPUs, by day, the second would be shown with two fifths of what it asks for."""
    shown = workload_view(plan)
    rows = {(row[0], row[1]): row[2] for row in shown.rows}
    assert rows == {
        **{("early", f"{period} day"): "9" for period in PERIODS},
        **{("late", f"{period} night"): "5" for period in PERIODS},
    }
    assert "when most is asked of it" in shown.note


def test_latencies_are_the_longest_of_a_period(plan: Plan) -> None:
    """The one that peaks by day is slowest by night."""
    shown = workload_view(plan)
    assert {row[shown.columns.index("TTFT (limit)")].split(" (")[0] for row in shown.rows} == {"800 ms"}


def test_a_line_that_is_rented_by_night_is_not_shown_as_nothing(plan: Plan) -> None:
    """Each line at its most; all GPUs at one time, which is less than the sum of both."""
    shown = fleet_view(plan)
    assert {row[0]: row[-4:] for row in shown.rows} == {
        "one": ("7",) * 4,
        "two": ("2",) * 4,
        "GPUs in all": ("7",) * 4,
    }


def test_replicas_that_run_by_night_are_shown(plan: Plan) -> None:
    shown = placement_view(plan)
    assert [(row[2], row[-1].split(" x ")[0]) for row in shown.rows] == [("one", "7"), ("two", "2")]


def test_roles_are_told_at_the_workload_s_peak(plan: Plan) -> None:
    times = {(row[0], row[2]) for row in role_view(plan).rows}
    assert times == {(w, f"{period} {slot}") for w, slot in (("early", "day"), ("late", "night")) for period in PERIODS}


def test_few_times_are_all_shown(plan: Plan) -> None:
    few = plan.model_copy(update={"workloads": tuple(w for w in plan.workloads if w.period in PERIODS[:3])})
    assert len(columns_of(few).titles) == 6
    assert len(peaks_of(few).words) == 12
    assert peaks_of(few).note == ""


def test_a_limit_used_up_all_the_time_is_one_row(plan: Plan) -> None:
    """Proves: a quota that is used up at more times than are shown side by side is told once, with how many times and
    between what; others as they are; and a note says where all are.

    Sensitivity: hundreds of rows that say the same, below which everything else scrolls away.
    """
    every = [Binding(limit=f"quota q (north/t{i}/h)", used=60.0 + i, available=64.0, unit="GPUs") for i in range(5)]
    few = binding_view(plan.model_copy(update={"binding": tuple(every)}))
    assert [row[0] for row in few.rows] == [one.limit for one in every]
    assert few.note == ""
    alone = Binding(limit="power of north (t1/h)", used=9.5, available=10.0, unit="kW")
    more = [*every, *(one.model_copy(update={"used": 64.0}) for one in every), alone]
    found = binding_view(plan.model_copy(update={"binding": tuple(more)}))
    assert found.rows == (
        ("quota q (10 times, first north/t0/h)", "60 to 64 of 64 GPUs"),
        ("power of north (t1/h)", "9.5 of 10 kW"),
    )
    assert "plan.json has all" in found.note
