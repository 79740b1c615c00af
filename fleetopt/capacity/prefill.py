"""Prefill: how many prompts per second one replica turns around within a promised TTFT.

    budget = TTFT - overhead,   overhead = ttft_overhead_s + kv_transfer_s_per_token * L_in
    mu     = TPmax(L_in) / (groups * L),   L = L_in (1 - prefix cache hit rate)
    capacity_rps = groups * max_rate(mu, budget),   TP_P = capacity_rps * L

For M/M/1, the mean TTFT and one group this is TP_P = TPmax - L / (TTFT - overhead)  (Li et al., arXiv 2603.04716,
eq. 13). Each data-parallel group is a queue of its own, so that two groups of half the speed carry less than one.
No number of replicas brings TTFT below overhead + floor(mu).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fleetopt.capacity.domain import AtLoad, Capacity, NotCarriedError, or_rejection
from fleetopt.capacity.left_out import cubic_error
from fleetopt.capacity.lengths import effective_input, is_same
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.queueing import QUEUE_MODELS, QueueModel
from fleetopt.catalog.domain import Candidate, PrefillProfile
from fleetopt.scenario.domain import Workload

FULL_THROUGHPUT = "no TTFT is promised: prefill is planned at 100 % of its throughput"


@dataclass(frozen=True, slots=True)
class PrefillCurve:
    """TPmax (input tokens/s, no queueing) over the logarithm of the prompt length."""

    curve: Pchip

    @classmethod
    def of(cls, profile: PrefillProfile) -> PrefillCurve:
        points = sorted((point.input_tokens, point.tokens_per_s) for point in profile.points)
        return cls(Pchip.through([math.log(length) for length, _ in points], [rate for _, rate in points]))

    def at(self, prompt: float) -> tuple[float, tuple[str, ...]]:
        """TPmax at a prompt length, with what was assumed.

        A prompt shorter than all that were measured is given the time of the shortest: less work never takes longer.

        Raises:
            NotCarriedError: the prompt is longer than every measured one, or the only length measured is another.
        """
        shortest, longest = math.exp(self.curve.first), math.exp(self.curve.last)
        nearest = min(max(prompt, shortest), longest)
        if is_same(prompt, nearest):
            return self.curve.at(math.log(nearest)), ()
        if prompt > longest or len(self.curve.xs) == 1:
            raise NotCarriedError("outside-profile", _outside(prompt, shortest, longest))
        note = f"prefill of {prompt:g} tokens is given the time of {shortest:g}, the shortest prompt measured"
        return self.curve.ys[0] * prompt / shortest, (note,)


@dataclass(frozen=True, slots=True)
class PrefillLoad:
    """TTFT at a load: each group receives its share of the requests."""

    mu: float
    groups: int
    overhead_s: float
    queue: QueueModel
    promised: bool
    percentile: float | None

    def at(self, rps: float) -> AtLoad:
        if not self.promised:
            return AtLoad(None, None)
        return AtLoad(self.overhead_s + self.queue.sojourn_s(rps / self.groups, self.mu, self.percentile), None)

    @property
    def floor_s(self) -> float:
        return self.overhead_s + self.queue.floor_s(self.mu, self.percentile)

    def max_rps(self, limit_s: float) -> float:
        return self.groups * self.queue.max_rate(self.mu, limit_s - self.overhead_s, self.percentile)


@or_rejection
def prefill_capacity(workload: Workload, candidate: Candidate, curve: PrefillCurve, *, slowdown: float) -> Capacity:
    """The capacity of a prefill replica whose measured throughput is divided by 1 + `slowdown`."""
    tokens = effective_input(workload)
    measured, assumptions = curve.at(workload.input_tokens)
    raw = measured / (1.0 + slowdown)
    load = _load(workload, candidate, raw / tokens)
    rps = load.groups * load.mu if workload.ttft is None else _within(load, workload.ttft.limit_s, workload.ttft.at)
    return Capacity(
        workload=workload.name,
        candidate=candidate,
        raw_tokens_per_s=raw,
        slo_tokens_per_s=rps * tokens,
        capacity_rps=rps,
        batch=None,
        binds="throughput" if workload.ttft is None else "ttft",
        ttft_floor_s=load.floor_s,
        assumptions=(*assumptions, FULL_THROUGHPUT) if workload.ttft is None else assumptions,
        model=load,
        error=cubic_error(curve.curve),
    )


def _load(workload: Workload, candidate: Candidate, rps: float) -> PrefillLoad:
    groups = candidate.config.data_parallel
    return PrefillLoad(
        mu=rps / groups,
        groups=groups,
        overhead_s=workload.ttft_overhead_s + workload.kv_transfer_s_per_token * workload.input_tokens,
        queue=QUEUE_MODELS[workload.queue],
        promised=workload.ttft is not None,
        percentile=workload.ttft.percentile if workload.ttft is not None else None,
    )


def _within(load: PrefillLoad, limit_s: float, at: str) -> float:
    rps = load.max_rps(limit_s)
    if rps <= 0.0:
        reason = f"no number of replicas brings TTFT ({at}) below {load.floor_s:.3g} s, and {limit_s:g} s is promised"
        raise NotCarriedError("ttft-floor", reason, load.floor_s)
    return rps


def _outside(prompt: float, shortest: float, longest: float) -> str:
    measured = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    return f"prefill of {prompt:g} input tokens is outside the measured lengths ({measured})"
