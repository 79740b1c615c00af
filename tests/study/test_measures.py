"""Figures of plans besides their cost: power is one thing wherever it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.study.measures import largest, measures
from fleetopt.study.once import optimize
from fleetopt.verify.total_power import power_is_kept
from tests.oracle import build


def plated(*node_types: str, offered: tuple[str, ...] = ("Ax1", "Bx1")) -> Scenario:
    """Five requests/s on nodes of A at one each; B is dearer. The named ones have a nameplate of 2 kW."""
    lines = [build.line(name, name, 1.0 + place) for place, name in enumerate(offered)]
    asked = build.scenario([build.workload("a", 5.0)], [build.rate("c", 1.0), build.rate("d", 1.0, gpu="B")], lines)
    nodes = {
        name: replace(node, power_w=2000.0) if name in node_types else node for name, node in asked.node_types.items()
    }
    return replace(asked, node_types=nodes)


@pytest.mark.parametrize(
    ("names", "kw"), [((), 5 * 1.33), (("Ax1",), 10.0), (("Bx1",), 5 * 1.33), (("Ax1", "Bx1"), 10.0)]
)
def test_power_is_what_limits_on_power_count(names: tuple[str, ...], kw: float) -> None:
    """Proves: the kW of a plan are the least cap on power that it keeps, whatever nameplates are stated.
    Sensitivity: with the boards of all GPUs once a node lacks one, 3.5 kW were told of a fleet that needs 10.
    """
    asked = plated(*names)
    plan = optimize(asked, SolveOptions(gap=1e-7))
    assert (measures(asked, plan).power_kw, largest(asked, plan).power_kw) == pytest.approx((kw, kw))
    assert power_is_kept(plan, asked, 1000.0 * kw * (1 + 1e-9)).passed
    assert not power_is_kept(plan, asked, 999.0 * kw).passed


def test_power_does_not_hang_on_what_else_is_offered() -> None:
    """Proves: the same fleet draws the same beside an offer whose node nobody states the draw of, and without it.
    Sensitivity: variants of a sweep over offers could not be compared.
    """
    told = [
        measures(asked, optimize(asked, SolveOptions(gap=1e-7))).power_kw
        for asked in (plated("Ax1"), plated("Ax1", offered=("Ax1",)))
    ]
    assert told == pytest.approx([10.0, 10.0])
