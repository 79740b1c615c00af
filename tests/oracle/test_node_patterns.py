"""Fabrics and node patterns: by hand, against brute force, and never dearer for more ways to serve.

Unless a test says otherwise nodes have four GPUs and cost 1 USD/h, replicas have one GPU, prefill carries 8 requests/s
when nothing delays it, decode one, and speeds of the fabric are in requests/s.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Survive
from fleetopt.scenario.supply_domain import Fabric
from fleetopt.study.limits import apply
from fleetopt.study.once import optimize
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.wired import WiredOracle, draw, fabric

EXACT = SolveOptions(gap=0.0)
CASES = 40
MOST_TRIED = 6_000

PREFILL = build.prefill("p", 9000.01)  # 9 prompts/s turned around, less one for a mean TTFT of 1 s
DECODE = build.rate("d", 1.0, "decode")


def asked(rps: float, wire: Fabric, *candidates: Any, **changes: Any) -> Scenario:
    line = changes.pop("line", build.line("n", "Ax4"))
    workload = build.workload("chat", rps, **changes)
    return build.scenario([workload], candidates or (PREFILL, DECODE), [line], fabrics=(wire,))


def solved(scenario: Scenario) -> Plan:
    plan = optimize(scenario, EXACT)
    assert plan.verdict.passed, [check.detail for check in plan.verdict.checks if not check.passed]
    return plan


def nodes(scenario: Scenario) -> int:
    return sum(line.nodes for line in solved(scenario).fleet)


def broken(plan: Plan, scenario: Scenario) -> set[str]:
    return {check.name for check in verify(plan, scenario).checks if not check.passed}


def test_without_links_between_nodes_prefill_and_decode_share_them() -> None:
    """Proves the columns: a node holds one prefill beside three decode replicas, 3 requests/s, so 7 take three nodes.

    With links that delay and limit nothing one prefill replica is enough for seven of decode: two nodes.
    Sensitivity: pairs counted by GPUs alone (3.5 + 3.5 of a node) would need two nodes in both.
    """
    near, far = asked(7.0, fabric(None)), asked(7.0, fabric(1e12))
    assert (nodes(near), nodes(far)) == (3, 2)
    assert {p.pattern is None for p in solved(near).placements} == {False}
    assert {p.pattern for p in solved(far).placements} == {None}


def test_a_pattern_says_what_stands_in_a_node() -> None:
    """Proves the records: 1 x p + 3 x d, one of prefill for every three of decode, with loads of a third each."""
    plan = solved(asked(3.0, fabric(None)))
    rows = {p.role: p for p in plan.placements}
    assert {p.pattern for p in rows.values()} == {"1 x p + 3 x d"}
    assert {role: (p.replicas, p.pattern_replicas, p.pattern_gpus) for role, p in rows.items()} == {
        "prefill": (1, 1, 4),
        "decode": (3, 3, 4),
    }
    assert (rows["prefill"].load_rps, rows["decode"].load_rps) == pytest.approx((3.0, 1.0))
    (outcome,) = plan.workloads
    assert outcome.goodput_rps_per_gpu == pytest.approx(0.75)
    assert outcome.kv_gbit_s == 0.0


def test_a_slow_link_breaks_the_ttft_of_those_who_hand_over() -> None:
    """Proves the transfer in TTFT: at one request/s it takes the second that is promised, and only patterns remain.

    At 1.25 it takes 0.8 s and leaves 9 - 1/0.2 = 4 requests/s by the queue; the link of a node is what limits then.
    """
    plan = solved(asked(3.0, fabric(1.0)))
    assert all(p.pattern is not None for p in plan.placements)
    alone = asked(3.0, fabric(1.0, None))
    with pytest.raises(Infeasible, match="no number of replicas reaches it"):
        optimize(alone, EXACT)
    rows = {(r.candidate.role, r.reach.hop if r.reach else ""): r for r in derive(asked(3.0, fabric(1.25))).rows}
    assert rows["prefill", "between"].capacity_rps == pytest.approx(4.0, rel=1e-4)


def test_a_replica_has_its_share_of_the_link_of_its_node() -> None:
    """Proves the limit of the link: at 12 requests/s a quarter of it is 3, where the replica would carry 8.

    Seven requests/s then take three prefill replicas, and with seven of decode three nodes instead of two; with `fill`
    of a half, five. The same seven at 32 take two nodes again, as if there were no limit.
    """
    free = asked(7.0, fabric(32.0, None))
    tight, half = asked(7.0, fabric(12.0, None)), asked(7.0, fabric(12.0, None, fill=0.5))
    assert [nodes(one) for one in (free, tight, half)] == [2, 3, 3]
    sender = next(p for p in solved(tight).placements if p.role == "prefill")
    assert (sender.replicas, sender.binds) == (3, "network")
    assert sender.capacity_rps == pytest.approx(3.0)
    assert {p.role: p.replicas for p in solved(half).placements}["prefill"] == 5
    assert solved(tight).workloads[0].kv_gbit_s == pytest.approx(7.0 * 0.8)


def test_a_plan_that_overfills_a_link_is_refused() -> None:
    """Proves the second computation: the plan for a fast network breaks on a slower one, by name."""
    plan = solved(asked(7.0, fabric(32.0, None)))
    slower = asked(7.0, fabric(12.0, None))
    assert "kv_caches_get_through" in broken(plan, slower)
    assert "kv_caches_get_through" in broken(plan, asked(7.0, fabric(None, 1e12)))
    assert "slo_holds" in broken(plan, asked(7.0, fabric(1.0, None)))


def test_what_a_site_sends_in_all_is_limited() -> None:
    """Proves the row: with a total of 4 requests/s the prefill replica that could send 7 has to stay in a node.

    Without links inside there is no plan, and the repair is to raise the total to the 7 that are asked for: 5.6 Gbit/s.
    """
    limited = asked(7.0, fabric(1e12, total=4.0))
    assert nodes(limited) == 3
    assert "kv_caches_get_through" in broken(solved(asked(7.0, fabric(1e12))), limited)
    alone = asked(7.0, fabric(1e12, None, total=4.0))
    with pytest.raises(Infeasible) as refused:
        optimize(alone, EXACT)
    (raising,) = [r for r in refused.value.repairs if [c.limit for c in r.changes] == ["network of main"]]
    assert raising.changes[0].by == pytest.approx(6.0 - 3.2)  # raised to whole Gbit/s
    assert nodes(apply(alone, raising)) == 2


def test_patterns_pack_at_their_true_size_into_a_node() -> None:
    """Proves real packing: on eight GPUs 1 x 2 + 2 x 3 fill a node, where three-GPU replicas alone set aside four.

    A request/s of prefill and half of it by each decode replica: three a node only by patterns; apart, a replica of two
    and two of four make ten GPUs, two nodes.
    """
    candidates = build.prefill("p", 4000.01, gpus=2), build.rate("d", 1.5, "decode", gpus=3)
    big = build.line("n", "Ax8")
    assert nodes(asked(3.0, fabric(None), *candidates, line=big)) == 1
    assert nodes(asked(3.0, fabric(1e12, None), *candidates, line=big)) == 2


def test_a_node_that_is_lost_takes_its_patterns_with_it() -> None:
    """Proves survival: half of 3 requests/s must be left after a node; one full node of three would leave nothing."""
    safe = asked(3.0, fabric(None), survive=Survive(node=0.5))
    assert (nodes(safe), nodes(asked(3.0, fabric(None)))) == (2, 1)
    assert "losses_are_survived" in broken(solved(asked(3.0, fabric(None))), safe)


TAMPERED = [
    ("fewer of one role", {"role": "decode"}, {"replicas": 2}, "placements_are_allowed"),
    ("no partner", {"role": "decode"}, {"pattern": None}, "placements_are_allowed"),
    ("a pattern larger than a node", {}, {"pattern_gpus": 5}, "placements_are_allowed"),
    ("a pattern smaller than what is in it", {}, {"pattern_gpus": 3}, "placements_are_allowed"),
    ("less set aside", {"role": "decode"}, {"node_gpus_per_replica": 0.5}, "placements_are_allowed"),
    ("more patterns than nodes", {}, {"replicas": 6}, "gpus_pack_into_nodes"),
    (
        "out of the pattern",
        {},
        {"pattern": None, "pattern_replicas": None, "pattern_gpus": None},
        "kv_caches_get_through",
    ),
    ("a larger load", {"role": "prefill"}, {"load_rps": 4.0}, "outcomes_are_true"),
]


@pytest.mark.parametrize(
    ("where", "change", "check"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED]
)
def test_a_tampered_pattern_is_refused(where: dict[str, str], change: dict[str, Any], check: str) -> None:
    """Each lie about a node pattern breaks the check that is there for it."""
    scenario = asked(3.0, fabric(None))
    plan = solved(scenario)
    rows = tuple(
        row.model_copy(update=change) if all(getattr(row, k) == v for k, v in where.items()) else row
        for row in plan.placements
    )
    assert check in broken(plan.model_copy(update={"placements": rows}), scenario)


def tiny() -> list[tuple[int, Scenario]]:
    found: list[tuple[int, Scenario]] = []
    seed = 0
    while len(found) < CASES:
        scenario = draw(Random(seed))
        if WiredOracle(scenario).effort() <= MOST_TRIED:
            found.append((seed, scenario))
        seed += 1
    return found


def cost(scenario: Scenario) -> float | None:
    try:
        plan = optimize(scenario, EXACT)
    except (Infeasible, InputError):
        return None
    assert plan.verdict.passed
    return plan.objective_usd


def test_node_patterns_and_links_are_as_cheap_as_everything_tried() -> None:
    """Forty random questions: the least cost is that of brute force over every (a, b) of every pair of configs.

    Where patterns could be set aside at odd sizes the plan is never cheaper than brute force with true ones.
    """
    used, faults = 0, []
    for seed, scenario in tiny():
        expected, found = WiredOracle(scenario).least_cost(), cost(scenario)
        true = WiredOracle(scenario, round_up=False).least_cost()
        used += found is not None
        if (expected is None) is not (found is None) or (found or 0.0) != pytest.approx(expected or 0.0, rel=1e-6):
            faults.append(f"{seed}: {found} instead of {expected}")
        if found is not None and (true is None or true > found * (1.0 + 1e-6)):
            faults.append(f"{seed}: {found}, and {true} at true sizes")
    assert not faults
    assert used > CASES / 2


def test_more_ways_to_serve_never_cost_more() -> None:
    """Allowing node patterns, a faster link, or a fuller one: each plan of the poorer site is one of the richer."""
    for seed in range(15):
        scenario = draw(Random(1000 + seed))
        (wire,) = scenario.supply.fabrics
        known = cost(scenario)
        richer = [replace(wire, inside_bytes_per_s=1e20), replace(wire, fill=1.0)]
        if wire.between_bytes_per_s is not None:
            richer.append(replace(wire, between_bytes_per_s=4.0 * wire.between_bytes_per_s))
        for other in richer:
            found = cost(replace(scenario, supply=replace(scenario.supply, fabrics=(other,))))
            assert known is None or (found is not None and found <= known * (1.0 + 1e-9)), seed


def test_by_patterns_of_the_method_and_as_one_program_the_cost_is_the_same() -> None:
    """Node patterns are columns like any other, and a total of the network is a row that the method has to respect."""
    for seed in range(14):
        scenario = draw(Random(2000 + seed))
        (wire,) = scenario.supply.fabrics
        limited = replace(wire, total_gbit_s=1.6 if seed % 2 and wire.between_bytes_per_s else None)
        scenario = replace(scenario, supply=replace(scenario.supply, fabrics=(limited,)))
        problem = formulate(build_case(scenario, derive(scenario)))
        matrix = compile_matrix(problem)
        exact, other = solve(matrix, EXACT), solve_by_patterns(problem, matrix, SolveOptions(gap=0.0))
        assert (exact.objective is None) is (other.objective is None), seed
        assert (other.objective or 0.0) == pytest.approx(exact.objective or 0.0, rel=1e-6), seed
