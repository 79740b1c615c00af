"""A case of which every style is worked out by hand. A period is 90 days: a node at 1 USD/h costs 2160 USD."""

from __future__ import annotations

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from tests.oracle import build

EXACT = SolveOptions(gap=0.0)
NODE = 2160.0


def phases(rps: float = 2.25) -> Scenario:
    """Three GPU types, a GPU a node. Requests/s of a replica, and USD/h of a node:

    | GPU | prefill | decode | aggregated | price |
    | A100-80G | 1 | 1 | 0.25 | 1 |
    | H100 | 2 | 1 | - | 1.5 |
    | H100-capped | - | 1 | - | 1.2 |
    """
    candidates = [
        build.rate("pa", 1.0, "prefill", gpu="A100-80G"),
        build.rate("da", 1.0, "decode", gpu="A100-80G"),
        build.rate("aa", 0.25, gpu="A100-80G"),
        build.rate("ph", 2.0, "prefill", gpu="H100"),
        build.rate("dh", 1.0, "decode", gpu="H100"),
        build.rate("dc", 1.0, "decode", gpu="H100-capped"),
    ]
    lines = [build.line("a", "A100-80Gx1", 1.0), build.line("h", "H100x1", 1.5), build.line("c", "H100-cappedx1", 1.2)]
    return build.scenario([build.workload("chat", rps)], candidates, lines)
