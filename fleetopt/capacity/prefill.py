"""Prefill: how many prompts per second one replica turns around within a promised TTFT.

    budget = TTFT - overhead,   overhead = ttft_overhead_s + kv_transfer_s_per_token * L_in
    mu     = TPmax(L_in) / (groups * L),   L = L_in (1 - prefix cache hit rate)
    capacity_rps = groups * max_rate(mu, budget),   TP_P = capacity_rps * L

For M/M/1, the mean TTFT and one group this is TP_P = TPmax - L / (TTFT - overhead)  (Li et al., arXiv 2603.04716,
eq. 13). Each data-parallel group is a queue of its own, so that two groups of half the speed carry less than one;
in a pool, all groups of n replicas are the servers of one queue, and n replicas carry more than n times one (`pools`).
A mix of lengths makes service vary: 1/mu becomes a distribution (`service`). With the queue md1-pipeline a prompt
passes the config's pipeline stages one after another, 1/mu in each (DistServe, OSDI'24), and only waits for the first.
No number of replicas brings TTFT below overhead + floor(mu).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fleetopt.capacity.domain import AtLoad, Capacity, NotCarriedError, PoolSize, SharedRate, or_rejection
from fleetopt.capacity.left_out import cubic_error
from fleetopt.capacity.lengths import effective_input, is_same, uncached
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.pools import pool_sizes
from fleetopt.capacity.queueing import QUEUE_MODELS, QueueModel
from fleetopt.capacity.service import Part, Service
from fleetopt.catalog.domain import Candidate, PrefillProfile
from fleetopt.scenario.domain import LengthBin, Workload

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
        note = f"prefill of shorter prompts is given the time of {shortest:g} tokens, the shortest measured"
        return self.curve.ys[0] * prompt / shortest, (note,)


@dataclass(frozen=True, slots=True)
class PrefillLoad:
    """TTFT at a load: each group receives its share of the requests, or all of a pool's share one queue."""

    service: Service
    groups: int
    overhead_s: float
    queue: QueueModel
    pooled: bool
    promised: bool
    percentile: float | None

    def at(self, rps: float, replicas: int = 1) -> AtLoad:
        if not self.promised:
            return AtLoad(None, None)
        servers = self._servers(replicas)
        lam = rps * servers / self.groups
        return AtLoad(self.overhead_s + self.queue.sojourn_s(lam, self.service, servers, self.percentile), None)

    @property
    def floor_s(self) -> float:
        return self.overhead_s + self.queue.floor_s(self.service, self.percentile)

    @property
    def busiest_rps(self) -> float:
        """Requests/s of a replica that never rests."""
        return self.groups / self.service.mean_s

    def max_rps(self, limit_s: float, replicas: int = 1) -> float:
        """What each of `replicas` carries."""
        servers = self._servers(replicas)
        rps = self.queue.max_rate(self.service, servers, limit_s - self.overhead_s, self.percentile)
        return rps * self.groups / servers

    def _servers(self, replicas: int) -> int:
        return self.groups * replicas if self.pooled else 1


@or_rejection
def prefill_capacity(workload: Workload, candidate: Candidate, curve: PrefillCurve, *, slowdown: float) -> Capacity:
    """The capacity of a prefill replica whose measured throughput is divided by 1 + `slowdown`."""
    groups = candidate.config.data_parallel
    staged = workload.queue == "md1-pipeline"
    group = _Group(curve, groups * (1.0 + slowdown), candidate.config.pipeline_parallel - 1 if staged else 0)
    service, assumptions = _service(workload, workload.mix, group)
    load = _load(workload, groups, service)
    rps = load.busiest_rps if workload.ttft is None else _within(load, workload.ttft.limit_s, workload.ttft.at)
    tokens = effective_input(workload)
    return Capacity(
        workload=workload.name,
        candidate=candidate,
        raw_tokens_per_s=load.busiest_rps * tokens,
        slo_tokens_per_s=rps * tokens,
        capacity_rps=rps,
        batch=None,
        binds="throughput" if workload.ttft is None else "ttft",
        ttft_floor_s=load.floor_s,
        assumptions=(*assumptions, *_said(workload)),
        model=load,
        pools=_pools(workload, load),
        shared=_shared(workload, group, load),
        error=cubic_error(curve.curve),
    )


def idle_rps(workload: Workload, candidate: Candidate, curve: PrefillCurve, slower: float) -> float:
    """Prompts/s of a replica on which each finds no other before it: its groups over the mean time of a prompt."""
    groups = candidate.config.data_parallel
    service, _ = _service(workload, workload.mix, _Group(curve, groups * slower, 0))
    return groups / service.mean_s


@dataclass(frozen=True, slots=True)
class _Group:
    """A data-parallel group: how many times slower it is than its replica, and its stages beyond the first.

    Throughput is that of a full pipeline, so that a prompt takes as long again in each further stage.
    """

    curve: PrefillCurve
    slower: float
    further_stages: int


def _service(workload: Workload, mix: tuple[LengthBin, ...], group: _Group) -> tuple[Service, tuple[str, ...]]:
    """How long each part of the mix keeps a group busy, with what was assumed, each assumption once."""
    parts: list[Part] = []
    notes: list[str] = []
    for one in mix:
        throughput, said = group.curve.at(one.input_tokens)
        service_s = uncached(one.input_tokens, workload) / throughput * group.slower
        after_s = workload.kv_transfer_s_per_token * one.input_tokens + group.further_stages * service_s
        parts.append(Part(one.share, service_s, after_s))
        notes += said
    return Service(tuple(parts)), tuple(dict.fromkeys(notes))


def _load(workload: Workload, groups: int, service: Service) -> PrefillLoad:
    return PrefillLoad(
        service=service,
        groups=groups,
        overhead_s=workload.ttft_overhead_s,
        queue=QUEUE_MODELS[workload.queue],
        pooled=workload.pooled,
        promised=workload.ttft is not None,
        percentile=workload.ttft.percentile if workload.ttft is not None else None,
    )


def _within(load: PrefillLoad, limit_s: float, at: str) -> float:
    rps = load.max_rps(limit_s)
    if rps <= 0.0:
        reason = f"no number of replicas brings TTFT ({at}) below {load.floor_s:.3g} s, and {limit_s:g} s is promised"
        raise NotCarriedError("ttft-floor", reason, load.floor_s)
    return rps


def _pools(workload: Workload, load: PrefillLoad) -> tuple[PoolSize, ...]:
    if workload.ttft is None or not workload.pooled:
        return ()
    limit_s, peak_rps = workload.ttft.limit_s, max(workload.demand_rps.values()) * (1.0 + workload.headroom)
    return pool_sizes(lambda replicas: load.max_rps(limit_s, replicas), peak_rps)


def _shared(workload: Workload, group: _Group, load: PrefillLoad) -> SharedRate | None:
    """What a group carries of a bucket beside others of its family, the mean TTFT being promised to each.

    Everybody waits E[W] = sum(lam E[S^2]) / (2 (1 - sum(lam E[S]))), over buckets, and it must be at most the
    budget b that the longest prompts leave: sum(lam (E[S^2] + 2 b E[S])) <= 2 b. This is linear, so a bucket takes a
    share lam / r of the group with r = 2 b / (E[S^2] + 2 b E[S]). A percentile is not linear and is not shared.
    """
    if workload.family is None or workload.family.sharing == "none":
        return None
    if workload.ttft is None:
        return SharedRate(load.busiest_rps, AtLoad(None, None))
    if workload.ttft.percentile is not None:
        return None
    try:
        together, _ = _service(workload, workload.family.mix, group)
    except NotCarriedError:
        return None
    longest_s = max(part.service_s + part.after_s for part in together.parts)
    budget_s = workload.ttft.limit_s - load.overhead_s - longest_s
    if budget_s <= 0.0:
        return None
    mean_s = load.service.mean_s
    second = mean_s**2 * (1.0 + load.service.scv)
    rps = load.groups * 2.0 * budget_s / (second + 2.0 * budget_s * mean_s)
    return SharedRate(rps, AtLoad(load.overhead_s + load.service.floor_s(None) + budget_s, None))


def _said(workload: Workload) -> tuple[str, ...]:
    said = [] if workload.ttft is not None else [FULL_THROUGHPUT]
    if workload.pooled:
        said.append("prefill replicas of one config at a site share one queue (M/G/c: Erlang C, Kimura)")
    if workload.lengths and workload.queue != "mg1":
        said.append(f"the {workload.queue} queue sees only the mean service time of the mix of lengths")
    return tuple(said)


def _outside(prompt: float, shortest: float, longest: float) -> str:
    measured = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    return f"prefill of {prompt:g} input tokens is outside the measured lengths ({measured})"
