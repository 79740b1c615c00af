"""Does a series of aggregated operating points support a rate: TTFT and TPOT there, run forward."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate

from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile
from fleetopt.scenario.domain import LengthBin, Workload
from fleetopt.units import Latency
from fleetopt.verify.curves import NEAR, Curve, Unsupported, between_roots, leave_one_out, never_falling
from fleetopt.verify.numerics import root
from fleetopt.verify.queueing import number_found
from fleetopt.verify.support import Case, Finding, reached, stated, within
from fleetopt.verify.tally import RELATIVE


class Series:
    """Operating points at one pair of lengths over the concurrency, slowed by the margin.

    At a percentile, the measured tail that covers it; where not every point has one, an exponential TTFT, and TPOT at
    the requests that one finds there, with itself (`number_found`).
    """

    def __init__(self, points: list[AggregatedPoint], case: Case) -> None:
        self._points = sorted(points, key=lambda point: point.concurrency)
        self._case, workload = case, case.workload
        self._loads = [point.concurrency for point in self._points]
        self._rates = [point.rate_rps / case.slow for point in self._points]
        self._rate = little(self._points)
        ttft, tpot = (self._tail("ttft", workload.ttft), self._tail("tpot", workload.tpot))
        self._is_exponential, self._is_mean = ttft is None, tpot is None
        self._ttft = self._slowed(ttft or [point.ttft_s for point in self._points])
        self._tpot = self._slowed(tpot or [point.tpot_s for point in self._points])

    @property
    def ttft_floor_s(self) -> float:
        return self._ttft_s(self._loads[0])

    @property
    def tpot_floor_s(self) -> float:
        return self._tpot(self._loads[0])

    @property
    def error(self) -> float | None:
        """What the points say of one another: the worse of their rates and of their mean TPOT."""
        at = range(len(self._loads))
        rates = leave_one_out(self._loads, [p.rate_rps for p in self._points], lambda x, _: little(self._only(x)))
        raised = lambda x, y: between_roots(x, never_falling(y))  # noqa: E731 - a curve from points, as those above
        tpots = leave_one_out(self._loads, [self._points[i].tpot_s for i in at], raised)
        return None if rates is None or tpots is None else max(rates, tpots)

    def findings(self, capacity_rps: float) -> list[Finding]:
        """The promises at the least concurrency whose rate reaches `capacity_rps`."""
        enough = reached(max(self._rates), capacity_rps, "largest requests/s of the series:")
        at = self._first_reaching(capacity_rps) if enough.slack >= -RELATIVE else None
        if at is None:
            return [enough]
        found, workload = [enough], self._case.workload
        if workload.ttft is not None:
            what = f"TTFT {stated(workload.ttft)} at concurrency {at:.6g}:"
            found.append(within(self._ttft_s(at), workload.ttft.limit_s, what))
        return found + self._tpot_findings(at)

    def _only(self, loads: list[float]) -> list[AggregatedPoint]:
        return [point for point in self._points if point.concurrency in loads]

    def _slowed(self, values: list[float]) -> Curve:
        return between_roots(self._loads, [value * self._case.slow for value in never_falling(values)])

    def _tail(self, what: str, promise: Latency | None) -> list[float] | None:
        """The latencies at the least percentile that every point has and that covers the promise."""
        if promise is None or promise.percentile is None:
            return None
        tails = [{t.percentile: t.latency_s for t in point.tails if t.what == what} for point in self._points]
        covering = [p for p in tails[0] if p >= promise.percentile and all(p in each for each in tails)]
        return [each[min(covering)] for each in tails] if covering else None

    def _first_reaching(self, rate_rps: float) -> float:
        """The least concurrency with this rate: proportional to it before the points, one way between two."""
        nearly = rate_rps * (1.0 - RELATIVE)
        index = next(i for i, rate in enumerate(self._rates) if rate >= nearly)
        if index == 0:
            return self._loads[0] * min(rate_rps / self._rates[0], 1.0)
        # A rate that is cut off at the later point is reached before it.
        wanted = min(rate_rps, self._rates[index]) * (1.0 - 1e-12)
        low, high = self._loads[index - 1], self._loads[index]
        return root(lambda load: self._rate(load) / self._case.slow - wanted, low, high)

    def _ttft_s(self, load: float) -> float:
        """The mean, or at p the mean x -ln(1 - p) as of an exponential delay, never less than the mean, nor than in
        proportion to the prompt that a fraction p of a mix is no longer than; the overhead is no part of the tail.
        """
        promise, tail, mix = self._case.workload.ttft, 1.0, self._case.workload.lengths
        if promise is not None and promise.percentile is not None:
            if self._is_exponential:
                tail = max(tail, -math.log1p(-promise.percentile))
            if mix:
                tail = max(tail, longest_of(mix, promise.percentile) / self._points[0].input_tokens)
        return self._ttft(load) * tail + self._case.workload.ttft_overhead_s

    def _made(self, load: float) -> float:
        """Requests/s at a concurrency, before the margin; below the smallest measured one in proportion to it."""
        return self._rate(max(load, self._loads[0])) * min(1.0, load / self._loads[0])

    def _tpot_findings(self, load: float) -> list[Finding]:
        promise = self._case.workload.tpot
        if promise is None:
            return []
        crowded = load
        if promise.percentile is not None and self._is_mean:
            found = number_found(self._made, self._loads[-1], self._made(load), promise.percentile)
            if found > self._loads[-1]:
                return [within(found, self._loads[-1], f"concurrency at {promise.at}, of the largest measured:")]
            crowded = max(found, self._loads[0])
        what = f"TPOT {stated(promise)} at concurrency {crowded:.6g}:"
        return [
            within(crowded, self._loads[-1], "concurrency, of the largest measured:"),
            within(self._tpot(crowded), promise.limit_s, what),
        ]


def little(points: list[AggregatedPoint]) -> Curve:
    """Requests/s over the concurrency: concurrency / time in the system, never beyond the two rates around.

    The time runs between square roots, apart for what comes before the first token and what comes after it, unless
    some rate leaves nothing for the latter.
    """
    loads, rates = [point.concurrency for point in points], [point.rate_rps for point in points]
    whole = [load / rate for load, rate in zip(loads, rates, strict=True)]
    after = [time - point.ttft_s for time, point in zip(whole, points, strict=True)]
    parts = [[point.ttft_s for point in points], after] if min(after) > 0.0 else [whole]
    curves = [between_roots(loads, part) for part in parts]

    def rate(load: float) -> float:
        right = min(bisect_left(loads, load), len(loads) - 1)
        around = rates[max(right - 1, 0)], rates[right]
        if load == loads[right]:
            return rates[right]
        return min(max(load / sum(curve(load) for curve in curves), min(around)), max(around))

    return rate


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

    @property
    def errors(self) -> tuple[float | None, ...]:
        """Those of every series that covers the workload."""
        return tuple(series.error for series in self._series)

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:  # noqa: ARG002
        """Those of the series that supports the rate best."""
        del batch  # the concurrency follows from the rate
        return max((series.findings(capacity_rps) for series in self._series), key=_worst)


def covers(lengths: tuple[float, float], workload: Workload) -> bool:
    """Whether what was measured at these lengths was at least as hard as the workload's, within 1 %."""
    least = 1.0 - NEAR
    return lengths[0] >= workload.input_tokens * least and lengths[1] >= workload.output_tokens * least


def longest_of(mix: Iterable[LengthBin], part: float) -> float:
    """The input tokens that the shortest prompts, `part` of all, do not exceed."""
    by_length = sorted(mix, key=lambda one: one.input_tokens)
    within_part = accumulate(one.share for one in by_length)
    pairs = zip(by_length, within_part, strict=True)
    return next((one.input_tokens for one, share in pairs if share >= part - RELATIVE), by_length[-1].input_tokens)


def _worst(findings: list[Finding]) -> float:
    return min(finding.slack for finding in findings)
