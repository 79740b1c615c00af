"""Does a prefill throughput profile support a rate: the TTFT at that rate, run forward."""

from __future__ import annotations

import math

from fleetopt.catalog.domain import PrefillProfile
from fleetopt.verify.curves import NEAR, Unsupported, leave_one_out, pchip
from fleetopt.verify.queueing import sojourn_s
from fleetopt.verify.support import Case, Finding, stated, within
from fleetopt.verify.tally import RELATIVE

_QUANTILE_TOLERANCE = 1e-4
"""An M/D/1 percentile has no closed form; the plan's may come from another series or root search."""


class PrefillSupport:
    """Prefill as a queue per data-parallel group (Li et al., arXiv 2603.04716, eqs 9-13, and DistServe's M/D/1).

    With TPmax slowed by the margin, L uncached tokens a prompt and dp groups: D = dp L / TPmax, lam = rate / dp,
    TTFT = sojourn(lam, D) + overhead + transfer x input tokens. Without a promised TTFT only rate <= TPmax / L.
    """

    tpot_floor_s = 0.0

    def __init__(self, case: Case, profile: PrefillProfile) -> None:
        workload = case.workload
        self._workload, self._profile = workload, profile
        self._groups = max(case.candidate.config.data_parallel, 1)
        uncached = workload.input_tokens * (1.0 - workload.prefix_cache_hit_rate)
        per_request_s = uncached * case.slow / largest_throughput(profile, workload.input_tokens)
        self._service_s = self._groups * per_request_s
        self._overhead_s = workload.ttft_overhead_s + workload.kv_transfer_s_per_token * workload.input_tokens

    @property
    def ttft_floor_s(self) -> float:
        return self._ttft_s(0.0)

    @property
    def errors(self) -> tuple[float | None, ...]:
        """How well the measured lengths foretell one another."""
        points = sorted((point.input_tokens, point.tokens_per_s) for point in self._profile.points)
        return (leave_one_out([math.log(length) for length, _ in points], [rate for _, rate in points], pchip),)

    def findings(self, capacity_rps: float, batch: float | None) -> list[Finding]:
        del batch  # prefill replicas serve prompts one by one
        promise = self._workload.ttft
        if promise is None:
            return [within(capacity_rps * self._service_s / self._groups, 1.0, "prefill: busy fraction")]
        by_series = self._workload.queue == "md1" and promise.percentile is not None
        allowed = _QUANTILE_TOLERANCE if by_series else RELATIVE
        what = f"TTFT {stated(promise)} at {capacity_rps:.6g} requests/s:"
        return [within(self._ttft_s(capacity_rps), promise.limit_s, what, allowed)]

    def _ttft_s(self, rate_rps: float) -> float:
        promise, queue = self._workload.ttft, self._workload.queue
        percentile = None if promise is None else promise.percentile
        return sojourn_s(queue, rate_rps / self._groups, self._service_s, percentile) + self._overhead_s


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
