"""DOPD's ratio (`drain_fill`) for a workload on one prefill and one decode config, from their profiles.

    held  =  floor(min(KV tokens / (L_in + L_out / 2), largest batch measured, largest batch with TPOT <= limit))
    drain =  held / (L_out TPOT(held)),   fill = 1 / (time of one prompt on an idle replica)

DOPD (arXiv 2511.20982) holds what KV memory has room for. Beyond the batches that were measured nothing is known of
TPOT, and a batch past the promised TPOT is none that anybody may run, so that either may hold fewer: `held_by` says
which. Queues, percentiles, spares and headroom for bursts are no part of the formula.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import NotCarriedError
from fleetopt.capacity.drain_fill import drain_rps, requests_held
from fleetopt.capacity.lengths import mean_context
from fleetopt.capacity.memory import kv_memory
from fleetopt.capacity.prefill import PrefillCurve, idle_rps
from fleetopt.capacity.speculation import stretch
from fleetopt.catalog.domain import Candidate, DecodeProfile, GpuType, ModelCard, PrefillProfile
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.end_to_end import enough

HeldBy: TypeAlias = Literal["kv_memory", "tpot", "profile_end"]

NO_CURVE = "what {name} carries is stated as a rate, which tells neither requests held nor the time of a prompt"


@dataclass(frozen=True, slots=True)
class Drain:
    """What a full decode replica holds and sends off."""

    held: int
    held_by: HeldBy
    tpot_s: float
    rps: float


def drain_of(workload: Workload, decode: Candidate, card: ModelCard, gpu: GpuType, slower: float) -> Drain | str:
    """What a decode replica drains whose steps take `slower` times as long as profiled, or why there is no telling."""
    if not isinstance(decode.profile, DecodeProfile):
        return NO_CURVE.format(name=decode.config.name)
    try:
        tpot, _ = DecodeCurves.of(decode.profile).at(mean_context(workload), workload.decode_fit)
    except NotCarriedError as stop:
        return stop.reason
    slower *= stretch(workload.speculation)[0]
    tokens = kv_memory(decode.config, card, gpu).tokens
    room = requests_held(tokens, workload.input_tokens, workload.output_tokens)
    limits = [one.limit_s for one in (workload.tpot, *workload.further_tpot) if one is not None]
    ttfts = [one for one in (workload.ttft, *workload.further_ttft) if one is not None]
    ways = [enough(whole, ttfts, workload.output_tokens) for whole in workload.e2e]
    limits += [max(one.limit_s for one in some) for some in ways if some]
    in_time = min((tpot.largest_at_most(one / slower) or 0.0 for one in limits), default=tpot.last)
    if min(room, in_time) < 1.0:
        return f"a replica of {decode.config.name} holds no request within the SLO"
    held = math.floor(min(room, in_time))
    end: HeldBy = "tpot" if in_time < tpot.last else "profile_end"
    tpot_s = tpot.at(min(max(held, tpot.first), tpot.last)) * slower
    rps = drain_rps(held, workload.output_tokens, tpot_s)
    return Drain(held, "kv_memory" if room <= in_time else end, tpot_s, rps)


def fill_of(workload: Workload, prefill: Candidate, slower: float) -> float | str:
    """Requests/s that a prefill replica sends on which never rests, or why there is no telling."""
    if not isinstance(prefill.profile, PrefillProfile):
        return NO_CURVE.format(name=prefill.config.name)
    try:
        return idle_rps(workload, prefill, PrefillCurve.of(prefill.profile), slower)
    except NotCarriedError as stop:
        return stop.reason
