"""Decode: how many output tokens per second one replica makes while each request keeps its TPOT.

    b* = largest mean batch with TPOT(b) (1 + slowdown) <= limit and b (L_in + L_out + page / 2) <= KV tokens
    TP_D = b* / (TPOT(b*) (1 + slowdown)),   capacity_rps = TP_D / L_out

(Li et al., arXiv 2603.04716, section on decode throughput). TPOT is read at the mean context L_in + L_out / 2; a mix of
lengths counts by how long its requests stay (`lengths`). KV memory is handed out in pages, the last one of a request
half empty on average. Beyond the largest measured batch nothing is known and nothing is assumed.

Where KV memory is full, requests wait for it: at a mean TPOT that is promised, what waits on average is spread over
the tokens that are made meanwhile, TPOT(b) + E[waiting] / rate (`occupancy`), so that no rate is promised at which the
queue for memory grows without end.

At a percentile p the number of requests in a replica varies (`occupancy`): the rate is the largest at which one that
comes finds at most floor(b*) - 1 others with probability p, and the batch is the one that makes so much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import accumulate

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL, Curve
from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import AtLoad, Binds, Capacity, NotCarriedError, or_rejection
from fleetopt.capacity.lengths import mean_context, mean_reserved
from fleetopt.capacity.memory import HALF_A_PAGE, KvMemory
from fleetopt.capacity.occupancy import Crowd
from fleetopt.capacity.speculation import stretch
from fleetopt.capacity.throughput import CURVES, best_batch, smallest_batch, tokens_per_s
from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

_SHORT_OF_FULL = 1e-9
"""By this fraction less than a full memory lets it make, a replica still has a queue of some length."""

_WORTH_SAYING = 1e-3
"""A batch that is smaller by less than this fraction is not said to be held by memory."""

_MUCH = 0.05
"""By how much more a token takes than the mean batch says, before that is said."""


@dataclass(frozen=True, slots=True)
class DecodeLoad:
    """TPOT at a load: that of the smallest batch which makes the tokens, or of a percentile of the occupancy.

    `room` is the requests that KV memory holds, where others would wait for it and the mean is promised.
    """

    tpot: Curve
    slower: float
    output_tokens: float
    percentile: float | None
    room: int | None = None

    def at(self, rps: float, replicas: int = 1) -> AtLoad:  # noqa: ARG002 - each carries its own
        batch = smallest_batch(self.tpot, rps * self.output_tokens * self.slower)
        if batch is None:
            return AtLoad(None, math.inf)
        if self.percentile is not None:
            batch = _crowd(self.tpot).number_at(rps * self.output_tokens * self.slower, self.percentile)
        if batch > self.tpot.last:
            return AtLoad(None, math.inf)
        waited_s = _waited_s(self.tpot, self.room, rps * self.output_tokens * self.slower)
        return AtLoad(None, (self.tpot.at(max(batch, self.tpot.first)) + waited_s) * self.slower)


@dataclass(frozen=True, slots=True)
class _Limit:
    """The largest mean batch and what keeps it from being larger."""

    batch: float
    binds: Binds
    notes: tuple[str, ...] = ()
    at_percentile: bool = False


@or_rejection
def decode_capacity(
    workload: Workload, candidate: Candidate, curves: DecodeCurves, *, slowdown: float, kv: KvMemory
) -> Capacity:
    """The capacity of a decode replica whose measured TPOT is multiplied by 1 + `slowdown`."""
    tpot, notes = curves.at(mean_context(workload), workload.decode_fit)
    faster, guessed = stretch(workload.speculation)
    slower = (1.0 + slowdown) * faster
    in_memory = _batch_in_memory(workload, candidate, kv)
    limit = _within(workload, _largest(workload, candidate, tpot, slower), in_memory, tpot)
    limit = _waiting(workload, limit, tpot, slower, _room(workload, in_memory, tpot))
    batch = best_batch(tpot, limit.batch)
    rate = tokens_per_s(tpot, batch) / slower
    return Capacity(
        workload=workload.name,
        candidate=candidate,
        raw_tokens_per_s=_raw(tpot, in_memory) / slower,
        slo_tokens_per_s=rate,
        capacity_rps=rate / workload.output_tokens,
        batch=batch,
        binds=limit.binds if batch == limit.batch else "throughput",
        ttft_floor_s=None,
        assumptions=(*notes, *kv.assumptions, *limit.notes, *guessed),
        model=DecodeLoad(
            tpot, slower, workload.output_tokens, _percentile(workload.tpot), _room(workload, in_memory, tpot)
        ),
        error=curves.error(mean_context(workload)),
        doubts=partial(_over_tokens, limit, tpot, slower, batch),
    )


def _percentile(latency: Latency | None) -> float | None:
    return None if latency is None else latency.percentile


def _raw(tpot: Curve, in_memory: float) -> float:
    """Tokens/s at the best measured batch that fits into memory, the latency left aside."""
    most = min(tpot.last, in_memory)
    return tokens_per_s(tpot, best_batch(tpot, most))


def _batch_in_memory(workload: Workload, candidate: Candidate, kv: KvMemory) -> float:
    """Requests whose whole context fits, as if each stood at its full length: engines admit by what may come."""
    per_group = kv.tokens / candidate.config.data_parallel
    longest = workload.longest_tokens + HALF_A_PAGE
    if per_group < longest:
        asked = f"one request of {workload.longest_tokens:g} tokens"
        raise NotCarriedError("kv-memory", f"{asked} does not fit into KV memory for {per_group:.0f}")
    return kv.tokens / (mean_reserved(workload) + HALF_A_PAGE)


def _largest(workload: Workload, candidate: Candidate, tpot: Curve, slower: float) -> float:
    """The largest measured batch that keeps the promised TPOT."""
    if workload.tpot is None:
        return tpot.last
    batch = tpot.largest_at_most(workload.tpot.limit_s / slower)
    if batch is None:
        raise _too_slow(workload.tpot, candidate, tpot.first, tpot.at(tpot.first) * slower)
    return batch


def _too_slow(promise: Latency, candidate: Candidate, batch: float, tpot_s: float) -> NotCarriedError:
    asked = f"{1e3 * promise.limit_s:g} ms is promised"
    if batch <= candidate.config.data_parallel:
        reason = f"no number of replicas brings TPOT ({promise.at}) below {1e3 * tpot_s:.3g} ms, and {asked}"
        return NotCarriedError("tpot-floor", reason, tpot_s)
    reason = f"TPOT is {1e3 * tpot_s:.3g} ms at the smallest measured batch, {batch:g}, and {asked}"
    return NotCarriedError("outside-profile", reason, None)


def _within(workload: Workload, fast: float, in_memory: float, tpot: Curve) -> _Limit:
    mean = _mean_limit(fast, in_memory, tpot)
    percentile = _percentile(workload.tpot)
    if percentile is None:
        return mean
    # A low percentile would allow a mean above what holds the promise at the mean; that is not used.
    batch = smallest_batch(tpot, _crowd(tpot).largest_rate(mean.batch, percentile))
    note = f"TPOT at p{100 * percentile:g}: requests come as a Poisson process and share a decode replica"
    if batch is not None and batch < tpot.first:
        note += f"; with fewer than {tpot.first:g}, the smallest measured batch, TPOT is taken as there"
    fewer = mean.batch if batch is None else min(mean.batch, batch)
    return _Limit(fewer, mean.binds, (*mean.notes, note), at_percentile=True)


def _room(workload: Workload, in_memory: float, tpot: Curve) -> int | None:
    """The requests that KV memory holds, where a mean TPOT is promised and more of them were measured."""
    paced = workload.tpot is not None and workload.tpot.percentile is None
    return math.floor(in_memory * (1.0 + EQUAL)) if paced and in_memory < tpot.last else None


def _waiting(workload: Workload, limit: _Limit, tpot: Curve, slower: float, room: int | None) -> _Limit:
    """The limit, and a smaller batch where those who wait for KV memory would break the mean TPOT."""
    if room is None or workload.tpot is None:
        return limit
    held = _held(tpot, room)
    # Beyond what the memory ever lets a replica make, the queue grows without end.
    wanted = tokens_per_s(tpot, best_batch(tpot, limit.batch))
    most, longest_s = min(wanted, held.last_rate * (1.0 - _SHORT_OF_FULL)), workload.tpot.limit_s / slower
    if most == wanted and _stay_s(tpot, room, most) <= longest_s * (1.0 + EQUAL):
        return limit
    rate = last_at_most(lambda one: _stay_s(tpot, room, one), 0.0, most, longest_s)
    batch = min(limit.batch, smallest_batch(tpot, rate) or limit.batch)
    if batch > limit.batch * (1.0 - _WORTH_SAYING):
        return replace(limit, batch=batch)
    note = f"KV memory holds {room} requests: TPOT is with the wait of those that come when it is full"
    return _Limit(batch, "kv_memory", (*limit.notes, note))


def _over_tokens(limit: _Limit, tpot: Curve, slower: float, batch: float) -> tuple[str, ...]:
    """Where a mean TPOT is held by that of the mean batch: what it is over the tokens of requests as they come, which
    is E[N] / rate by Little's law, if that is much more.
    """
    if limit.binds != "tpot" or limit.at_percentile:
        return ()
    rate = tokens_per_s(tpot, batch)
    mean_s = _crowd(tpot).mean(rate) / rate
    if mean_s <= (1.0 + _MUCH) * tpot.at(max(batch, tpot.first)):
        return ()
    taken = f"is {1e3 * mean_s * slower:.3g} ms" if math.isfinite(mean_s) else "has no limit, as far as was measured"
    return (f"TPOT is that of the mean batch, {batch:.3g}; over the tokens of requests that come at random it {taken}",)


def _stay_s(tpot: Curve, room: int | None, rate: float) -> float:
    """Time per token of the batch that makes `rate` tokens/s, with the wait for KV memory."""
    batch = smallest_batch(tpot, rate)
    assert batch is not None
    return tpot.at(max(batch, tpot.first)) + _waited_s(tpot, room, rate)


def _waited_s(tpot: Curve, room: int | None, rate: float) -> float:
    """The wait for KV memory, by the token."""
    return _held(tpot, room).waiting(rate) / rate if room is not None and rate > 0.0 else 0.0


@lru_cache(maxsize=CURVES)
def _held(tpot: Curve, room: int) -> Crowd:
    """How many requests there are in a replica that lets in no more than KV memory holds."""
    made = (tokens_per_s(tpot, float(batch)) for batch in range(1, room + 1))
    return Crowd.of(accumulate(made, max))


@lru_cache(maxsize=CURVES)
def _crowd(tpot: Curve) -> Crowd:
    """How many requests there are in a replica with a TPOT."""
    return Crowd.of(tokens_per_s(tpot, float(batch)) for batch in range(1, math.floor(tpot.last * (1.0 + EQUAL)) + 1))


def _mean_limit(fast: float, in_memory: float, tpot: Curve) -> _Limit:
    if in_memory < fast:
        return _Limit(in_memory, "kv_memory", _below_measured(in_memory, tpot))
    if fast < tpot.last:
        return _Limit(fast, "tpot")
    return _Limit(fast, "profile_end", (f"decode is not planned beyond batch {fast:g}, the largest measured",))


def _below_measured(batch: float, tpot: Curve) -> tuple[str, ...]:
    if batch >= tpot.first:
        return ()
    return (f"KV memory holds {batch:.3g} requests: TPOT of {tpot.first:g}, the smallest measured batch, is used",)
