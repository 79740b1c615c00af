"""The profiles of scenarios/splitwise, made anew from the shipped measurements: what its README says, as code.

Decode beyond the measured context of 576 tokens, with batch b, KV bytes per token k, g GPUs of memory bandwidth m:

    tpot(c, b) = tpot(576, b) + 2 b (c - 576) k / (g m)

Mixed machines, by the rule of splitwise-sim (an iteration with a prompt takes 1.1 times the prompt's time, and gives
every request in flight a token), at R requests/s with B in flight, prompt times S = 1.1 T over the mix:

    TPOT = 1 / (R + (1 - R E[S]) / tpot(c, B))      B = R L_out TPOT
    TTFT = E[S] + R E[S^2] / (2 (1 - R E[S])) + (1 - R E[S]) tpot(c, B) / 2
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from fleetopt.catalog.domain import Candidate, DecodePoint, DecodeProfile, GpuType, Llm, PrefillProfile
from fleetopt.scenario.domain import LengthBin

MEASURED_AT = 576.0
CONTEXTS = (1024, 2048, 4096)
KV_READS = 2.0
MIXED = 1.1
BATCHES = (1, 2, 4, 8, 16, 32, 48, 64)

Curve = list[tuple[float, float]]


def between(curve: Curve, x: float) -> float:
    """On the straight line between two points; that of the first before it."""
    if x <= curve[0][0]:
        return curve[0][1]
    right = min(bisect_right([point[0] for point in curve], x), len(curve) - 1)
    (x0, y0), (x1, y1) = curve[right - 1], curve[right]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def longer(point: DecodePoint, context: float, one: Candidate, llm: Llm, gpu: GpuType) -> float:
    """TPOT at a context beyond the measured one."""
    read = point.batch * (context - MEASURED_AT) * llm.card.kv_bytes_per_token
    return point.tpot_s + KV_READS * read / (one.config.gpus_per_replica * gpu.memory_bandwidth_gb_s * 1e9)


def decode_rows(llm: Llm, gpus: dict[str, GpuType]) -> Iterator[tuple[str, int, float, float]]:
    """(config, context, batch, TPOT in ms), those of contexts that were not measured."""
    for one in llm.candidates:
        if isinstance(one.profile, DecodeProfile):
            for context in CONTEXTS:
                for point in one.profile.points:
                    tpot_s = longer(point, context, one, llm, gpus[one.config.gpu_type])
                    yield one.config.name, context, point.batch, 1000.0 * tpot_s


def curves(llm: Llm, config: str, context: float, gpus: dict[str, GpuType]) -> tuple[Curve, Curve]:
    """Prompt time over length, and TPOT over batch at a context, of one config."""
    prompt: Curve = []
    token: Curve = []
    for one in llm.candidates:
        if one.config.name == config and isinstance(one.profile, PrefillProfile):
            prompt = sorted((p.input_tokens, p.input_tokens / p.tokens_per_s) for p in one.profile.points)
        if one.config.name == config and isinstance(one.profile, DecodeProfile):
            at = {p.batch: longer(p, context, one, llm, gpus[one.config.gpu_type]) for p in one.profile.points}
            token = sorted(at.items())
    return prompt, token


def mixed_rows(prompt: Curve, token: Curve, mix: tuple[LengthBin, ...]) -> Iterator[tuple[float, float, float, float]]:
    """(concurrency, rate in requests/s, TTFT in ms, TPOT in ms) of a machine that does both phases."""
    output = sum(one.share * one.output_tokens for one in mix)
    service = [(one.share, MIXED * between(prompt, one.input_tokens)) for one in mix]
    first, second = sum(share * s for share, s in service), sum(share * s * s for share, s in service)
    for batch in BATCHES:
        if batch > token[-1][0]:
            continue
        step = between(token, batch)
        # B = R L TPOT with TPOT as above, solved for R.
        rate = (batch / step) / (output - batch + batch * first / step)
        free = 1.0 - rate * first
        if not 0.0 < free < 1.0:
            continue
        tpot = 1.0 / (rate + free / step)
        ttft = first + rate * second / (2.0 * free) + free * step / 2.0
        yield rate * (ttft + output * tpot), rate, 1000.0 * ttft, 1000.0 * tpot
