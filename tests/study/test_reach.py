"""Why nothing can serve a workload is told of the configs that come nearest to it."""

from __future__ import annotations

import pytest

from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile, Candidate
from fleetopt.errors import Infeasible
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.study.once import optimize
from fleetopt.units import Latency
from tests.oracle import build


def aggregated(name: str, tpot_s: float, tokens: float = build.INPUT) -> Candidate:
    """Measured at four requests at once and more."""
    points = tuple(AggregatedPoint(tokens, build.OUTPUT, n, n / 20.0, 0.1, tpot_s * n / 4.0) for n in (4.0, 8.0))
    profile = AggregatedProfile(points, build.SOURCE)
    return build.candidate(profile, name, "aggregated", gpus=1, gpu="A", model="m", precision="fp8")


def test_the_nearest_of_each_kind_is_named() -> None:
    """Proves: of decode's floors the lowest is told, and of aggregated serving the least that was measured at lengths
    like the workload's; what is faster at shorter ones is not.
    Sensitivity: the first by name would make 60 ms and 90 ms look like limits where 35 ms can be had.
    """
    candidates = [
        *(build.decode("d1", (1, 0.06), (2, 0.08)), build.decode("d2", (1, 0.02), (2, 0.03))),
        *(build.decode("d3", (1, 0.03), (2, 0.04)), build.prefill("p", 1e6)),
        *(aggregated("a1", 0.09), aggregated("a2", 0.035), aggregated("a3", 0.05), aggregated("a0", 0.02, 10.0)),
    ]
    asked = build.workload("chat", tpot=Latency(0.01))
    with pytest.raises(Infeasible) as stop:
        optimize(build.scenario([asked], candidates, [build.line("l", "Ax1")]), SolveOptions())
    (reason,) = stop.value.reasons
    assert reason.startswith("chat: no allowed config can serve it (")
    assert "d2/decode: no number of replicas brings TPOT (mean) below 20 ms" in reason
    assert "a2/aggregated: TPOT (mean) is 0.035 s at the smallest measured concurrency" in reason
    assert reason.count("is promised") == 2
