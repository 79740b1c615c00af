"""Operating points of aggregated serving at fixed lengths, as curves over the logarithm of the concurrency."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL, running_maximum
from fleetopt.capacity.decode_curves import NOTED_REPAIR
from fleetopt.capacity.lengths import covers, is_same
from fleetopt.capacity.pchip import Pchip
from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile
from fleetopt.scenario.domain import Workload


@dataclass(frozen=True, slots=True)
class Series:
    """Mean TTFT (s), mean TPOT (s) and rate (requests/s) in a closed loop, at one pair of lengths.

    The latencies are made non-decreasing. The rate is as measured: it may fall when a replica is overloaded.
    """

    input_tokens: float
    output_tokens: float
    ttft: Pchip
    tpot: Pchip
    rate: Pchip
    notes: tuple[str, ...]

    @classmethod
    def through(cls, lengths: tuple[float, float], points: Iterable[AggregatedPoint]) -> Series:
        rows = _slowest_by_concurrency(points)
        logs = [math.log(row.concurrency) for row in rows]
        ttft, ttft_change = running_maximum(row.ttft_s for row in rows)
        tpot, tpot_change = running_maximum(row.tpot_s for row in rows)
        change = max(ttft_change, tpot_change)
        note = (
            f"latencies of aggregated serving at {lengths[0]:g} + {lengths[1]:g} tokens are raised by up to"
            f" {change:.1%} so that they grow with the concurrency"
        )
        return cls(
            *lengths,
            Pchip.through(logs, ttft),
            Pchip.through(logs, tpot),
            Pchip.through(logs, [row.rate_rps for row in rows]),
            (note,) if change > NOTED_REPAIR else (),
        )

    @property
    def first(self) -> float:
        """The smallest measured concurrency."""
        return math.exp(self.rate.first)

    @property
    def last(self) -> float:
        return math.exp(self.rate.last)

    def ttft_at(self, concurrency: float) -> float:
        return self.ttft.at(self._log(concurrency))

    def tpot_at(self, concurrency: float) -> float:
        return self.tpot.at(self._log(concurrency))

    def rate_at(self, concurrency: float) -> float:
        """Requests/s. Below the smallest measured concurrency: its latency, and the rate that follows (Little)."""
        return self.rate.at(self._log(concurrency)) * min(1.0, concurrency / self.first)

    def best_concurrency(self, most: float) -> float:
        """The concurrency up to `most` with the largest rate, the larger one of equals."""
        stops = [math.exp(log) for log in self.rate.xs]
        return max((*(stop for stop in stops if stop < most), most), key=lambda c: (self.rate_at(c), c))

    def smallest_concurrency(self, rate_rps: float) -> float | None:
        """The smallest concurrency with so large a rate; None when no measured one has it."""
        rates = self.rate.ys
        if rate_rps <= rates[0]:
            return self.first * rate_rps / rates[0]
        reached, _ = running_maximum(rates)
        i = bisect_left(reached, rate_rps * (1.0 - EQUAL))
        if i == len(rates):
            return None
        if rates[i] <= rate_rps:
            return math.exp(self.rate.xs[i])
        return math.exp(last_at_most(self.rate.at, self.rate.xs[i - 1], self.rate.xs[i], rate_rps))

    def _log(self, concurrency: float) -> float:
        """Where to read the curves: at the smallest measured concurrency for anything below it."""
        return max(self.rate.first, math.log(concurrency)) if concurrency > 0.0 else self.rate.first


def series_of(profile: AggregatedProfile) -> tuple[Series, ...]:
    """One series for each pair of lengths, in rising order of lengths."""

    def lengths(point: AggregatedPoint) -> tuple[float, float]:
        return point.input_tokens, point.output_tokens

    points = sorted(profile.points, key=lengths)
    return tuple(Series.through(pair, group) for pair, group in groupby(points, key=lengths))


def is_exact(series: Series, workload: Workload) -> bool:
    return is_same(workload.input_tokens, series.input_tokens) and is_same(workload.output_tokens, series.output_tokens)


def is_covering(series: Series, workload: Workload) -> bool:
    return covers(series.input_tokens, workload.input_tokens) and covers(series.output_tokens, workload.output_tokens)


def _slowest_by_concurrency(points: Iterable[AggregatedPoint]) -> list[AggregatedPoint]:
    slowest: dict[float, AggregatedPoint] = {}
    for point in sorted(points, key=lambda p: (p.concurrency, -p.rate_rps, p.ttft_s, p.tpot_s)):
        slowest[point.concurrency] = point
    return list(slowest.values())
