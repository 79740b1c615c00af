"""The case of arXiv 2603.04716: the numbers the paper and its critics would look up first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import fleetopt
from fleetopt.units import Latency


def planned(**changes: Any) -> fleetopt.Plan:
    scenario = fleetopt.load("seed-paper")
    workload = replace(scenario.workloads[0], **changes)
    return fleetopt.optimize(replace(scenario, workloads=(workload,)))


def counts(plan: fleetopt.Plan) -> str:
    by_role = {p.role: p.replicas for p in plan.placements}
    return f"{by_role['prefill']}P{by_role['decode']}D"


def strict() -> Any:
    shortfall = fleetopt.load("seed-paper").workloads[0].shortfall
    return replace(shortfall, allowed=0.0)


def test_capacities_are_the_papers() -> None:
    """Equation (13): 28 300 - 6144/1.9 = 25 066 tokens/s; the fitted TPOT curve carries about 1 700 at 20 ms.

    With the overhead left out TP_P would be 25 228; with the whole batch of 60 TP_D would be 2 296.
    """
    rows = {row.candidate.role: row for row in fleetopt.capacities(fleetopt.load("seed-paper")).rows}
    assert rows["prefill"].slo_tokens_per_s == pytest.approx(25_066, abs=1)
    assert 1_690 <= rows["decode"].slo_tokens_per_s <= 1_714
    ratio = 6144 * rows["decode"].slo_tokens_per_s / (512 * rows["prefill"].slo_tokens_per_s)
    assert round(ratio, 2) == pytest.approx(0.81)


def test_three_percent_of_shortfall_is_the_papers_3p4d() -> None:
    """They deploy 3P4D, which carries 4.89 M tokens/min; the plan says it needs 3.07 P and falls short by 2.2 %."""
    plan = planned()
    assert counts(plan) == "3P4D"
    outcome = plan.workloads[0]
    assert 60 * outcome.achieved_tokens_per_s / 1e6 == pytest.approx(4.89, abs=0.02)
    assert outcome.shortfall_rps / outcome.planned_rps == pytest.approx(0.0224, abs=0.0001)
    need = {role.role: round(role.needed_replicas, 2) for role in outcome.roles}
    assert need == {"prefill": 3.07, "decode": 3.79}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "4P4D"),
        ({"queue": "md1"}, "3P4D"),
        ({"ttft": Latency(2.0, 0.90)}, "4P4D"),
        ({"ttft": Latency(2.0, 0.99)}, "6P4D"),
        ({"decode_fit": "pchip"}, "4P4D"),
    ],
    ids=["mean", "md1", "p90", "p99", "pchip"],
)
def test_the_queue_model_and_percentile_decide_the_replicas(changes: dict[str, Any], expected: str) -> None:
    """Without a shortfall: M/M/1 at the mean 4P, M/D/1 3P, M/M/1 at P90 4P and at P99 6P.

    Were a percentile read as a mean, P99 would need 4P instead of 6P.
    """
    assert counts(planned(shortfall=strict(), **changes)) == expected


def test_a_ttft_below_the_floor_is_not_called_a_shortage() -> None:
    """0.2 s is less than the 0.317 s that one prompt takes alone, so no number of replicas helps."""
    with pytest.raises(fleetopt.Infeasible) as failure:
        planned(ttft=Latency(0.2))
    assert "0.317 s floor of every allowed config" in str(failure.value)
    assert "no number of replicas" in str(failure.value)


def test_the_service_floor_is_where_the_paper_puts_it() -> None:
    """6144/28300 + 0.1 = 0.3171 s."""
    rows = fleetopt.capacities(fleetopt.load("seed-paper")).rows
    assert next(r.ttft_floor_s for r in rows if r.candidate.role == "prefill") == pytest.approx(0.31710, abs=1e-5)
