"""GPUs set aside: counting them is the same as packing replicas into nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.optimizer.packing import gpus_set_aside
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build


def first_fit_decreasing(sizes: list[int], gpus_per_node: int) -> int:
    """Nodes that the textbook heuristic takes; a replica larger than a node takes whole ones for itself."""
    whole = sum(-(-size // gpus_per_node) for size in sizes if size > gpus_per_node)
    free: list[int] = []
    for size in sorted((size for size in sizes if size <= gpus_per_node), reverse=True):
        place = next((i for i, left in enumerate(free) if left >= size), None)
        if place is None:
            free.append(gpus_per_node - size)
        else:
            free[place] -= size
    return whole + len(free)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(1, 16), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_what_fits_by_count_fits_by_packing(gpus_per_node: int, sizes: list[int]) -> None:
    """Proves: as many nodes as the set-aside GPUs fill hold the replicas, placed largest first.
    Sensitivity: setting aside the true sizes would call two 8-GPU nodes enough for 5 + 5 + 6, which take three.
    """
    aside = gpus_set_aside(sizes, gpus_per_node)
    nodes = -(-sum(aside[size] for size in sizes) // gpus_per_node)
    assert first_fit_decreasing(sizes, gpus_per_node) <= nodes


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 16), st.sets(st.integers(1, 40), min_size=1, max_size=6))
def test_never_too_few_gpus_are_set_aside(gpus_per_node: int, sizes: set[int]) -> None:
    """Proves: a replica has at least its GPUs, and no more than the nodes it touches have.
    Sensitivity: rounding down would give a replica of 3 GPUs only 2.
    """
    for size, aside in gpus_set_aside(sizes, gpus_per_node).items():
        assert size <= aside <= -(-size // gpus_per_node) * gpus_per_node


@pytest.mark.parametrize(
    ("sizes", "gpus_per_node", "expected"),
    [
        ([1, 2, 4, 8], 8, {1: 1, 2: 2, 4: 4, 8: 8}),
        ([3], 6, {3: 3}),
        ([2, 3], 6, {2: 2, 3: 6}),
        ([3], 8, {3: 4}),
        ([5], 8, {5: 8}),
        ([9], 8, {9: 16}),
        ([1, 3], 9, {1: 1, 3: 3}),
    ],
)
def test_sizes_are_kept_where_they_nest(sizes: list[int], gpus_per_node: int, expected: dict[int, int]) -> None:
    """Proves: sizes that divide one another and the node cost nothing extra; others round up to a power of two.
    Sensitivity: always rounding to powers of two would set aside 4 of 6 GPUs for a replica of 3.
    """
    assert dict(gpus_set_aside(sizes, gpus_per_node)) == expected


def test_three_gpu_replicas_pay_for_four(build: Build) -> None:
    """Proves: two replicas of 3 GPUs fill a node of 8, and the plan says that GPUs were set aside.
    Sensitivity: five replicas counted as 15 GPUs would be given two nodes, 48 USD instead of 72.
    """
    asked = build.workload(rps=5.0)
    plan = optimize(build.scenario(asked, [build.rate("c", 1.0, gpus=3)], [build.line("rent", "Ax8")]), SolveOptions(0))
    assert plan.objective_usd == pytest.approx(72.0)
    assert {p.node_gpus_per_replica for p in plan.placements} == {4}
    assert "replicas of 3 GPUs set aside 4 GPUs on Ax8 nodes" in plan.provenance.assumptions
