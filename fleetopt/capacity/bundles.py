"""Bundles: what a replica group of GPUs gives several models at once, each within its SLO.

*Colocated* models are all resident. Prefills go one at a time, before any decode; decode steps share what is left
(MuxServe's estimator, `muxserve`). With lam_j requests/s of S_j seconds of prefill, rho = sum lam_j E[S_j]:

    step_i = T_i(B_i) + phi sum_(j != i) T_j(B_j)          phi the interference; 1 is: steps take turns
    TPOT_i = step_i / (1 - rho),   B_i = lam_i L_i TPOT_i  (Little), the least such B
    TTFT_i = overhead + max_j step_j + wait + S_i          a running step is not broken off (Fuhrmann-Cooper 1985)
    sum_j (weights_j + KV_j) + n 2 GiB a GPU  <=  90 % of memory

*Swapped* models lie in host memory. One request at a time has the group to itself, and each loads its weights first:

    X_i = load_i + S_i + L_i T_i(1),  load_i = weights_i / (GPUs link);  TTFT_i = overhead + wait over X + load_i + S_i
    max_j (weights_j + KV_j) + 2 GiB a GPU <= 90 % of memory;  sum_j weights_j <= the group's part of host memory

*Spatial* members run side by side, each on the share of the GPUs' compute that its profiles were measured on, slower by
kappa where it is not alone, as if the group were its own but for memory:

    sum_i share_i <= 1;  S_i, T_i times 1 + kappa;  TPOT_i = T_i(B_i) / (1 - lam_i E[S_i])
    TTFT_i = overhead + T_i(B_i) + wait behind its own + S_i;  memory as of colocated ones

The wait is `waiting`'s, at the SLO's statistic; TPOT at the mean. T is the profile's at the mean context, KV_j what the
mean batch or the longest request takes, whichever is more, at the card's bytes and never more than the config states;
sum KV_j also what running requests take at a percentile (`crowding`), since who finds memory full waits.
Nothing is credited for a model whose weights are still there, nor for batching on a swapped one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

from fleetopt.capacity.crowding import Kind as Running
from fleetopt.capacity.crowding import deviations, slope_s, variance
from fleetopt.capacity.curves import Curve
from fleetopt.capacity.waiting import Job, Queue
from fleetopt.catalog.domain import Candidate, ServingConfig
from fleetopt.catalog.memory import BYTES_PER_GIB, USABLE_SHARE
from fleetopt.scenario.bundling import Bundling, Spatial, Swapping
from fleetopt.scenario.domain import Workload

Kind: TypeAlias = Literal["colocated", "swapped", "spatial"]

ENGINE_BYTES = 2.0 * BYTES_PER_GIB
"""Activations, graphs and buffers of one engine on one GPU."""

ROUNDS = 200
SETTLED = 1e-8

WHOLE_GPU = 1.0 + 1e-9
"""What shares may add up to: thirds are not exact in a computer."""


@dataclass(frozen=True, eq=False)
class Member:
    """A workload under a serving config, as a bundle asks about it. Token counts are of one request."""

    workload: Workload
    config: ServingConfig
    evidence: Candidate
    prefill: Job
    stay: tuple[tuple[float, float], ...]
    tpot: Curve
    slower: float
    kept_tokens: float
    longest_tokens: float
    most_tokens: float
    weights_bytes: float
    kv_bytes_per_token: float
    error: float | None
    notes: tuple[str, ...]

    @cached_property
    def most_batch(self) -> float:
        """The largest batch that was measured and that the config says it holds."""
        return min(self.tpot.last, self.most_tokens / self.kept_tokens)

    @cached_property
    def slowest_s(self) -> float:
        """The TPOT that is promised, if any."""
        return math.inf if self.workload.tpot is None else self.workload.tpot.limit_s

    def step_s(self, batch: float) -> float:
        """A decode step; a batch below the smallest measured one takes no less."""
        return self.tpot.at(max(batch, self.tpot.first)) * self.slower

    def kv_bytes(self, batch: float) -> float:
        """KV memory of a mean batch, and at least of the longest request."""
        return self.kv_bytes_per_token * max(batch * self.kept_tokens, self.longest_tokens)

    @property
    def kept_bytes(self) -> float:
        """KV memory of a request."""
        return self.kv_bytes_per_token * self.kept_tokens

    def keeps(self, ttft_s: float, tpot_s: float) -> bool:
        promised = self.workload.ttft
        return (promised is None or ttft_s <= promised.limit_s) and tpot_s <= self.slowest_s


@dataclass(frozen=True, slots=True)
class Group:
    """So many GPUs of a type, with their part of the host memory that their node has for weights."""

    gpus: int
    gpu_bytes: float
    host_bytes: float = 0.0

    def room_bytes(self, engines: int) -> float:
        """For weights and KV, beside so many engines."""
        return self.gpus * (USABLE_SHARE * self.gpu_bytes - engines * ENGINE_BYTES)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a member has of a group at its rate: mean running requests, latencies, bytes of memory."""

    rps: float
    batch: float
    ttft_s: float
    tpot_s: float
    memory_bytes: float


def judged(
    kind: Kind, members: Sequence[Member], rates: Sequence[float], group: Group, allowed: Bundling
) -> tuple[Outcome, ...] | None:
    """What each member has when all come at their rates; None where a promise or memory is broken."""
    if kind == "colocated":
        return _colocated(members, rates, group.room_bytes(len(members)), allowed.interference)
    if kind == "spatial":
        return _spatial(members, rates, group, allowed.spatial) if allowed.spatial is not None else None
    return _swapped(members, rates, group, allowed.swapping) if allowed.swapping is not None else None


def _colocated(
    members: Sequence[Member], rates: Sequence[float], room: float, interference: float
) -> tuple[Outcome, ...] | None:
    queue = Queue(tuple((rps, one.prefill) for rps, one in zip(rates, members, strict=True)))
    left = 1.0 - queue.busy
    if left <= 0.0 or sum(one.weights_bytes + one.kv_bytes(0.0) for one in members) > room:
        return None
    batches = _settled(members, rates, left, interference)
    if batches is None:
        return None
    varies = _varies(members, rates, batches, interference)
    if not _fits(members, batches, varies, room):
        return None
    bytes_of = [one.weights_bytes + one.kv_bytes(batch) for one, batch in zip(members, batches, strict=True)]
    steps = _steps(members, batches, interference)
    found = []
    for one, rps, batch, step, used in zip(members, rates, batches, steps, bytes_of, strict=True):
        percentile = one.workload.ttft.percentile if one.workload.ttft is not None else None
        ttft_s = one.workload.ttft_overhead_s + max(steps) + queue.sojourn_s(one.prefill, percentile)
        if not one.keeps(ttft_s, step / left):
            return None
        found.append(Outcome(rps, batch, ttft_s, step / left, used))
    return tuple(found)


def _spatial(
    members: Sequence[Member], rates: Sequence[float], group: Group, how: Spatial
) -> tuple[Outcome, ...] | None:
    """Each as on a group of its own, at its share's speed, in what all have of memory."""
    if sum(one.config.gpu_share for one in members) > WHOLE_GPU:
        return None
    room = group.room_bytes(len(members))
    found: list[Outcome] = []
    varies = 0.0
    for one, rps in zip(members, rates, strict=True):
        slowed = beside(one, how) if len(members) > 1 else one
        outcomes = _colocated((slowed,), (rps,), room, 0.0)
        if outcomes is None:
            return None
        found += outcomes
        varies += _varies((slowed,), (rps,), (outcomes[0].batch,), 0.0)
    return tuple(found) if _fits(members, [out.batch for out in found], varies, room) else None


def _varies(members: Sequence[Member], rates: Sequence[float], batches: Sequence[float], interference: float) -> float:
    """The variance of the KV memory of all running requests, in square bytes."""
    own = [slope_s(one.tpot, batch) * one.slower for one, batch in zip(members, batches, strict=True)]
    slopes = [[slope * (1.0 if i == j else interference) for j, slope in enumerate(own)] for i in range(len(own))]
    each = zip(members, rates, batches, _steps(members, batches, interference), strict=True)
    running = [
        Running(
            weight=one.kept_bytes,
            rps=rps,
            prefill_s=one.prefill.mean_s,
            prefill_s2=one.prefill.second_s2,
            tokens=one.workload.output_tokens,
            batch=batch,
            step_s=step,
        )
        for one, rps, batch, step in each
    ]
    return variance(running, slopes)


def _fits(members: Sequence[Member], batches: Sequence[float], varies: float, room: float) -> bool:
    """Whether memory holds weights and KV: of the mean batches and longest requests, and of requests as they vary."""
    pairs = list(zip(members, batches, strict=True))
    promised = [one.workload.ttft.percentile if one.workload.ttft is not None else None for one in members]
    crowded = sum(one.kept_bytes * batch for one, batch in pairs) + deviations(promised) * math.sqrt(varies)
    kept = max(crowded, sum(one.kv_bytes(batch) for one, batch in pairs))
    return sum(one.weights_bytes for one in members) + kept <= room


def beside(one: Member, how: Spatial) -> Member:
    """A member as slow as it is beside others."""
    longer = 1.0 + how.slowdown
    parts = tuple((share, longer * s) for share, s in one.prefill.parts)
    return replace(one, prefill=Job(parts, one.prefill.exponential), slower=longer * one.slower)


def _settled(members: Sequence[Member], rates: Sequence[float], left: float, interference: float) -> list[float] | None:
    """The least batches that make the tokens, from below; None where a batch or a TPOT grows beyond its limit."""
    batches = [0.0] * len(members)
    for _ in range(ROUNDS):
        tpots = [step / left for step in _steps(members, batches, interference)]
        grown = [rps * one.workload.output_tokens * t for one, rps, t in zip(members, rates, tpots, strict=True)]
        for one, batch, tpot_s in zip(members, grown, tpots, strict=True):
            if batch > one.most_batch or tpot_s > one.slowest_s:
                return None
        if all(new <= old * (1.0 + SETTLED) for new, old in zip(grown, batches, strict=True)):
            return grown
        batches = grown
    return None


def _steps(members: Sequence[Member], batches: Sequence[float], interference: float) -> list[float]:
    own = [one.step_s(batch) for one, batch in zip(members, batches, strict=True)]
    return [step + interference * (sum(own) - step) for step in own]


def _swapped(
    members: Sequence[Member], rates: Sequence[float], group: Group, how: Swapping
) -> tuple[Outcome, ...] | None:
    room = group.room_bytes(1)
    if sum(one.weights_bytes for one in members) > group.host_bytes:
        return None
    if any(one.weights_bytes + one.kv_bytes(0.0) > room for one in members):
        return None
    loads = [one.weights_bytes / (group.gpus * how.host_link_bytes_per_s) for one in members]
    entries = [_later(one.prefill, load) for one, load in zip(members, loads, strict=True)]
    stays = [_whole(one, load) for one, load in zip(members, loads, strict=True)]
    queue = Queue(tuple(zip(rates, stays, strict=True)))
    if queue.busy >= 1.0:
        return None
    found = []
    for one, rps, entry in zip(members, rates, entries, strict=True):
        percentile = one.workload.ttft.percentile if one.workload.ttft is not None else None
        sojourn_s = queue.sojourn_s(entry, percentile)
        ttft_s, tpot_s = one.workload.ttft_overhead_s + sojourn_s, one.step_s(1.0)
        if not one.keeps(ttft_s, tpot_s):
            return None
        batch = rps * one.workload.output_tokens * tpot_s
        found.append(Outcome(rps, batch, ttft_s, tpot_s, one.weights_bytes + one.kv_bytes(0.0)))
    return tuple(found)


def _later(job: Job, load_s: float) -> Job:
    return Job(tuple((share, load_s + s) for share, s in job.parts), job.exponential)


def _whole(one: Member, load_s: float) -> Job:
    """Loading, prefill and all decode steps of a request, alone on the group."""
    step_s = one.step_s(1.0)
    parts = zip(one.prefill.parts, one.stay, strict=True)
    return Job(
        tuple((share, load_s + s + tokens * step_s) for (share, s), (_, tokens) in parts), one.prefill.exponential
    )
