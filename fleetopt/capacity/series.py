"""Operating points of aggregated serving at fixed lengths, as curves over the concurrency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from fleetopt.capacity.chords import Chords
from fleetopt.capacity.closed_loop import ROOT, ClosedLoop
from fleetopt.capacity.curves import running_maximum
from fleetopt.capacity.decode_curves import NOTED_REPAIR
from fleetopt.capacity.left_out import misses, typical_worst
from fleetopt.capacity.lengths import covers, is_same
from fleetopt.catalog.domain import AggregatedPoint, AggregatedProfile
from fleetopt.scenario.domain import Workload


@dataclass(frozen=True, slots=True)
class MeasuredTail:
    """A latency (s) that the fraction `percentile` of requests kept, over the concurrency, made non-decreasing."""

    what: Literal["ttft", "tpot"]
    percentile: float
    curve: Chords


@dataclass(frozen=True, slots=True)
class Series:
    """Mean TTFT (s), mean TPOT (s) and rate (requests/s) in a closed loop, at one pair of lengths.

    The latencies are made non-decreasing. The rate is as measured: it may fall when a replica is overloaded. `tails`
    are the percentiles that every point has, `error` how well rate and TPOT are known (`left_out`).
    """

    input_tokens: float
    output_tokens: float
    ttft: Chords
    tpot: Chords
    rate: ClosedLoop
    tails: tuple[MeasuredTail, ...]
    error: float | None
    notes: tuple[str, ...]

    @classmethod
    def through(cls, lengths: tuple[float, float], points: Iterable[AggregatedPoint]) -> Series:
        rows = _slowest_by_concurrency(points)
        ttft, ttft_change = running_maximum(row.ttft_s for row in rows)
        tpot, tpot_change = running_maximum(row.tpot_s for row in rows)
        change = max(ttft_change, tpot_change)
        note = (
            f"latencies of aggregated serving at {lengths[0]:g} + {lengths[1]:g} tokens are raised by up to"
            f" {change:.1%} so that they grow with the concurrency"
        )
        loads = [row.concurrency for row in rows]
        return cls(
            *lengths,
            Chords.through(loads, ttft, power=ROOT),
            Chords.through(loads, tpot, power=ROOT),
            _loop(rows),
            _tails(rows),
            _error(rows),
            (note,) if change > NOTED_REPAIR else (),
        )

    @property
    def first(self) -> float:
        """The smallest measured concurrency."""
        return self.ttft.first

    @property
    def last(self) -> float:
        return self.ttft.last

    def tail(self, what: Literal["ttft", "tpot"], percentile: float | None) -> Chords | None:
        """The measured latency at the smallest percentile that is at least `percentile`."""
        if percentile is None:
            return None
        return next((tail.curve for tail in self.tails if tail.what == what and tail.percentile >= percentile), None)

    def held(self, concurrency: float) -> float:
        """Where to read the curves: at the smallest measured concurrency for anything below it."""
        return max(self.first, concurrency)

    def rate_at(self, concurrency: float) -> float:
        """Requests/s. Below the smallest measured concurrency: its latency, and the rate that follows (Little)."""
        return self.rate.at(self.held(concurrency)) * min(1.0, concurrency / self.first)

    def best_concurrency(self, most: float) -> float:
        """The concurrency up to `most` with the largest rate, the larger one of equals."""
        return most if most <= self.first else self.rate.best(most)

    def smallest_concurrency(self, rate_rps: float) -> float | None:
        """The smallest concurrency with so large a rate; None when no measured one has it."""
        lowest = self.rate.rates[0]
        return self.first * rate_rps / lowest if rate_rps <= lowest else self.rate.smallest(rate_rps)


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


def _loop(rows: list[AggregatedPoint]) -> ClosedLoop:
    return ClosedLoop.through(
        [row.concurrency for row in rows], [row.rate_rps for row in rows], [row.ttft_s for row in rows]
    )


def _tails(rows: list[AggregatedPoint]) -> tuple[MeasuredTail, ...]:
    """The percentiles that every point has, in rising order."""
    measured = [{(tail.what, tail.percentile): tail.latency_s for tail in row.tails} for row in rows]
    shared = sorted(set(measured[0]).intersection(*measured[1:]))
    loads = [row.concurrency for row in rows]
    values = {key: running_maximum(tails[key] for tails in measured)[0] for key in shared}
    return tuple(MeasuredTail(*key, Chords.through(loads, values[key], power=ROOT)) for key in shared)


def _error(rows: list[AggregatedPoint]) -> float | None:
    """How well rate and TPOT are known, whichever is known less well: a capacity rests on both."""
    loads = [row.concurrency for row in rows]

    def rate(i: int, others: tuple[int, ...]) -> float:
        return _loop([rows[j] for j in others]).at(loads[i])

    def tpot(i: int, others: tuple[int, ...]) -> float:
        raised, _ = running_maximum(rows[j].tpot_s for j in others)
        return Chords.through([loads[j] for j in others], raised, power=ROOT).at(loads[i])

    by_rate = typical_worst(misses(len(rows), rate, [row.rate_rps for row in rows]))
    by_tpot = typical_worst(misses(len(rows), tpot, [row.tpot_s for row in rows]))
    return None if by_rate is None or by_tpot is None else max(by_rate, by_tpot)
