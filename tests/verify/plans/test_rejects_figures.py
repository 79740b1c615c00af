"""Right decisions with one false figure are refused, by the check that owns the figure and by no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.verify import verify

Question = tuple[Plan, Scenario]


def lie(table: str, field: str, change: Any, index: int = 0) -> Callable[[Plan], Plan]:
    def mutate(plan: Plan) -> Plan:
        rows = list(getattr(plan, table))
        value = change(getattr(rows[index], field)) if callable(change) else change
        rows[index] = rows[index].model_copy(update={field: value})
        return plan.model_copy(update={table: tuple(rows)})

    return mutate


def without(table: str, index: int) -> Callable[[Plan], Plan]:
    return lambda plan: plan.model_copy(
        update={table: tuple(row for i, row in enumerate(getattr(plan, table)) if i != index)}
    )


def twice(table: str) -> Callable[[Plan], Plan]:
    return lambda plan: plan.model_copy(update={table: (*getattr(plan, table), getattr(plan, table)[0])})


def claim(**update: Any) -> Callable[[Plan], Plan]:
    return lambda plan: plan.model_copy(
        update={k: v(plan.objective_usd) if callable(v) else v for k, v in update.items()}
    )


def role_lie(field: str, value: float) -> Callable[[Plan], Plan]:
    def change(roles: Any) -> Any:
        return (roles[0].model_copy(update={field: value}), *roles[1:])

    return lie("workloads", "roles", change)


def up(value: float) -> float:
    return value * 1.0001 + 1e-4


def dearer(value: float) -> float:
    return value + 1.0


OUTCOMES, DOLLARS, SHARES, GAP = "outcomes_are_true", "dollars_add_up", "workload_costs_add_up", "gap_is_true"
WELL, SUPPLY = "plan_is_well_formed", "supply_is_respected"
OUTCOME_FIGURES = [
    "asked_rps", "planned_rps", "achieved_rps", "served_rps", "shortfall_rps", "asked_tokens_per_s",
    "achieved_tokens_per_s", "headroom", "ttft_limit_s", "ttft_s", "ttft_margin_s", "tpot_limit_s", "tpot_s",
    "tpot_margin_s",
]  # fmt: skip
ROLE_FIGURES = ["replicas", "gpus", "needed_replicas", "carried_rps", "capacity_rps", "tokens_per_s", "utilization"]

CASES: list[tuple[str, Callable[[Plan], Plan], set[str]]] = [
    *((f"outcome's {name}", lie("workloads", name, up), {OUTCOMES}) for name in OUTCOME_FIGURES),
    *((f"role's {name}", role_lie(name, 77), {OUTCOMES}) for name in ROLE_FIGURES),
    ("outcome's statistic", lie("workloads", "ttft_at", "p99"), {OUTCOMES}),
    ("outcome's latency withheld", lie("workloads", "ttft_s", None), {OUTCOMES}),
    ("role unmentioned", lie("workloads", "roles", lambda roles: roles[1:]), {OUTCOMES}),
    ("role twice", lie("workloads", "roles", lambda roles: (*roles, roles[0])), {OUTCOMES}),
    ("outcome missing", without("workloads", 3), {OUTCOMES}),
    ("load of a placement", lie("placements", "load_rps", up), {OUTCOMES}),
    ("utilization of a placement", lie("placements", "utilization", up), {OUTCOMES}),
    ("an error bar that no points tell", lie("placements", "capacity_error", 0.05), {"slo_holds"}),
    ("outcome twice", twice("workloads"), {WELL}),
    ("a dollar more on a line", lie("costs", "usd", dearer), {DOLLARS}),
    ("a line left out", without("costs", 0), {DOLLARS}),
    ("a line of nothing known", lie("costs", "line", "tea"), {DOLLARS}),
    ("a line in another period", lie("costs", "period", "2027-Q2"), {DOLLARS}),
    ("another probability", lie("costs", "probability", 0.5), {DOLLARS}),
    ("an hourly price of a fleet line", lie("fleet", "usd_per_node_h", dearer), {DOLLARS}),
    ("an upfront price of an order", lie("orders", "upfront_usd", dearer), {DOLLARS}),
    ("an hourly price of an order", lie("orders", "usd_per_node_h", dearer), {DOLLARS}),
    ("a cost line twice", twice("costs"), {DOLLARS, WELL}),
    ("an objective a dollar off", claim(objective_usd=dearer), {DOLLARS}),
    ("a dollar of a workload", lie("workload_costs", "usd", dearer), {SHARES}),
    ("a workload's GPU-hours", lie("workload_costs", "gpu_hours", up), {SHARES}),
    ("a workload's tokens", lie("workload_costs", "million_tokens", up), {SHARES}),
    ("a workload's price of tokens", lie("workload_costs", "usd_per_million_tokens", up), {SHARES}),
    ("a workload's price of tokens withheld", lie("workload_costs", "usd_per_million_tokens", None), {SHARES}),
    ("a workload without its cost", without("workload_costs", 1), {SHARES}),
    ("a workload's cost twice", twice("workload_costs"), {SHARES, WELL}),
    ("an order's GPUs", lie("orders", "gpus", 15), {SUPPLY}),
    ("a fleet line's GPUs", lie("fleet", "gpus", 17), {SUPPLY}),
    ("a fleet line's kind", lie("fleet", "kind", "spot"), {SUPPLY}),
    ("a fleet line's provider", lie("fleet", "provider", "another"), {SUPPLY}),
    ("an order's offer", lie("orders", "offer", "another"), {SUPPLY}),
    ("an order's period", lie("orders", "order_by", "2027-Q2"), {SUPPLY, DOLLARS}),
    ("a bound above the objective", claim(bound_usd=dearer, gap=0.0), {GAP}),
    ("a gap smaller than it is", claim(bound_usd=lambda usd: usd * 0.9, gap=0.05), {GAP}),
    ("a bound without a gap", claim(bound_usd=lambda usd: usd), {GAP}),
    ("a gap without a bound", claim(gap=0.0), {GAP}),
    ("optimal without a bound", claim(status="OPTIMAL"), {GAP}),
    ("optimal beyond the tolerance", claim(status="OPTIMAL", bound_usd=lambda usd: usd * 0.99, gap=0.01), {GAP}),
    ("another scenario", claim(scenario="another"), {WELL}),
]  # fmt: skip


@pytest.mark.parametrize(("figure", "mutate", "failing"), CASES, ids=[case[0] for case in CASES])
def test_a_false_figure_is_refused(
    figure: str, mutate: Callable[[Plan], Plan], failing: set[str], rich: Question
) -> None:
    plan, asked = rich
    failed = {check.name: check.detail for check in verify(mutate(plan), asked).checks if not check.passed}
    assert set(failed) == failing, figure
    assert all(failed.values())
