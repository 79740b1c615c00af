"""Does a stated rate support a capacity: at lengths that cover, and at latencies at least as tight?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from fleetopt.catalog.domain import RatePoint, RateProfile, Role
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency
from fleetopt.verify.curves import Unsupported
from fleetopt.verify.support import Case, Finding, reached

_PERCENTILE_OF_MEAN = 1.0 - 1.0 / math.e
"""Where the mean of an exponential delay lies: a limit kept at this percentile or above is kept at the mean."""


class RateSupport:
    """The largest applicable stated rate, slowed by the margin, bounds the capacity. It says nothing of latencies."""

    ttft_floor_s = 0.0
    tpot_floor_s = 0.0
    errors: tuple[float | None, ...] = ()

    def __init__(self, case: Case, profile: RateProfile) -> None:
        if profile.role != case.candidate.role:
            raise Unsupported(f"its rates are stated for {profile.role}")
        usable = [point.rate_rps for point in profile.points if _applies(point, case.workload, profile.role)]
        if not usable:
            raise Unsupported("no rate is stated at lengths and latencies as hard as the workload's")
        self._rate_rps = max(usable) / case.slow

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:  # noqa: ARG002
        del batch  # a stated rate comes without one
        return [reached(self._rate_rps, capacity_rps, "stated requests/s:")]


def _applies(point: RatePoint, workload: Workload, role: Role) -> bool:
    """Lengths cover the workload's, and each latency that the role has is promised as tightly or tighter."""
    lengths = point.input_tokens >= workload.input_tokens * (1.0 - 1e-9)
    # The output is generated elsewhere; a prefill rate does not depend on it.
    if role != "prefill":
        lengths = lengths and point.output_tokens >= workload.output_tokens * (1.0 - 1e-9)
    return lengths and all(_as_tight(*promise) for promise in _promises(point, workload, role))


def _promises(point: RatePoint, workload: Workload, role: Role) -> Iterator[tuple[float, float | None, Latency | None]]:
    if role != "decode":
        yield point.ttft_s, point.ttft_percentile, workload.ttft
    if role != "prefill":
        yield point.tpot_s, point.tpot_percentile, workload.tpot


def _as_tight(limit_s: float, percentile: float | None, asked: Latency | None) -> bool:
    if asked is None:
        return True
    if percentile is None:
        level_holds = asked.percentile is None
    else:
        level_holds = percentile >= (asked.percentile or _PERCENTILE_OF_MEAN) * (1.0 - 1e-9)
    return level_holds and limit_s <= asked.limit_s * (1.0 + 1e-9)
