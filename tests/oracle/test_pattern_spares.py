"""Node patterns of workloads that count replicas: spares that take the worst with them, and least replicas.

Nodes have four GPUs and cost 1 USD/h; a replica has one GPU, prefill carries 8 requests/s and decode one, so that a
node of one prefill and three of decode carries three. No cache leaves its node unless a test says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import SolveOptions, solve
from tests.oracle import build
from tests.oracle.test_node_patterns import DECODE, EXACT, PREFILL, asked, broken, nodes, solved
from tests.oracle.wired import fabric

NEAR = fabric(None)


@pytest.mark.parametrize(
    ("rps", "spares", "fewest"),
    [
        (3.0, {}, 1),
        (3.0, {"prefill": 1}, 2),
        (4.0, {"prefill": 1}, 2),
        (5.0, {"decode": 1}, 2),
        (5.1, {"decode": 1}, 3),
        (5.0, {"decode": 1, "prefill": 1}, 3),
    ],
)
def test_spares_by_hand(rps: float, spares: dict[str, int], fewest: int) -> None:
    """Proves what a spare is in a node: without a prefill replica a node of one is gone, a node of two and two carries
    its two as before; a decode replica takes one request/s. Sensitivity: by capacity alone (1 + 3 in each node) four
    requests/s with a prefill replica to spare would need three nodes."""
    plan = solved(asked(rps, NEAR, spares=tuple(spares.items())))
    assert sum(line.nodes for line in plan.fleet) == fewest
    assert all(row.pattern is not None for row in plan.placements)


@pytest.mark.parametrize(
    ("least", "fewest"), [({"prefill": 3}, 2), ({"prefill": 3, "decode": 6}, 3), ({"decode": 3}, 1)]
)
def test_least_replicas_by_hand(least: dict[str, int], fewest: int) -> None:
    """Proves that replicas in nodes are counted: three of prefill and three of decode take two nodes, six three."""
    plan = solved(asked(3.0, NEAR, least_replicas=tuple(least.items())))
    assert sum(line.nodes for line in plan.fleet) == fewest
    for role, count in least.items():
        assert sum(row.replicas for row in plan.placements if row.role == role) >= count


def test_patterns_stand_beside_split_serving() -> None:
    """Proves that both are open: with links a spare of prefill takes one GPU more, two of which fill two nodes."""
    far = asked(6.0, fabric(1e12), spares=(("prefill", 1),))
    assert (nodes(far), nodes(asked(6.0, NEAR, spares=(("prefill", 1),)))) == (2, 3)


def test_a_plan_that_forgot_what_is_counted_is_refused() -> None:
    """Proves the second computation: the plan without spares, or without enough replicas, breaks by name."""
    plan = solved(asked(3.0, NEAR))
    for promised in (
        {"spares": (("prefill", 1),)},
        {"spares": (("decode", 1),)},
        {"least_replicas": (("prefill", 2),)},
        {"least_replicas": (("decode", 4),)},
    ):
        assert "spares_are_kept" in broken(plan, asked(3.0, NEAR, **promised))


def test_spares_of_patterns_are_told() -> None:
    """Proves the sentence about what is assumed of them."""
    plan = solved(asked(3.0, NEAR, spares=(("prefill", 1),)))
    assert any("those of both roles are lost in different nodes" in said for said in plan.provenance.assumptions)


def spread(lost: int, patterns: int, each: int) -> Iterator[tuple[int, ...]]:
    """All ways to lose so many replicas in so many nodes of `each`."""
    yield from (way for way in product(range(each + 1), repeat=patterns) if sum(way) <= lost)


def left(a: int, b: int, patterns: int, lost: dict[str, int], rates: tuple[float, float]) -> float:
    """What is left of a group in the worst case, each role by itself."""
    whole = min(a * rates[0], b * rates[1])
    prefill = [sum(min((a - i) * rates[0], b * rates[1]) for i in way) for way in spread(lost["prefill"], patterns, a)]
    decode = [sum(min(a * rates[0], (b - j) * rates[1]) for j in way) for way in spread(lost["decode"], patterns, b)]
    return max(0.0, min(prefill) + min(decode) - patterns * whole)


def fewest_nodes(rps: float, lost: dict[str, int], least: dict[str, int], rates: tuple[float, float]) -> int:
    """The fewest nodes by trying every number of every pattern that fits in one."""
    kinds = [(a, b) for a in range(1, 4) for b in range(1, 5 - a)]
    for count in range(1, 6):
        for many in product(range(count + 1), repeat=len(kinds)):
            if sum(many) != count:
                continue
            there = {"prefill": sum(n * a for n, (a, _) in zip(many, kinds, strict=True))}
            there["decode"] = sum(n * b for n, (_, b) in zip(many, kinds, strict=True))
            carried = sum(left(a, b, n, lost, rates) for n, (a, b) in zip(many, kinds, strict=True) if n)
            if carried >= rps - 1e-9 and all(there[role] >= wanted for role, wanted in least.items()):
                return count
    return 6


roles = st.fixed_dictionaries({"prefill": st.integers(0, 2), "decode": st.integers(0, 2)})


@settings(max_examples=20)
@given(st.sampled_from([0.7, 1.9, 2.6, 3.0]), roles, roles, st.sampled_from([0.8, 1.5, 8.0]))
def test_brute_force_finds_as_few_nodes(
    rps: float, lost: dict[str, int], more: dict[str, int], prefill_rps: float
) -> None:
    """Proves the columns and both rows against every number of every (a, b), and every way to lose replicas in them."""
    least = {role: count + 2 for role, count in more.items() if count}
    spares = tuple((role, count) for role, count in lost.items() if count)
    given_ = build.prefill("p", 1000.0 * (prefill_rps + 1.0) + 0.01), DECODE
    scenario = asked(rps, NEAR, *given_, spares=spares, least_replicas=tuple(least.items()), line=LIMITED)
    expected = fewest_nodes(rps, lost, least, (prefill_rps, 1.0))
    try:
        found = nodes(scenario)
    except Infeasible:
        found = 6
    assert found == expected


LIMITED: Any = build.line("n", "Ax4", max_nodes=5)


@pytest.mark.parametrize("spares", [(("prefill", 1),), (("decode", 2), ("prefill", 1))])
def test_both_methods_find_the_same_cost(spares: Any) -> None:
    """Proves that the pattern method takes node patterns with spares for what they are."""
    scenario = asked(7.3, fabric(8.0), PREFILL, DECODE, spares=spares, least_replicas=(("prefill", 2),))
    problem = formulate(build_case(scenario, derive(scenario)))
    matrix = compile_matrix(problem)
    exact, other = solve(matrix, EXACT), solve_by_patterns(problem, matrix, SolveOptions(gap=0.0))
    assert other.objective == pytest.approx(exact.objective, rel=1e-6)
