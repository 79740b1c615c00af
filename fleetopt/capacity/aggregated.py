"""Aggregated serving: how many requests per second one replica carries while it does prefill and decode together.

Measured operating points of a closed loop give mean TTFT, mean TPOT and the rate at each concurrency. The capacity is
the largest rate up to the largest concurrency at which

    ttft(c) (1 + slowdown) + ttft_overhead_s <= TTFT   and   tpot(c) (1 + slowdown) <= TPOT

A percentile p is read from the measured tail at the smallest percentile from p on that every point has. A profile of
means says little about percentiles: then TTFT is taken as exponential, so that its percentile p is -ln(1 - p) times
its mean, and from p63 down, where that would be less, its mean; and the number of requests in the replica as one that
comes finds it (`occupancy`), as in `decode`. Over a mix of lengths p is at least what the prompts alone make of it: as
many times a TTFT as the prompt at p of the mix is longer than those measured. What long prompts do to others is in no
profile of one pair of lengths, and is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from fleetopt.capacity.chords import Chords
from fleetopt.capacity.curves import EQUAL
from fleetopt.capacity.domain import AtLoad, Binds, Capacity, NotCarriedError, or_rejection
from fleetopt.capacity.occupancy import Crowd
from fleetopt.capacity.queueing import exponential_scale
from fleetopt.capacity.series import Series, is_covering, is_exact
from fleetopt.capacity.service import Part, Service
from fleetopt.capacity.throughput import CURVES
from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency


@dataclass(frozen=True, slots=True)
class AggregatedLoad:
    """Latencies at a load: those of the smallest concurrency with its rate."""

    series: Series
    slower: float
    overhead_s: float
    ttft: Chords
    ttft_scale: float
    tpot: Chords
    occupancy_percentile: float | None

    @classmethod
    def of(cls, series: Series, workload: Workload, slower: float) -> AggregatedLoad:
        ttft_at, tpot_at = (p.percentile if p is not None else None for p in (workload.ttft, workload.tpot))
        ttft, tpot = series.tail("ttft", ttft_at), series.tail("tpot", tpot_at)
        return cls(
            series=series,
            slower=slower,
            overhead_s=workload.ttft_overhead_s,
            ttft=ttft or series.ttft,
            ttft_scale=_tail_scale(series, workload, measured=ttft is not None),
            tpot=tpot or series.tpot,
            occupancy_percentile=None if tpot else tpot_at,
        )

    def at(self, rps: float, replicas: int = 1) -> AtLoad:  # noqa: ARG002 - each carries its own
        concurrency = self.series.smallest_concurrency(rps * self.slower)
        if concurrency is None:
            return AtLoad(math.inf, math.inf)
        return AtLoad(self.ttft_s(concurrency), self._tpot_s(concurrency, rps * self.slower))

    def ttft_s(self, concurrency: float) -> float:
        return self.overhead_s + self.ttft.at(self.series.held(concurrency)) * self.slower * self.ttft_scale

    def _tpot_s(self, concurrency: float, rps: float) -> float:
        if self.occupancy_percentile is not None:
            concurrency = _crowd(self.series).number_at(rps, self.occupancy_percentile)
        return (
            self.tpot.at(self.series.held(concurrency)) * self.slower
            if concurrency <= self.series.last * (1.0 + EQUAL)
            else math.inf
        )

    def largest_for_ttft(self, promise: Latency | None) -> float | None:
        """The largest measured concurrency that keeps the promised TTFT."""
        if promise is None:
            return self.series.last
        return self.ttft.largest_at_most((promise.limit_s - self.overhead_s) / (self.slower * self.ttft_scale))

    def largest_for_tpot(self, promise: Latency | None) -> float | None:
        """The largest measured concurrency that keeps the promised TPOT while so many requests are in."""
        if promise is None:
            return self.series.last
        return self.tpot.largest_at_most(promise.limit_s / self.slower)


@or_rejection
def aggregated_capacity(
    workload: Workload, candidate: Candidate, series: tuple[Series, ...], *, slowdown: float
) -> Capacity:
    """The capacity of an aggregated replica: latencies times, and rates divided by, 1 + `slowdown`.

    A series at the workload's lengths decides where there is one. Otherwise every series with longer requests is a
    lower bound, and the largest of them is taken.
    """
    exact = [one for one in series if is_exact(one, workload)]
    if exact:
        return _capacity(workload, candidate, min(exact, key=lambda one: _distance(one, workload)), slowdown, ())
    found: list[Capacity] = []
    stops: list[NotCarriedError] = []
    for one in (one for one in series if is_covering(one, workload)):
        try:
            found.append(_capacity(workload, candidate, one, slowdown, (_conservative(one),)))
        except NotCarriedError as stop:
            stops.append(stop)
    if found:
        return max(found, key=lambda capacity: capacity.capacity_rps)
    raise min(stops, key=lambda stop: stop.floor_s or math.inf) if stops else _no_series(workload)


def _tail_scale(series: Series, workload: Workload, *, measured: bool) -> float:
    """How many times the TTFT that was measured a TTFT at the promised percentile is."""
    percentile = workload.ttft.percentile if workload.ttft is not None else None
    if percentile is None:
        return 1.0
    scales = [1.0] if measured else [1.0, exponential_scale(percentile)]
    if workload.lengths:
        prompts = Service(tuple(Part(one.share, one.input_tokens) for one in workload.lengths))
        scales.append(prompts.floor_s(percentile) / series.input_tokens)
    return max(scales)


def _distance(series: Series, workload: Workload) -> float:
    off_input = abs(series.input_tokens / workload.input_tokens - 1.0)
    return off_input + abs(series.output_tokens / workload.output_tokens - 1.0)


def _conservative(series: Series) -> str:
    lengths = f"{series.input_tokens:g} + {series.output_tokens:g} tokens"
    return f"aggregated serving was measured at {lengths}, longer than the workload: its rate is taken as a lower bound"


def _no_series(workload: Workload) -> NotCarriedError:
    lengths = f"{workload.input_tokens:g} + {workload.output_tokens:g} tokens"
    return NotCarriedError("outside-profile", f"aggregated serving was not measured at {lengths} or longer")


def _capacity(
    workload: Workload, candidate: Candidate, series: Series, slowdown: float, notes: tuple[str, ...]
) -> Capacity:
    slower = 1.0 + slowdown
    load = AggregatedLoad.of(series, workload, slower)
    most, binds = _largest(workload, candidate, load)
    concurrency = series.best_concurrency(most)
    rps = series.rate_at(concurrency) / slower
    return Capacity(
        workload=workload.name,
        candidate=candidate,
        raw_tokens_per_s=max(series.rate.rates) / slower * workload.tokens_per_request,
        slo_tokens_per_s=rps * workload.tokens_per_request,
        capacity_rps=rps,
        batch=concurrency,
        binds=binds if concurrency == most else "throughput",
        ttft_floor_s=load.ttft_s(series.first),
        assumptions=(*notes, *series.notes, *_assumptions(workload, load, binds)),
        model=load,
        error=series.error,
    )


def _largest(workload: Workload, candidate: Candidate, load: AggregatedLoad) -> tuple[float, Binds]:
    """The largest mean concurrency that keeps both promises, and what keeps it from being larger."""
    by_ttft = load.largest_for_ttft(workload.ttft)
    if by_ttft is None:
        assert workload.ttft is not None
        raise _too_slow("TTFT", workload.ttft, candidate, load.series.first, load.ttft_s(load.series.first))
    by_tpot = load.largest_for_tpot(workload.tpot)
    if by_tpot is None:
        assert workload.tpot is not None
        tpot_s = load.tpot.ys[0] * load.slower
        raise _too_slow("TPOT", workload.tpot, candidate, load.series.first, tpot_s)
    by_tpot, tpot_binds = _mean_within(by_tpot, load), by_tpot < load.series.last
    most = min(by_ttft, by_tpot)
    if by_ttft < load.series.last and by_ttft <= by_tpot:
        return most, "ttft"
    return most, "tpot" if tpot_binds else "profile_end"


def _mean_within(most: float, load: AggregatedLoad) -> float:
    if load.occupancy_percentile is None:
        return most
    rps = _crowd(load.series).largest_rate(most, load.occupancy_percentile)
    concurrency = load.series.smallest_concurrency(rps)
    return most if concurrency is None else min(most, concurrency)


@lru_cache(maxsize=CURVES)
def _crowd(series: Series) -> Crowd:
    """How many requests there are in a replica of a series."""
    return Crowd.of(series.rate_at(float(n)) for n in range(1, math.floor(series.last * (1.0 + EQUAL)) + 1))


def _too_slow(what: str, promise: Latency, candidate: Candidate, concurrency: float, is_s: float) -> NotCarriedError:
    asked = f"{promise.limit_s:g} s is promised"
    if concurrency <= candidate.config.data_parallel:
        reason = f"no number of replicas brings {what} ({promise.at}) below {is_s:.3g} s, and {asked}"
        return NotCarriedError("ttft-floor" if what == "TTFT" else "tpot-floor", reason, is_s)
    reason = f"{what} ({promise.at}) is {is_s:.3g} s at the smallest measured concurrency, {concurrency:g}, and {asked}"
    return NotCarriedError("outside-profile", reason)


def _assumptions(workload: Workload, load: AggregatedLoad, binds: Binds) -> tuple[str, ...]:
    said = []
    if binds == "profile_end":
        last = f"concurrency {load.series.last:g}, the largest measured"
        said.append(f"aggregated serving is not planned beyond {last}")
    if workload.prefix_cache_hit_rate > 0.0:
        said.append("prefix caching is not credited to aggregated serving: its profile was measured without")
    if workload.lengths:
        said.append(MEANS)
    if workload.ttft is not None and workload.ttft.percentile is not None:
        assumed = "a profile of means is given an exponential tail"
        said.append(f"TTFT at {workload.ttft.at}: {assumed if load.ttft is load.series.ttft else _MEASURED}")
    if workload.tpot is not None and workload.tpot.percentile is not None:
        assumed = "requests come as a Poisson process and share an aggregated replica"
        said.append(f"TPOT at {workload.tpot.at}: {assumed if load.tpot is load.series.tpot else _MEASURED}")
    return tuple(said)


MEANS = (
    "aggregated serving sees the means of the mix of lengths: what long prompts do to others is not in its latencies"
)

_MEASURED = "read from the percentiles measured at fixed concurrency"
