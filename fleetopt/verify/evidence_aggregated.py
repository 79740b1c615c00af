"""Does a series of aggregated operating points support a rate: TTFT and TPOT there, run forward."""

from __future__ import annotations

import math
from collections import defaultdict

from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile
from fleetopt.scenario.domain import Workload
from fleetopt.verify.curves import NEAR, Curve, Unsupported, never_falling, pchip
from fleetopt.verify.numerics import root
from fleetopt.verify.queueing import poisson_quantile
from fleetopt.verify.support import Case, Finding, reached, stated, within
from fleetopt.verify.tally import RELATIVE


class Series:
    """Operating points at one pair of lengths, as curves over log concurrency, slowed by the margin."""

    def __init__(self, points: list[AggregatedPoint], case: Case) -> None:
        points = sorted(points, key=lambda point: point.concurrency)
        self._case = case
        self._x = [math.log(point.concurrency) for point in points]
        self._rates = [point.rate_rps / case.slow for point in points]
        self._rate = pchip(self._x, self._rates)
        self._ttft = self._slowed([point.ttft_s for point in points])
        self._tpot = self._slowed([point.tpot_s for point in points])

    @property
    def ttft_floor_s(self) -> float:
        return self._ttft_s(self._x[0])

    @property
    def tpot_floor_s(self) -> float:
        return self._tpot(self._x[0])

    def findings(self, capacity_rps: float) -> list[Finding]:
        """The promises at the least concurrency whose rate reaches `capacity_rps`."""
        enough = reached(max(self._rates), capacity_rps, "largest requests/s of the series:")
        at = self._first_reaching(capacity_rps) if enough.slack >= -RELATIVE else None
        if at is None:
            return [enough]
        found, workload = [enough], self._case.workload
        if workload.ttft is not None:
            what = f"TTFT {stated(workload.ttft)} at concurrency {math.exp(at):.6g}:"
            found.append(within(self._ttft_s(at), workload.ttft.limit_s, what))
        return found + self._tpot_findings(at)

    def _slowed(self, values: list[float]) -> Curve:
        return pchip(self._x, [value * self._case.slow for value in never_falling(values)])

    def _first_reaching(self, rate_rps: float) -> float:
        """Log of the least concurrency with this rate; the curve is monotone between two points."""
        nearly = rate_rps * (1.0 - RELATIVE)
        index = next(i for i, rate in enumerate(self._rates) if rate >= nearly)
        if index == 0 or self._rates[index] <= rate_rps:
            return self._x[index]
        low, high = self._x[index - 1], self._x[index]
        return root(lambda x: self._rate(x) - rate_rps, low, high)

    def _ttft_s(self, x: float) -> float:
        """The mean, or at p the mean x -ln(1 - p) as of an exponential delay; the overhead is no part of the tail."""
        promise = self._case.workload.ttft
        tail = 1.0 if promise is None or promise.percentile is None else -math.log1p(-promise.percentile)
        return self._ttft(x) * tail + self._case.workload.ttft_overhead_s

    def _tpot_findings(self, x: float) -> list[Finding]:
        promise = self._case.workload.tpot
        if promise is None:
            return []
        concurrency = math.exp(x)
        crowded = concurrency
        if promise.percentile is not None:
            crowded = max(float(poisson_quantile(concurrency, promise.percentile)), math.exp(self._x[0]))
        what = f"TPOT {stated(promise)} at concurrency {crowded:.6g}:"
        return [
            within(crowded, math.exp(self._x[-1]), "concurrency, of the largest measured:"),
            within(self._tpot(math.log(crowded)), promise.limit_s, what),
        ]


class AggregatedSupport:
    """Aggregated serving: some series at lengths that cover the workload's keeps both promises at the rate."""

    def __init__(self, case: Case, profile: AggregatedProfile) -> None:
        points: dict[tuple[float, float], list[AggregatedPoint]] = defaultdict(list)
        for point in profile.points:
            points[point.input_tokens, point.output_tokens].append(point)
        self._series = [Series(rows, case) for lengths, rows in points.items() if covers(lengths, case.workload)]
        if not self._series:
            asked = f"{case.workload.input_tokens:g} in, {case.workload.output_tokens:g} out"
            raise Unsupported(f"no series was measured at {asked} or longer")

    @property
    def ttft_floor_s(self) -> float:
        return min(series.ttft_floor_s for series in self._series)

    @property
    def tpot_floor_s(self) -> float:
        return min(series.tpot_floor_s for series in self._series)

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:  # noqa: ARG002
        """Those of the series that supports the rate best."""
        del batch  # the concurrency follows from the rate
        return max((series.findings(capacity_rps) for series in self._series), key=_worst)


def covers(lengths: tuple[float, float], workload: Workload) -> bool:
    """Whether what was measured at these lengths was at least as hard as the workload's, within 1 %."""
    least = 1.0 - NEAR
    return lengths[0] >= workload.input_tokens * least and lengths[1] >= workload.output_tokens * least


def _worst(findings: list[Finding]) -> float:
    return min(finding.slack for finding in findings)
