"""Stated rates: what somebody says one replica carries, within which latencies, at which lengths.

A row holds for a workload when its requests are at least as long and every latency the workload promises is kept by
a promise of the row that is at least as strict: no larger limit, at the mean for the mean, or at a percentile no
lower. A percentile says nothing about a mean, nor a mean about a percentile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fleetopt.capacity.curves import EQUAL
from fleetopt.capacity.domain import AtLoad, Capacity, NotCarriedError, or_rejection
from fleetopt.capacity.lengths import covers, effective_input, is_same
from fleetopt.catalog.domain import Candidate, RatePoint, RateProfile, Role
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency


@dataclass(frozen=True, slots=True)
class StatedLoad:
    """The stated limits at every load up to the stated one; nothing is known of a larger."""

    ttft_s: float | None
    tpot_s: float | None
    rps: float

    def at(self, rps: float, replicas: int = 1) -> AtLoad:  # noqa: ARG002 - each carries its own
        if rps <= self.rps * (1.0 + 1e-9):
            return AtLoad(self.ttft_s, self.tpot_s)
        return AtLoad(None if self.ttft_s is None else math.inf, None if self.tpot_s is None else math.inf)


@or_rejection
def stated_capacity(workload: Workload, candidate: Candidate, profile: RateProfile, *, slowdown: float) -> Capacity:
    """The largest stated rate that holds for the workload, divided by 1 + `slowdown`."""
    role = candidate.role
    holding = [point for point in profile.points if _holds(workload, role, point)]
    if not holding:
        raise NotCarriedError("outside-profile", f"no stated rate covers {_asked(workload, role)}")
    point = max(holding, key=lambda point: (point.rate_rps, _is_exact(workload, role, point)))
    rps = point.rate_rps / (1.0 + slowdown)
    tokens_per_s = rps * _tokens(workload, role)
    ttft_s = _known(point.ttft_s + _overhead(workload, role)) if role != "decode" else None
    return Capacity(
        workload=workload.name,
        candidate=candidate,
        raw_tokens_per_s=tokens_per_s,
        slo_tokens_per_s=tokens_per_s,
        capacity_rps=rps,
        batch=None,
        binds="stated",
        ttft_floor_s=None,
        assumptions=_assumptions(workload, role, point),
        model=StatedLoad(ttft_s, _known(point.tpot_s) if role != "prefill" else None, rps),
    )


def _holds(workload: Workload, role: Role, point: RatePoint) -> bool:
    ttft = Latency(point.ttft_s + _overhead(workload, role), point.ttft_percentile)
    return (
        (role == "decode" or _keeps(ttft, workload.ttft))
        and (role == "prefill" or _keeps(Latency(point.tpot_s, point.tpot_percentile), workload.tpot))
        and covers(point.input_tokens, workload.input_tokens)
        and (role == "prefill" or covers(point.output_tokens, workload.output_tokens))
    )


def _keeps(stated: Latency, promised: Latency | None) -> bool:
    """Whether a stated latency is at least as strict as the promised one."""
    if promised is None:
        return True
    if (stated.percentile is None) != (promised.percentile is None):
        return False
    strict = (stated.percentile or 0.0) >= (promised.percentile or 0.0)
    return strict and stated.limit_s <= promised.limit_s * (1.0 + EQUAL)


def _overhead(workload: Workload, role: Role) -> float:
    """What the stated TTFT of a replica leaves out of a request's TTFT."""
    sent = workload.kv_transfer_s_per_token * workload.input_tokens if role == "prefill" else 0.0
    return workload.ttft_overhead_s + sent


def _tokens(workload: Workload, role: Role) -> float:
    if role == "prefill":
        return effective_input(workload)
    return workload.output_tokens if role == "decode" else workload.tokens_per_request


def _is_exact(workload: Workload, role: Role, point: RatePoint) -> bool:
    same_output = role == "prefill" or is_same(workload.output_tokens, point.output_tokens)
    return same_output and is_same(workload.input_tokens, point.input_tokens)


def _known(latency_s: float) -> float | None:
    return latency_s if math.isfinite(latency_s) else None


def _assumptions(workload: Workload, role: Role, point: RatePoint) -> tuple[str, ...]:
    said = []
    if not _is_exact(workload, role, point):
        lengths = f"{point.input_tokens:g} + {point.output_tokens:g} tokens"
        said.append(f"the stated rate is for {lengths}, longer than the workload: it is taken as a lower bound")
    if role != "decode" and workload.prefix_cache_hit_rate > 0.0:
        said.append("prefix caching is not credited to a stated rate")
    return tuple(said)


def _asked(workload: Workload, role: Role) -> str:
    promises = {"TTFT": workload.ttft if role != "decode" else None}
    promises["TPOT"] = workload.tpot if role != "prefill" else None
    limits = [f"{what} {promise.limit_s:g} s at {promise.at}" for what, promise in promises.items() if promise]
    return " with ".join([f"{workload.input_tokens:g} + {workload.output_tokens:g} tokens", *limits])
