"""Node patterns and KV caches in reports: what shares a node, what goes over the network, and nothing where none is."""

from __future__ import annotations

from pathlib import Path

import pytest

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.plan.store import read_plan, to_json
from fleetopt.report.frames import tables
from fleetopt.report.markdown import report
from fleetopt.report.network_views import pattern_view, traffic_view
from fleetopt.report.plan_views import placement_view, workload_view
from fleetopt.scenario.domain import Scenario
from tests.oracle.test_node_patterns import asked
from tests.oracle.wired import fabric

EXACT = SolveOptions(gap=0.0)


@pytest.fixture(scope="module")
def paired() -> tuple[Scenario, Plan]:
    """Six requests/s on two nodes of one prefill and three decode replicas each."""
    scenario = asked(6.0, fabric(None))
    return scenario, fleetopt.optimize(scenario, EXACT)


def test_patterns_are_listed_with_what_they_take(paired: tuple[Scenario, Plan]) -> None:
    """Two of them, four GPUs each; the replicas are marked in their own table, and three quarters a GPU is goodput."""
    _, plan = paired
    (row,) = pattern_view(plan).rows
    assert (row[1], row[-2], row[-1]) == ("1 x p + 3 x d", "2", "4")
    assert {cells[2] for cells in placement_view(plan).rows} == {"p, paired", "d, paired"}
    (asked_for,) = workload_view(plan).rows
    assert "0.75" in asked_for


def test_kv_caches_between_nodes_are_told() -> None:
    """Six requests/s of 0.8 Gbit each; with node patterns none."""
    plan = fleetopt.optimize(asked(6.0, fabric(1e12, None)), EXACT)
    assert [row[-1] for row in traffic_view(plan).rows] == ["4.8"]
    assert not pattern_view(plan).rows


def test_nothing_is_said_where_no_fabric_is_stated() -> None:
    """Neither table has rows, so reports of other scenarios stay as they were."""
    plan = fleetopt.optimize(fleetopt.load("heterogeneous-pd"), EXACT)
    assert not pattern_view(plan).rows
    assert not traffic_view(plan).rows
    assert "Node patterns" not in report(plan)


def test_a_plan_with_patterns_is_written_and_read_back(paired: tuple[Scenario, Plan], tmp_path: Path) -> None:
    """plan.json both ways byte for byte, tables with the new columns, and every report beside it."""
    scenario, plan = paired
    assert set(tables(plan)["placements"]["pattern"]) == {"1 x p + 3 x d"}
    written = fleetopt.write_plan(plan, tmp_path / "out", scenario=scenario)
    assert "1 x p + 3 x d" in (tmp_path / "out/report.md").read_text()
    assert written
    assert to_json(read_plan(tmp_path / "out/plan.json")) == to_json(plan)
