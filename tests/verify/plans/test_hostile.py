"""Plans that make no sense fail with a reason; none raises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.verify import verify
from fleetopt.verify.verifier import CHECKS

Question = tuple[Plan, Scenario]
TABLES = ("fleet", "orders", "placements", "workloads", "costs", "workload_costs")
UNTOLD = {
    "shared",
    "bundle",
    "priority",
    "pattern",
    "pattern_replicas",
    "pattern_gpus",
    "goodput_rps_per_gpu",
    "kv_gbit_s",
}
"""What a plan need not tell."""


def _with(plan: Plan, table: str, field: str, value: Any) -> Plan:
    first, *rest = getattr(plan, table)
    return plan.model_copy(update={table: (first.model_copy(update={field: value}), *rest)})


def _failed(plan: Plan, asked: Scenario) -> dict[str, str]:
    return {check.name: check.detail for check in verify(plan, asked).checks if not check.passed}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "value",
    ["nobody", -1, math.nan, math.inf, 10**400, 1e300, None, (), 1.5, "", {"a": []}],
    ids=lambda value: str(value)[:9],
)
def test_no_value_in_any_field_raises(table: str, value: Any, rich: Question) -> None:
    plan, asked = rich
    free = {"binds", "ttft_s", "tpot_s", "batch"} | (UNTOLD if value is None else set())
    for field in type(getattr(plan, table)[0]).model_fields:
        failed = _failed(_with(plan, table, field, value), asked)
        untold = field == "capacity_error" and value is None
        true = value == getattr(getattr(plan, table)[0], field)  # nothing, where nothing further is promised
        assert failed or untold or true or field in free or value in {"", 1.5}, field


@pytest.mark.parametrize("table", TABLES)
def test_an_unknown_name_is_named(table: str, rich: Question) -> None:
    plan, asked = rich
    assert (
        "unknown period 'never'" in _failed(_with(plan, table, _period(table), "never"), asked)["plan_is_well_formed"]
    )


def _period(table: str) -> str:
    return "in_service" if table == "orders" else "period"


@pytest.mark.parametrize(
    ("table", "field", "value", "detail"),
    [
        ("placements", "capacity_rps", -1.0, "capacity_rps is negative"),
        ("placements", "load_rps", 1e16, "load_rps is beyond all fleets"),
        ("placements", "model", "small", "workload 'chat' runs big, not small"),
        ("placements", "workload", "nobody", "unknown workload 'nobody'"),
        ("placements", "site", "moon", "unknown site 'moon'"),
        ("fleet", "supply", "nobody", "no supply 'nobody' at site 'east'"),
        ("fleet", "site", "west", "no supply 'rent' at site 'west'"),
        ("fleet", "node_type", "dgx", "'rent' supplies hgx, not dgx"),
        ("fleet", "nodes", -1, "fleet.0.nodes"),
        ("placements", "gpus_per_replica", 1.5, "placements.0.gpus_per_replica"),
    ],
)
def test_the_detail_says_what_is_wrong(table: str, field: str, value: Any, detail: str, rich: Question) -> None:
    plan, asked = rich
    assert detail in _failed(_with(plan, table, field, value), asked)["plan_is_well_formed"]


@pytest.mark.parametrize("table", ["fleet", "placements", "orders"])
def test_a_row_that_stands_twice_is_refused(table: str, rich: Question) -> None:
    plan, asked = rich
    rows = getattr(plan, table)
    assert "stands twice" in _failed(plan.model_copy(update={table: (*rows, rows[0])}), asked)["plan_is_well_formed"]


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_table_is_refused(table: str, rich: Question) -> None:
    plan, asked = rich
    assert _failed(plan.model_copy(update={table: ()}), asked)


def _bare(record: Any) -> Any:
    return record.model_construct(scenario="rich")


def test_an_unvalidated_plan_is_judged_all_the_same(rich: Question) -> None:
    failed = _failed(_bare(Plan), rich[1])
    assert len(failed) == len(CHECKS)
    assert "Field required" in failed["plan_is_well_formed"]


def test_absurd_sizes_cost_no_time(rich: Question) -> None:
    plan, asked = rich
    failed = _failed(_with(plan, "placements", "replicas", 10**14), asked)
    assert "gpus_pack_into_nodes" in failed


@pytest.mark.parametrize("field", ["objective_usd", "bound_usd", "gap", "status", "fleet", "provenance"])
def test_no_value_of_the_plan_itself_raises(field: str, rich: Question) -> None:
    plan, asked = rich
    for value in _odd_values():
        failed = _failed(plan.model_copy(update={field: value}), asked)
        assert failed or value is None


def _odd_values() -> Iterator[Any]:
    yield from (math.nan, 1e308, -1e308, "x", None, [1, 2], object())


@pytest.mark.parametrize("make", [lambda p: p.model_copy(update={"placements": (1, 2)}), lambda p: p.model_copy(
    update={"fleet": ({"supply": 1},)})])  # fmt: skip
def test_rows_of_another_type_are_refused(make: Callable[[Plan], Plan], rich: Question) -> None:
    assert _failed(make(rich[0]), rich[1])
