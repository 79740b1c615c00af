"""Packing by groups is first-fit decreasing, replica by replica."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.verify.packing import first_fit_decreasing


def _one_by_one(replicas: Counter[int], gpus_per_node: int) -> int:
    nodes: list[int] = []
    whole = 0
    for size in sorted(replicas.elements(), reverse=True):
        if size >= gpus_per_node:
            whole += -(-size // gpus_per_node)
            continue
        fitting = next((i for i, free in enumerate(nodes) if free >= size), None)
        if fitting is None:
            nodes.append(gpus_per_node - size)
        else:
            nodes[fitting] -= size
    return whole + len(nodes)


@given(st.dictionaries(st.integers(1, 20), st.integers(0, 30)), st.integers(1, 16))
def test_groups_pack_as_single_replicas_do(replicas: dict[int, int], gpus_per_node: int) -> None:
    counted = Counter(replicas)
    assert first_fit_decreasing(counted, gpus_per_node) == _one_by_one(counted, gpus_per_node)


@pytest.mark.parametrize(
    ("replicas", "nodes"),
    [
        ({}, 0),
        ({8: 3}, 3),
        ({12: 1}, 2),
        ({5: 2, 3: 2}, 2),
        ({6: 1, 4: 1}, 2),
        ({3: 3}, 2),
        ({1: 10**15}, 125 * 10**12),
    ],
)
def test_replicas_fill_so_many_nodes_of_eight(replicas: dict[int, int], nodes: int) -> None:
    assert first_fit_decreasing(Counter(replicas), 8) == nodes
