"""How far demand can grow is tried up to where the answer says that it was."""

from __future__ import annotations

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.report.stretch_views import stretch_headline
from fleetopt.study.resolve import Resolver
from fleetopt.study.stretch import FARTHEST, Limits, Stretch, stretch
from tests.oracle import build

WITHIN = 1e-3


def grown(max_nodes: int | None) -> Stretch:
    """Demand of 0.7 requests/s on nodes that carry one each: tries 512 / 0.7 = 731 times before what is farthest."""
    asked = build.scenario(
        [build.workload("a", 0.7)], [build.rate("c", 1.0)], [build.line("l", "Ax1", max_nodes=max_nodes)]
    )
    return stretch(asked, Limits(), Resolver(SolveOptions(gap=1e-6)), within=WITHIN)


def test_what_ends_between_the_last_doubling_and_the_farthest_is_found() -> None:
    """Proves: 600 nodes serve 600 / 0.7 = 857 times the demand, and a little more is proven to have no plan.
    Sensitivity: twice 731 is past 1024, so that "nothing limits it up to 1024 times" was said of 731.
    """
    found = grown(600)
    (point,) = found.points
    assert point.low == pytest.approx(600 / 0.7, rel=1e-6)
    assert point.high is not None
    assert 600 / 0.7 < point.high <= 600 / 0.7 * (1 + WITHIN) * (1 + 1e-6)
    assert found.complete
    assert "857.1 times all demand can be served, and 85" in stretch_headline(found)


def test_only_what_is_farthest_is_said_to_be_reached() -> None:
    """Proves: without a limit a plan is found for the farthest multiple itself, and no more is claimed.
    Sensitivity: the same sentence about a multiple at which the search merely stopped.
    """
    found = grown(None)
    (point,) = found.points
    assert (point.low, point.high, found.complete) == (FARTHEST, None, True)
    assert stretch_headline(found).endswith("1024 times all demand can be served; nothing limits it up to 1024 times")
    stopped = found.model_copy(update={"points": (point.model_copy(update={"low": 731.4}),), "complete": False})
    assert "731.4 times all demand can be served; no proof was found of what cannot" in stretch_headline(stopped)
