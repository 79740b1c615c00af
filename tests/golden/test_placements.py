"""DistServe's and MuxServe's styles on their shipped scenarios, as the scenarios' first lines say."""

from __future__ import annotations

import pytest

import fleetopt
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles import STYLES
from fleetopt.study.styles.comparison import compare_styles

BY_NAME = {style.name: style for style in STYLES}
NODE_USD = 27.4471 * 720
"""A node of eight A100 for the month."""


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("distserve", {"distserve-low": 3, "distserve-high": 8, "all": 3}),
        ("distserve/fast.yaml", {"distserve-low": 3, "distserve-high": 2, "all": 2}),
    ],
)
def test_where_prefill_and_decode_go(name: str, nodes: dict[str, int]) -> None:
    """Proves: pairs in three nodes, whatever the network; apart two nodes on 800 Gb/s. On 25 Gb/s a prefill replica's
    quarter of the link is 0.647 requests/s of 1.21e9 bytes, so that sixteen take 32 GPUs, and decode as much: 8 nodes.
    Sensitivity: a style that left the other placement in would have the same cost in both rows.
    """
    scenario = fleetopt.load(fleetopt.load("distserve").path.parent / "fast.yaml" if "/" in name else name)
    styles = [BY_NAME[style] for style in nodes if style != "all"]
    rows = compare_styles(scenario, Resolver(fleetopt.SolveOptions(gap=1e-4)), styles=styles).rows
    assert all(row.verified for row in rows)
    assert {row.name: row.usd for row in rows} == pytest.approx({n: count * NODE_USD for n, count in nodes.items()})


def test_what_it_costs_that_no_gpu_is_shared() -> None:
    """Proves: a group for each of the 22 models costs what the scenario says, verified as a plan of the scenario.
    Sensitivity: sharing left in would come to 94 029.
    """
    fleet = BY_NAME["unshared"].find(fleetopt.load("long-tail"), Resolver(fleetopt.SolveOptions(gap=1e-3)))
    assert fleet.plan is not None
    assert not fleet.broken
    assert fleet.plan.objective_usd == pytest.approx(139_309, abs=1.0)
    assert {p.bundle for p in fleet.plan.placements} == {"colocated"}
