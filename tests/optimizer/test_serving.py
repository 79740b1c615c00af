"""Ways to serve, each against a fleet worked out by hand. A node at 1 USD/h costs 24 USD."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetopt.optimizer.features.changes import SlotChanges
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

MILLION_TOKENS = 86_400 * 1_100 / 1e6
"""What 1 request/s makes in a day: 95.04 million tokens."""


def planned(scenario: Scenario) -> Plan:
    return optimize(scenario, SolveOptions(gap=1e-6))


def test_prefill_and_decode_stand_at_the_same_site(build: Build) -> None:
    """Proves: prefill runs in the east at 3 USD/h beside the only decode, not in the west at 1.
    Sensitivity: KV caches sent between sites would bring the cost down to 48 instead of 96.
    """
    candidates = [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode", gpu="B")]
    lines = [
        build.line("p-east", "Ax1", 3.0),
        build.line("p-west", "Ax1", 1.0, site="west"),
        build.line("d-east", "Bx1", 1.0),
    ]
    plan = planned(build.scenario(build.workload(), candidates, lines, sites=("east", "west")))
    assert plan.objective_usd == pytest.approx(96.0)
    assert {p.site for p in plan.placements} == {"east"}


@pytest.mark.parametrize("other", [{"precision": "bf16"}, {"engine": "trtllm 1.0"}])
def test_prefill_and_decode_share_engine_and_precision(build: Build, other: dict[str, str]) -> None:
    """Proves: the pair of one KV format on 1 + 3 GPUs is chosen, over 4 + 1 of the other.
    Sensitivity: the smallest of each, 1 + 1 GPUs of different formats, would cost 48 instead of 96.
    """
    candidates = [
        build.rate("p", 1.0, "prefill"),
        build.rate("d", 1.0, "decode", gpus=3),
        build.rate("p-other", 1.0, "prefill", gpus=4, **other),
        build.rate("d-other", 1.0, "decode", **other),
    ]
    plan = planned(build.scenario(build.workload(), candidates, [build.line("rent", "Ax1")]))
    assert plan.objective_usd == pytest.approx(96.0)
    assert [p.config for p in plan.placements] == ["p", "d"]


def test_versions_of_an_engine_work_together(build: Build) -> None:
    """Proves: the version of an engine does not keep prefill from decode.
    Sensitivity: it would leave no plan.
    """
    candidates = [build.rate("p", 1.0, "prefill", engine="vllm 0.9"), build.rate("d", 1.0, "decode")]
    assert planned(
        build.scenario(build.workload(), candidates, [build.line("rent", "Ax1")])
    ).objective_usd == pytest.approx(48.0)


def test_both_roles_are_whole_replicas_in_their_own_ratio(build: Build) -> None:
    """Proves: 3 requests/s take two prefill replicas of 2 and three decode replicas of 1.
    Sensitivity: fractions would be paid as 1.5 + 3 GPUs, a common ratio of one to one as 3 + 3: 144 instead of 120.
    """
    candidates = [build.rate("p", 2.0, "prefill"), build.rate("d", 1.0, "decode")]
    plan = planned(build.scenario(build.workload(rps=3.0), candidates, [build.line("rent", "Ax1")]))
    assert plan.objective_usd == pytest.approx(120.0)
    assert [(p.role, p.replicas) for p in plan.placements] == [("prefill", 2), ("decode", 3)]


def test_a_workload_is_served_over_several_links_and_styles_at_once(build: Build) -> None:
    """Proves: split in the east, split in the west and aggregated on B together carry 3 requests/s.
    Sensitivity: with one way of serving per workload there would be no plan within these limits.
    """
    candidates = [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode"), build.rate("g", 1.0, gpu="B")]
    lines = [
        build.line("e", "Ax2", max_nodes=1),
        build.line("w", "Ax2", site="west", max_nodes=1),
        build.line("b", "Bx1", max_nodes=1),
    ]
    plan = planned(build.scenario(build.workload(rps=3.0), candidates, lines, sites=("east", "west")))
    assert plan.objective_usd == pytest.approx(72.0)
    assert plan.workloads[0].achieved_rps == pytest.approx(3.0)


def test_headroom_is_capacity_beyond_the_demand(build: Build) -> None:
    """Proves: 2 requests/s with half as much again take three replicas.
    Sensitivity: without headroom the cost would be 48 instead of 72.
    """
    plan = planned(
        build.scenario(build.workload(rps=2.0, headroom=0.5), [build.rate("c", 1.0)], [build.line("rent", "Ax1")])
    )
    assert plan.objective_usd == pytest.approx(72.0)
    assert plan.workloads[0].planned_rps == pytest.approx(3.0)


def test_workloads_share_nodes(build: Build) -> None:
    """Proves: two workloads that take one GPU each stand on one node of two.
    Sensitivity: a fleet for each would cost 48 instead of 24.
    """
    asked = [build.workload("chat"), build.workload("code")]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax2")]))
    assert plan.objective_usd == pytest.approx(24.0)


@pytest.mark.parametrize(
    ("allowed", "usd", "expected"),
    [
        pytest.param(0.5, 0.2, 24.0 + 0.2 * MILLION_TOKENS, id="cheaper to leave unserved"),
        pytest.param(0.5, 0.3, 48.0, id="cheaper to serve"),
        pytest.param(0.4, 0.2, 48.0, id="not allowed"),
        pytest.param(1.0, 0.2, 2 * 0.2 * MILLION_TOKENS, id="nothing served at all"),
    ],
)
def test_shortfall_is_weighed_against_renting(build: Build, allowed: float, usd: float, expected: float) -> None:
    """Proves: a second node at 24 USD is rented where leaving its requests unserved costs more, or is not allowed.
    Sensitivity: shortfall for nothing would cost 24 in the first case, priced per thousand tokens 48.
    """
    asked = build.workload(rps=2.0, shortfall=Shortfall(allowed, usd))
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    assert plan.objective_usd == pytest.approx(expected)


def test_a_replica_may_span_nodes(build: Build) -> None:
    """Proves: four GPUs stand on two nodes of two, and a second replica on two more.
    Sensitivity: a replica that must fit into a node would leave no plan.
    """
    asked = build.workload(rps=2.0)
    plan = planned(build.scenario(asked, [build.rate("c", 1.0, gpus=4)], [build.line("rent", "Ax2")]))
    assert plan.objective_usd == pytest.approx(96.0)


def test_a_replica_spans_only_nodes_of_the_largest_type(build: Build) -> None:
    """Proves: four GPUs are not put together from nodes cut up to two, where whole hosts of eight exist.
    Sensitivity: two small nodes at 0.10 USD/h would cost 4.80 instead of 24.
    """
    lines = [build.line("small", "Ax2", 0.1), build.line("large", "Ax8")]
    plan = planned(build.scenario(build.workload(), [build.rate("c", 1.0, gpus=4)], lines))
    assert plan.objective_usd == pytest.approx(24.0)


def test_a_role_that_is_not_allowed_is_not_used(build: Build) -> None:
    """Proves: a workload kept to split serving takes 2 GPUs although aggregated serving takes 1.
    Sensitivity: ignoring `roles` would cost 24 instead of 48; likewise with a forbidden GPU type.
    """
    candidates = [build.rate("g", 1.0), build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode")]
    split = build.workload(roles=("prefill", "decode"))
    assert planned(build.scenario(split, candidates, [build.line("rent", "Ax1")])).objective_usd == pytest.approx(48.0)
    both = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    lines = [build.line("a", "Ax1"), build.line("b", "Bx1", 2.0)]
    not_a = build.workload(forbidden_gpu_types=("A",))
    assert planned(build.scenario(not_a, both, lines)).objective_usd == pytest.approx(48.0)


def test_no_more_replicas_stand_than_a_time_can_use(build: Build) -> None:
    """Proves: with a spare each, 3 replicas are of use while 2 requests/s come and 11 while 10 do, so that the
    relaxation pays for a whole spare at both times: 3 x 8 + 11 x 16 USD, which is the optimum. Where changes between
    slots count, 11 may stand at any time.

    Sensitivity: by the 11 of the peak a fifth of a spare would do in the quiet slot, and the bound be 193.6.
    """
    over = build.calendar(slots=(8.0, 16.0))
    asked = {("t1", "h1", "o1"): 2.0, ("t1", "h2", "o1"): 10.0}
    spared = build.workload(rps=asked, spares=(("aggregated", 1),))
    scenario = build.scenario([spared], [build.rate("c", 1.0)], [build.line("rent", "Ax1")], over=over)
    for changes, most, least in (None, [3, 11], 200.0), (Changes(), [11, 11], 193.6):
        case = replace(build.case(scenario), changes=changes)
        problem = formulate(case, tuple(one for one in FEATURES if not isinstance(one, SlotChanges)))
        matrix = compile_matrix(problem)
        ours = [variable.parent_component() is problem.model.REPLICAS for variable in matrix.variables]
        assert sorted(matrix.column_upper[ours]) == most
        point = Relaxation(matrix).optimum(60.0)
        assert point is not None
        assert point.value == pytest.approx(least)
    assert planned(scenario).objective_usd == pytest.approx(200.0)
