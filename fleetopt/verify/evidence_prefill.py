"""Does a prefill throughput profile support a rate: the TTFT at that rate, run forward."""

from __future__ import annotations

import math

from fleetopt.catalog.domain import PrefillProfile
from fleetopt.scenario.domain import LengthBin
from fleetopt.verify.curves import NEAR, Unsupported, leave_one_out, pchip
from fleetopt.verify.mixes import LATTICE_TOLERANCE, mean_wait_s, ttft_s
from fleetopt.verify.support import Case, Finding, stated, within
from fleetopt.verify.tally import RELATIVE

_QUANTILE_TOLERANCE = 1e-4
"""An M/D/1 percentile has no closed form; the plan's may come from another series or root search."""

_REACH = 1.05
"""How far beyond a promise, as a multiple of it, a percentile is still looked for."""


class PrefillSupport:
    """Prefill as a queue per data-parallel group, or one for all (Li et al., arXiv 2603.04716, eqs 9-13; DistServe).

    With TPmax slowed by the margin, L uncached tokens a prompt and dp groups: D = dp L / TPmax for each length of
    the mix, lam = rate / dp, TTFT = sojourn(lam, D) + overhead + transfer x input tokens. In a pool of n replicas
    lam = n rate at n dp servers. Without a promised TTFT only rate <= dp / D. Under md1-pipeline a prompt spends D in
    each of the config's stages and waits for the first alone.
    """

    tpot_floor_s = 0.0

    def __init__(self, case: Case, profile: PrefillProfile) -> None:
        self._workload, self._profile = case.workload, profile
        self._groups = max(case.candidate.config.data_parallel, 1)
        self.parts = [self._part(case, profile, one) for one in case.workload.mix]
        family = case.workload.family
        self._family = [] if family is None else [self._part(case, profile, one) for one in family.mix]

    @property
    def ttft_floor_s(self) -> float:
        """Of the shortest prompts, which is never above a mean or percentile over all."""
        workload = self._workload
        if not workload.lengths:
            return self._ttft_s(0.0, 1)
        return min(service + delay for _, service, delay in self.parts) + workload.ttft_overhead_s

    @property
    def errors(self) -> tuple[float | None, ...]:
        """How well the measured lengths foretell one another."""
        points = sorted((point.input_tokens, point.tokens_per_s) for point in self._profile.points)
        return (leave_one_out([math.log(length) for length, _ in points], [rate for _, rate in points], pchip),)

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:
        del batch  # prefill replicas serve prompts one by one
        promise = self._workload.ttft
        if promise is None:
            busy = self._mean_s * capacity_rps / self._groups
            return [within(busy, 1.0, "prefill: busy fraction")]
        what = f"TTFT {stated(promise)} at {capacity_rps:.6g} requests/s:"
        return [within(self._ttft_s(capacity_rps, replicas), promise.limit_s, what, self._allowed(replicas))]

    def shared_findings(self, capacity_rps: float) -> list[Finding]:
        """A bucket alone at its rate, taking the whole of a replica that it may share.

        Its wait, lam E[S^2] / (2 (1 - rho)), must leave the longest prompts of the family their own service: then any
        shares of several such buckets do, since lam (E[S^2] + 2 b E[S]) <= 2 b adds up over them.
        """
        workload, promise = self._workload, self._workload.ttft
        if promise is None:
            return self.findings(capacity_rps, None)
        if promise.percentile is not None or workload.family is None:
            raise Unsupported("a replica is shared under a percentile of TTFT, where shares do not add up")
        longest = max(service + delay for _, service, delay in self._family)
        lam = capacity_rps / self._groups
        waited = mean_wait_s(lam, self.parts, 1) if lam * self._mean_s < 1.0 else math.inf
        what = f"TTFT {stated(promise)} of the family's longest prompts at {capacity_rps:.6g} requests/s:"
        return [within(waited + longest + workload.ttft_overhead_s, promise.limit_s, what)]

    @property
    def _mean_s(self) -> float:
        return sum(share * service for share, service, _ in self.parts)

    def _part(self, case: Case, profile: PrefillProfile, one: LengthBin) -> tuple[float, float, float]:
        workload = case.workload
        tokens = max(1.0, one.input_tokens * (1.0 - workload.prefix_cache_hit_rate))
        service_s = self._groups * tokens * case.slow / largest_throughput(profile, one.input_tokens)
        stages = max(case.candidate.config.pipeline_parallel, 1) if workload.queue == "md1-pipeline" else 1
        return one.share, service_s, workload.kv_transfer_s_per_token * one.input_tokens + (stages - 1) * service_s

    def _allowed(self, replicas: int) -> float:
        workload = self._workload
        if workload.ttft is None or workload.ttft.percentile is None:
            return RELATIVE
        if workload.queue == "mg1" and self._servers(replicas) == 1:
            return LATTICE_TOLERANCE
        return RELATIVE if workload.queue == "mm1" else _QUANTILE_TOLERANCE

    def _servers(self, replicas: int) -> int:
        return self._groups * replicas if self._workload.pooled else 1

    def _ttft_s(self, rate_rps: float, replicas: int) -> float:
        workload, servers = self._workload, self._servers(replicas)
        percentile = None if workload.ttft is None else workload.ttft.percentile
        reach_s = _REACH * workload.ttft.limit_s if workload.ttft else math.inf
        lam = rate_rps * servers / self._groups
        waited_s = ttft_s(workload.queue, lam, self.parts, servers, percentile=percentile, reach_s=reach_s)
        return waited_s + workload.ttft_overhead_s


def largest_throughput(profile: PrefillProfile, input_tokens: float) -> float:
    """TPmax (tokens/s) at a prompt length, monotone in log length between measured ones.

    A prompt shorter than any measured one takes as long as the shortest: never optimistic, as time grows with
    length. A longer one is not supported.
    """
    points = sorted(profile.points, key=lambda point: point.input_tokens)
    shortest, longest = points[0], points[-1]
    if input_tokens > longest.input_tokens * (1.0 + NEAR):
        raise Unsupported(f"prompts of {input_tokens:g} tokens; the longest measured has {longest.input_tokens:g}")
    if input_tokens < shortest.input_tokens * (1.0 - NEAR):
        return shortest.tokens_per_s * input_tokens / shortest.input_tokens
    lengths = [math.log(point.input_tokens) for point in points]
    return pchip(lengths, [point.tokens_per_s for point in points])(math.log(input_tokens))
