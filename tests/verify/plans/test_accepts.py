"""Right plans are accepted, and their figures are those worked out by hand."""

from __future__ import annotations

import pytest

from fleetopt.plan.domain import Plan, Verdict
from fleetopt.scenario.domain import Scenario
from fleetopt.verify import verify

NAMES = [
    "plan_is_well_formed", "demand_is_met", "slo_holds",
    "bundles_hold", "placements_are_allowed", "gpus_pack_into_nodes",
    "kv_caches_get_through",
    "supply_is_respected", "quotas_are_respected", "budgets_are_kept", "facilities_suffice", "types_are_few",
    "spares_are_kept", "losses_are_survived", "changes_are_possible",
    "nodes_are_available", "classes_go_short_in_order", "outcomes_are_true",
    "dollars_add_up", "workload_costs_add_up", "gap_is_true", "goals_are_true", "evidence_is_true",
]  # fmt: skip


def failures(verdict: Verdict) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in verdict.checks if not check.passed]


def test_the_published_case_is_accepted_with_its_slack(seed: tuple[Plan, Scenario]) -> None:
    verdict = verify(*seed)
    assert failures(verdict) == []
    assert verdict.passed
    assert [check.name for check in verdict.checks] == NAMES
    demand, slo = verdict.checks[1], verdict.checks[2]
    assert demand.detail == "chat in 2027-Q1/day/base: 12.2394 of 12.1444 requests/s"
    assert demand.worst == pytest.approx(12.23941 - 12.14443, abs=1e-4)
    assert demand.unit == "requests/s"
    assert slo.worst == 0.0  # prefill and decode are both taken to their limits


def test_the_published_case_costs_what_hand_arithmetic_says(seed: tuple[Plan, Scenario]) -> None:
    nodes = 7 * 28.0 * 90 * 24
    shortfall = (5e6 / 60 / 6656 - 3 * (28300 / 6144 - 1 / 1.9)) * 90 * 24 * 3600 * 6656 / 1e6 * 2.0
    assert seed[0].objective_usd == pytest.approx(nodes + shortfall)


def test_a_rich_plan_is_accepted(rich: tuple[Plan, Scenario]) -> None:
    assert failures(verify(*rich)) == []


def test_a_rich_plan_costs_what_hand_arithmetic_says(rich: tuple[Plan, Scenario]) -> None:
    rented, reserved = 2 * 10.0 * 90 * 24, 2 * 6.0 * 91 * 24
    bought = 36500 * (1 - 30 / 36) + 3.0 * 181 * 24
    owned = 2.0 * (181 * 24 + 90 * 16 * 0.75)
    assert rich[0].objective_usd == pytest.approx(rented + reserved + 200 - 150 + bought + owned)


def test_committed_nodes_may_be_stated_once_for_all_slots_and_outlooks(rich: tuple[Plan, Scenario]) -> None:
    plan, asked = rich
    committed = {(row.supply, row.period): row for row in plan.fleet if row.kind in {"reserved", "purchase"}}
    once = [row.model_copy(update={"slot": "all", "outlook": "all"}) for row in committed.values()]
    others = [row for row in plan.fleet if row.kind not in {"reserved", "purchase"}]
    assert failures(verify(plan.model_copy(update={"fleet": (*others, *once)}), asked)) == []


def test_zero_cost_lines_may_be_left_out_or_stated(rich: tuple[Plan, Scenario]) -> None:
    plan, asked = rich
    nothing = plan.costs[0].model_copy(update={"line": "upfront", "usd": 0.0, "item": "rent"})
    assert verify(plan.model_copy(update={"costs": (*plan.costs, nothing)}), asked).passed


def test_an_optimal_plan_with_a_tight_bound_is_accepted(seed: tuple[Plan, Scenario]) -> None:
    plan, asked = seed
    bound = plan.objective_usd * (1 - 5e-5)
    claimed = plan.model_copy(update={"status": "OPTIMAL", "bound_usd": bound, "gap": 5e-5})
    assert failures(verify(claimed, asked)) == []


def test_the_same_plan_gets_the_same_verdict_whatever_its_own_says(rich: tuple[Plan, Scenario]) -> None:
    plan, asked = rich
    verdict = verify(plan, asked)
    assert verify(plan.model_copy(update={"verdict": verdict}), asked) == verdict
    assert verify(Plan.model_validate_json(plan.model_dump_json()), asked) == verdict
