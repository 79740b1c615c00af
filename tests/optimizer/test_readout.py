"""From whole replicas to the figures of the plan: loads, needed replicas, who pays, and what tidying leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.readout import Readout, read_out
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)


def planned(scenario: Scenario) -> Plan:
    return optimize(scenario, EXACT)


def shares(plan: Plan) -> dict[tuple[str, str], float]:
    return {(share.workload, share.period): share.usd for share in plan.workload_costs}


def test_replicas_are_loaded_in_proportion_to_what_they_carry(build: Build) -> None:
    """Proves: 2.4 requests/s on one replica of 2 and one of 1 are 1.6 and 0.8, both at 80 %.
    Sensitivity: spread evenly the smaller one would be asked for 1.2 requests/s, 120 % of its capacity.
    """
    candidates = [build.rate("large", 2.0), build.rate("small", 1.0, gpu="B")]
    lines = [build.line("a", "Ax1", max_nodes=1), build.line("b", "Bx1")]
    plan = planned(build.scenario(build.workload(rps=2.4), candidates, lines))
    assert {p.config: p.load_rps for p in plan.placements} == pytest.approx({"large": 1.6, "small": 0.8})
    assert [p.utilization for p in plan.placements] == pytest.approx([0.8, 0.8])


def test_prefill_and_decode_carry_the_same_requests(build: Build) -> None:
    """Proves: 2 requests/s pass through one prefill replica of 3 and two decode replicas of 1.25 each.
    Sensitivity: each role loaded by its own capacity would put 2.4 requests/s into prefill.
    """
    candidates = [build.rate("p", 3.0, "prefill"), build.rate("d", 1.25, "decode")]
    plan = planned(build.scenario(build.workload(rps=2.0), candidates, [build.line("rent", "Ax1")]))
    (outcome,) = plan.workloads
    assert outcome.achieved_rps == pytest.approx(2.5)
    assert outcome.headroom == pytest.approx(0.25)
    assert [p.load_rps for p in plan.placements] == pytest.approx([2.0, 1.0])
    assert [role.carried_rps for role in outcome.roles] == pytest.approx([2.0, 2.0])
    assert [role.capacity_rps for role in outcome.roles] == pytest.approx([3.0, 2.5])
    assert [role.tokens_per_s for role in outcome.roles] == pytest.approx([3000.0, 250.0])


@pytest.mark.parametrize(("headroom", "replicas", "needed"), [(0.0, 3, 2.4), (0.5, 4, 3.6)])
def test_needed_replicas_are_those_of_the_demand_with_headroom(
    build: Build, headroom: float, replicas: int, needed: float
) -> None:
    """Proves: 2.4 requests/s need 2.4 replicas of 1, and 3.6 with half as much again.
    Sensitivity: counted by what is carried, headroom would not show.
    """
    asked = build.workload(rps=2.4, headroom=headroom)
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    (role,) = plan.workloads[0].roles
    assert role.replicas == replicas
    assert role.needed_replicas == pytest.approx(needed)


def test_needed_replicas_add_up_over_roles_in_the_published_ratio(build: Build) -> None:
    """Proves: 3 requests/s need 1.5 prefill replicas of 2 and 2.4 decode replicas of 1.25; 2 and 3 run.
    Sensitivity: the ratio of whole replicas, 2 to 3, would be stated instead of 1.5 to 2.4.
    """
    candidates = [build.rate("p", 2.0, "prefill"), build.rate("d", 1.25, "decode")]
    plan = planned(build.scenario(build.workload(rps=3.0), candidates, [build.line("rent", "Ax1")]))
    roles = plan.workloads[0].roles
    assert [role.replicas for role in roles] == [2, 3]
    assert [role.needed_replicas for role in roles] == pytest.approx([1.5, 2.4])


def test_a_node_is_paid_by_the_gpus_that_each_workload_uses(build: Build) -> None:
    """Proves: 24 USD for a node of four are 6 for the workload on one GPU and 18 for the one on three.
    Sensitivity: split by workload or by request it would be 12 and 12, or 4 and 20.
    """
    asked = [build.workload("chat", 1.0), build.workload("code", 3.0)]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax4")]))
    assert shares(plan) == pytest.approx({("chat", "t1"): 6.0, ("code", "t1"): 18.0})


def test_idle_gpus_of_a_node_in_use_are_paid_by_its_users(build: Build) -> None:
    """Proves: one GPU of four in use is charged the whole node.
    Sensitivity: charged by GPU it would be 6 USD, and 18 would be nobody's.
    """
    plan = planned(build.scenario(build.workload(), [build.rate("c", 1.0)], [build.line("rent", "Ax4")]))
    assert shares(plan) == pytest.approx({("chat", "t1"): 24.0})
    assert plan.workload_costs[0].gpu_hours == pytest.approx(24.0)
    assert plan.workload_costs[0].million_tokens == pytest.approx(86_400 * 1_100 / 1e6)


def test_nodes_that_nobody_uses_are_charged_to_unused(build: Build) -> None:
    """Proves: a node held for 12 USD a day and used for 16 hours of it is 8 for the workload and 4 unused.
    Sensitivity: charged to the workload the unused hours would hide: 12 and nothing.
    """
    over = build.calendar(slots=(16.0, 8.0))
    asked = build.workload(rps={("t1", "h1", "o1"): 1.0, ("t1", "h2", "o1"): 0.0})
    lines = [build.line("rent", "Ax1"), build.line("hold", "Ax1", 0.5, kind="reserved", term=1)]
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], lines, over=over))
    assert shares(plan) == pytest.approx({("chat", "t1"): 8.0, ("(unused)", "t1"): 4.0})


def test_an_upfront_payment_is_spread_over_the_periods_it_serves(build: Build) -> None:
    """Proves: 20 USD paid in t1 for a term of both periods are 10 in each.
    Sensitivity: by cash it would be 20 in the first and nothing in the second.
    """
    over = build.calendar(2)
    lines = [build.line("buy", "Ax1", 0.0, kind="purchase", upfront=20.0, term=2)]
    plan = planned(build.scenario(build.workload(over=over), [build.rate("c", 1.0)], lines, over=over))
    assert shares(plan) == pytest.approx({("chat", "t1"): 10.0, ("chat", "t2"): 10.0})


def test_a_shortfall_is_charged_to_the_workload_that_has_it(build: Build) -> None:
    """Proves: 1 USD per million tokens left unserved goes to the workload that may leave them, on top of its nodes.
    Sensitivity: shared by GPUs, part of it would be charged to the workload that is served in full.
    """
    asked = [build.workload("chat", 1.1, shortfall=Shortfall(0.2, 1.0)), build.workload("code", 1.0)]
    plan = optimize(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax2")]), SolveOptions(gap=1e-6))
    missing = 0.1 * 86_400 * 1_100 / 1e6
    assert shares(plan) == pytest.approx({("chat", "t1"): 12.0 + missing, ("code", "t1"): 12.0})
    assert plan.workloads[0].shortfall_rps == pytest.approx(0.1)
    assert plan.workloads[0].served_rps == pytest.approx(1.0)


def test_tidying_leaves_no_replica_without_work(build: Build) -> None:
    """Proves: on a node of eight that is paid for anyway one request/s runs on one GPU.
    Sensitivity: untidied, any number from one to eight would be optimal.
    """
    asked = build.workload(rps=1.0)
    candidates = [build.rate("c", 1.0), build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode")]
    plan = planned(build.scenario(asked, candidates, [build.line("rent", "Ax8")]))
    assert [(p.role, p.replicas) for p in plan.placements] == [("aggregated", 1)]


def test_tidying_serves_what_the_fleet_can_serve_for_nothing(build: Build) -> None:
    """Proves: half of 2 requests/s may go unserved for free, and the second GPU of the node serves it all the same.
    Sensitivity: preferring fewer GPUs to less shortfall would leave 1 request/s unserved.
    """
    asked = build.workload(rps=2.0, shortfall=Shortfall(0.5, 0.0))
    plan = planned(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax2")]))
    assert plan.objective_usd == pytest.approx(24.0)
    assert plan.workloads[0].shortfall_rps == pytest.approx(0.0)


def test_an_exact_gap_survives_a_priced_shortfall(build: Build) -> None:
    """Proves: a plan proven at gap 0 passes `gap_is_true` where a millionth of a dollar is left to the solver.
    Sensitivity: its objective 72.8990774 beside the plan's 72.8990784 was once a gap of 1.4e-8, and refused.
    """
    over = build.calendar(2)
    demand = {("t1", "h1", "o1"): 0.5, ("t2", "h1", "o1"): 7.3}
    asked = build.workload(rps=demand, shortfall=Shortfall(0.3, 0.05))
    candidates = [build.rate("p", 2.1, "prefill"), build.rate("d", 1.7777, "decode")]
    assert planned(build.scenario(asked, candidates, [build.line("rent", "Ax4")], over=over)).verdict.passed


def test_a_replica_without_work_does_not_set_the_latency(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a plan that was not tidied, as very large ones are not, is told by the traffic it serves.
    Sensitivity: an idle decode replica's TPOT at batch 1, 30 ms, is stated where the requests see 1 ms.
    """

    def untidy(problem: Problem, matrix: Matrix, values: Floats, time_limit_s: float) -> Readout:
        assert time_limit_s > 0.0
        idle = [str(variable).startswith("REPLICAS[chat,d/decode") for variable in matrix.variables]
        return read_out(problem, matrix, values + idle)

    monkeypatch.setattr(run_module, "settled", untidy)
    candidates = [build.rate("g", 1.0), build.prefill("p", 2000.0), build.decode("d", (1, 0.03), (2, 0.04))]
    plan = planned(build.scenario(build.workload(), candidates, [build.line("rent", "Ax2")]))
    assert plan.workloads[0].tpot_s == pytest.approx(0.001)
