from __future__ import annotations

import math

import pytest

import fleetopt
from fleetopt.plan.domain import Plan
from fleetopt.report.token_prices import token_costs
from fleetopt.scenario.domain import Scenario


def test_split_serving_prices_input_and_output_by_hand(plan: Plan) -> None:
    """Three of seven equal nodes prefill: 3/7 of the cost over 6144 tokens in, 4/7 over 512 out, of all requests."""
    (cost,) = token_costs(plan, fleetopt.load("seed-paper")).values()
    million_requests = plan.workloads[0].served_rps * 90 * 86400 / 1e6
    assert cost.input_price == pytest.approx(plan.objective_usd * 3 / 7 / (million_requests * 6144))
    assert cost.output_price == pytest.approx(plan.objective_usd * 4 / 7 / (million_requests * 512))
    assert cost.mean_price == plan.workload_costs[0].usd_per_million_tokens


def test_a_role_s_cost_is_part_of_its_workload_s(quarters: Plan, scenario: Scenario) -> None:
    """Prefill and decode cost no more than the workload; served split alone, they are all of it but its shortfall."""
    roles = {name: {p.role for p in quarters.placements if p.workload == name} for name in ("chat", "search")}
    assert roles["search"] == {"prefill", "decode"}
    for (workload, _), cost in token_costs(quarters, scenario).items():
        assert cost.prefill_usd + cost.decode_usd <= cost.usd * (1 + 1e-9)
        if workload == "search":
            assert cost.prefill_usd + cost.decode_usd == pytest.approx(cost.usd, rel=1e-9)


def test_what_cannot_be_told_apart_has_no_price_of_its_own(quarters: Plan, scenario: Scenario) -> None:
    """A workload that is served aggregated alone has a mean price, and none for input or output."""
    together = quarters.model_copy(
        update={
            "placements": tuple(p.model_copy(update={"role": "aggregated"}) for p in quarters.placements),
            "workloads": tuple(
                w.model_copy(update={"roles": tuple(r.model_copy(update={"role": "aggregated"}) for r in w.roles)})
                for w in quarters.workloads
            ),
        }
    )
    for cost in token_costs(together, scenario).values():
        assert (cost.input_price, cost.output_price) == (None, None)
        assert cost.mean_price is not None or not cost.million_tokens


def test_all_costs_together_are_the_objective(quarters: Plan, scenario: Scenario) -> None:
    """Workloads and what nobody uses sum to the plan."""
    found = math.fsum(cost.usd for cost in token_costs(quarters, scenario).values())
    assert found == pytest.approx(quarters.objective_usd, rel=1e-9)
