"""Does a decode profile support a rate at a batch: TPOT and KV memory, run forward."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from fleetopt.catalog.domain import DecodePoint, DecodeProfile, GpuType, ModelCard, ServingConfig
from fleetopt.scenario.domain import Speculation, Workload
from fleetopt.verify.curves import (
    NEAR,
    Curve,
    Unsupported,
    leave_one_out,
    never_falling,
    nine_in_ten,
    pchip,
    quadratic,
)
from fleetopt.verify.queueing import number_found, waiting
from fleetopt.verify.support import Case, Finding, reached, stated, within
from fleetopt.verify.tally import RELATIVE
from fleetopt.verify.triangles import Triangles, are_scattered

_USABLE_MEMORY = 0.9
_CLOSE = 1e-6
_NOT_FOR_KV_GIB = 2.0
_UNFILLED_TOKENS = 8.0
"""Half of a page of 16 tokens, which the last page of a request leaves empty on average."""

_BYTES_PER_PARAMETER = {"fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5625, "mxfp4": 0.5625}
_BYTES_OF_BF16 = 2.0

Points = tuple[Sequence[float], Sequence[float]]


class DecodeSupport:
    """Decode at a batch b: TPOT(b) within the SLO and b / TPOT(b) tokens/s (Li et al., arXiv 2603.04716, section 3.2).

    rate = b / (TPOT(b) x slow x output tokens). At a percentile p the requests that one finds there, with itself, must
    still be measured, fit in KV memory and keep TPOT within the limit (`number_found`). A mean TPOT is with the wait
    of those that come when KV memory is full (`waiting`).
    """

    ttft_floor_s = 0.0

    def __init__(self, case: Case, profile: DecodeProfile) -> None:
        workload = case.workload
        self._case = case
        self._profile, self._context = profile, _average_in_decode(workload, 0.5)
        batches, fitted = _fitted(profile, self._context, workload.decode_fit)
        self._smallest, self._largest = batches[0], batches[-1]
        slow = case.slow * _time_per_token(workload.speculation)
        self._tpot_s: Curve = lambda batch: fitted(batch) * slow
        self._kv_tokens = kv_tokens(case.candidate.config, case.card, case.gpu)

    @property
    def tpot_floor_s(self) -> float:
        """The least TPOT of the curve; a parabola may dip below its first measured batch."""
        steps = (self._smallest * step / 16.0 for step in range(17))
        return min(map(self._tpot_s, (*steps, self._largest)))

    @property
    def kept_tokens(self) -> float:
        """KV memory that a request is given, in tokens."""
        return _average_in_decode(self._case.workload, 1.0) + _UNFILLED_TOKENS

    def step_s(self, batch: float) -> float:
        """TPOT at a batch, below the smallest measured one as there."""
        return self._tpot_s(min(max(batch, self._smallest), self._largest))

    def slope_s(self, batch: float) -> float:
        """By how much TPOT rises for one request more, taken over two millionths of the batch."""
        low, high = batch * (1.0 - _CLOSE), min(batch * (1.0 + _CLOSE), self._largest)
        return (self.step_s(high) - self.step_s(low)) / (high - low) if high > low else 0.0

    @property
    def errors(self) -> tuple[float | None, ...]:
        """How well the points around the context foretell one another."""
        if are_scattered(self._profile.points):
            return (_surface_error(self._profile.points),)
        grid = _by_context(self._profile)
        around = {
            min((context for context in grid if context >= self._context), default=max(grid)),
            max((context for context in grid if context <= self._context), default=min(grid)),
        }
        known = [leave_one_out(*grid[context], pchip) for context in around]
        return (max((error for error in known if error is not None), default=None),)

    def findings(self, capacity_rps: float, batch: float | None, replicas: int = 1) -> list[Finding]:  # noqa: ARG002
        if batch is None or batch <= 0:
            raise Unsupported("no batch is stated, so no TPOT can be computed")
        if batch > self._largest * (1.0 + 1e-6):
            return self.fits(batch, "batch")
        tpot_s = self.step_s(batch)
        if tpot_s <= 0:
            raise Unsupported(f"the fitted TPOT at batch {batch:g} is not above zero")
        output_tokens = max(self._case.workload.output_tokens, 1e-12)
        rate = reached(batch / tpot_s / output_tokens, capacity_rps, f"requests/s at batch {batch:.6g}:")
        return [rate, *self.fits(batch, "batch"), *self._promise(batch)]

    def _made(self, batch: float) -> float:
        """Tokens/s of so many requests."""
        return batch / self.step_s(batch)

    def _waited_s(self, batch: float) -> float:
        """By the token made, the wait of those that come when KV memory, of which more was measured, is full."""
        room = self._kv_tokens / self.kept_tokens
        if room >= self._largest:
            return 0.0
        rate = self._made(batch)
        return waiting(self._made, int(room * (1.0 + RELATIVE)), rate) / rate

    def fits(self, batch: float, what: str) -> list[Finding]:
        """Within what was measured and what KV memory holds."""
        tokens = batch * self.kept_tokens
        return [
            within(batch, self._largest, f"{what}, of the largest measured:"),
            within(tokens, self._kv_tokens, f"tokens in KV memory at {what} {batch:.6g}:"),
        ]

    def _promise(self, batch: float) -> list[Finding]:
        promise = self._case.workload.tpot
        if promise is None:
            return []
        if promise.percentile is None:
            tpot_s = self.step_s(batch) + self._waited_s(batch)
            return [within(tpot_s, promise.limit_s, f"TPOT {stated(promise)} at batch {batch:.6g}:")]
        crowded = number_found(self._made, self._largest, self._made(batch), promise.percentile)
        if crowded > self._largest:
            return [within(crowded, self._largest, f"{promise.at} of the batch, of the largest measured:")]
        tpot_s = self.step_s(crowded)
        what = f"TPOT {stated(promise)} at batch {batch:.6g}, {crowded:g} at {promise.at}:"
        return [*self.fits(crowded, f"{promise.at} of the batch"), within(tpot_s, promise.limit_s, what)]


def _average_in_decode(workload: Workload, made: float) -> float:
    """Mean length of the requests in decode when each has made a fraction `made` of its output.

    Who is there is found in proportion to the steps it stays for, one per output token.
    """
    steps = [(one.share * one.output_tokens, one) for one in workload.mix]
    return sum(weight * (one.input_tokens + made * one.output_tokens) for weight, one in steps) / sum(
        weight for weight, _ in steps
    )


def _time_per_token(speculation: Speculation | None) -> float:
    """Steps per token: with k guesses kept with probability a each, (1 - a) / (1 - a^(k+1)), times the longer step."""
    if speculation is None:
        return 1.0
    a, k = speculation.acceptance, speculation.draft_tokens
    steps = 1.0 / (k + 1) if a == 1.0 else (1.0 - a) / (1.0 - a ** (k + 1))
    return steps * (1.0 + speculation.step_overhead)


def _fitted(profile: DecodeProfile, context_tokens: float, fit: str) -> tuple[Sequence[float], Curve]:
    """TPOT over the batch at a context, with the batches between which it is known."""
    if are_scattered(profile.points):
        return Triangles(profile.points).curve(context_tokens)
    batches, times = tpot_points(profile, context_tokens)
    return batches, _parabola(batches, times) if fit == "quadratic" else pchip(batches, times)


def _surface_error(points: Sequence[DecodePoint]) -> float | None:
    """At most 32 points, evenly chosen, each foretold by the triangles of all others where these reach it."""
    points = sorted(points, key=lambda point: (point.context_tokens, point.batch))
    off = []
    for i in range(0, len(points), math.ceil(len(points) / 32)):
        try:
            batches, curve = Triangles([*points[:i], *points[i + 1 :]]).curve(points[i].context_tokens)
        except Unsupported:
            continue
        if batches[0] <= points[i].batch <= batches[-1]:
            off.append(abs(curve(points[i].batch) / points[i].tpot_s - 1.0))
    return nine_in_ten(off)


def tpot_points(profile: DecodeProfile, context_tokens: float) -> Points:
    """TPOT over batch at a mean context: linear between the two measured contexts around it."""
    grid = _by_context(profile)
    contexts = sorted(grid)
    if context_tokens > contexts[-1] * (1.0 + NEAR):
        raise Unsupported(f"a mean context of {context_tokens:g} tokens; the longest measured is {contexts[-1]:g}")
    held = min(max(context_tokens, contexts[0]), contexts[-1])
    if held in grid:
        return grid[held]
    above = next(context for context in contexts if context > held)
    below = contexts[contexts.index(above) - 1]
    return _between(grid[below], grid[above], (held - below) / (above - below))


def _by_context(profile: DecodeProfile) -> dict[float, Points]:
    curves: dict[float, dict[float, float]] = defaultdict(dict)
    for point in sorted(profile.points, key=lambda point: point.batch):
        curves[point.context_tokens][point.batch] = point.tpot_s
    return {context: (list(curve), never_falling(curve.values())) for context, curve in curves.items()}


def _between(low: Points, high: Points, weight: float) -> Points:
    first, last = max(low[0][0], high[0][0]), min(low[0][-1], high[0][-1])
    batches = [batch for batch in sorted({*low[0], *high[0]}) if first <= batch <= last]
    if not batches:
        raise Unsupported("the measured contexts around the workload's share no batch")
    at_low, at_high = pchip(*low), pchip(*high)
    return batches, [(1.0 - weight) * at_low(batch) + weight * at_high(batch) for batch in batches]


def kv_tokens(config: ServingConfig, card: ModelCard, gpu: GpuType) -> float:
    """Tokens whose KV fits in a replica: as stated, else 90 % of its memory less 2 GiB a GPU and the weights.

    Where each GPU keeps a copy of its group's KV, only one GPU's free memory counts for each group.
    """
    if config.max_kv_tokens is not None:
        return config.max_kv_tokens
    memory = config.gpus_per_replica * (gpu.memory_gib * _USABLE_MEMORY - _NOT_FOR_KV_GIB) * 2.0**30
    weights = card.parameters_b * 1e9 * _BYTES_PER_PARAMETER.get(config.precision, _BYTES_OF_BF16)
    copies = config.gpus_per_replica / config.data_parallel if card.kv_replicated_per_gpu else 1.0
    return max(0.0, (memory - weights) / copies) / max(card.kv_bytes_per_token, 1e-12)


UNFIT = 0.25
"""A parabola that misses a measurement by more than this, or falls somewhere, says nothing about the replica."""


def _parabola(batches: Sequence[float], times: Sequence[float]) -> Curve:
    """The least-squares parabola where it describes the points, else the monotone cubic through them."""
    if len(batches) < 3:
        return pchip(batches, times)
    fitted = quadratic(batches, times)
    close = all(abs(fitted(b) / t - 1.0) <= UNFIT for b, t in zip(batches, times, strict=True))
    low, high = batches[0], batches[-1]
    step = 1e-6 * (high - low)
    rising = fitted(low + step) >= fitted(low) and fitted(high) >= fitted(high - step)
    return fitted if close and rising else pchip(batches, times)
