"""TPOT over the batch at any context, from curves measured at a few contexts.

At each measured context a monotone cubic runs over the batch. Between two contexts TPOT is linear in the context,
because what a longer context adds to a step is KV cache to read, byte for byte. Longer contexts fit fewer requests,
so neighbouring curves end at different batches: only the batches inside both are used. Points whose contexts hardly
repeat make no curves: they span a surface (`scattered`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from fleetopt.capacity.curves import Curve, Quadratic, running_maximum
from fleetopt.capacity.domain import NotCarriedError
from fleetopt.capacity.left_out import cubic_error
from fleetopt.capacity.lengths import is_same
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.scattered import ScatteredDecode, is_scattered, scattered_error
from fleetopt.catalog.domain import DecodePoint, DecodeProfile
from fleetopt.scenario.domain import DecodeFit

# Below these, repairs and misfits are measurement noise; above, a reader of the plan should know.
NOTED_REPAIR = 0.01
NOTED_MISFIT = 0.10

UNFIT = 0.25
"""A parabola that misses a measurement by more than this is no description of it."""

Notes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextCurve:
    """TPOT (s) over the batch at one measured context, made non-decreasing."""

    context: float
    tpot: Pchip
    notes: Notes

    @classmethod
    def through(cls, context: float, points: Iterable[DecodePoint]) -> ContextCurve:
        slowest: dict[float, float] = {}
        for point in points:
            slowest[point.batch] = max(point.tpot_s, slowest.get(point.batch, 0.0))
        batches = sorted(slowest)
        tpots, change = running_maximum(slowest[batch] for batch in batches)
        noted = f"decode TPOT at {context:g} tokens is raised by up to {change:.1%} so that it grows with the batch"
        return cls(context, Pchip.through(batches, tpots), (noted,) if change > NOTED_REPAIR else ())


@dataclass(frozen=True, slots=True)
class DecodeCurves:
    """The curves of a profile in rising order of context, or the surface of scattered points."""

    curves: tuple[ContextCurve, ...]
    surface: ScatteredDecode | None = None

    @classmethod
    def of(cls, profile: DecodeProfile) -> DecodeCurves:
        if is_scattered(profile.points):
            return cls((), ScatteredDecode(tuple(sorted(profile.points, key=lambda p: (p.context_tokens, p.batch)))))
        points = sorted(profile.points, key=lambda point: point.context_tokens)
        grouped = groupby(points, key=lambda point: point.context_tokens)
        return cls(tuple(ContextCurve.through(context, group) for context, group in grouped))

    def at(self, context: float, fit: DecodeFit) -> tuple[Curve, Notes]:
        """TPOT over the batch at a mean context, fitted as asked, with what was assumed.

        Raises:
            NotCarriedError: the context is beyond what was measured, or neighbours share no batch.
        """
        if self.surface is not None:
            return _section(self.surface, context, fit)
        tpot, notes = self._interpolated(context)
        if fit == "pchip":
            return tpot, notes
        fitted, more = _parabola(tpot)
        return fitted, notes + more

    def error(self, context: float) -> float | None:
        """How well TPOT is known (`left_out`): as well as the worse known of the curves around the context."""
        if self.surface is not None:
            return scattered_error(self.surface)
        contexts = [curve.context for curve in self.curves]
        above = min(bisect_left(contexts, context), len(contexts) - 1)
        below = above if above == 0 or contexts[above] <= context else above - 1
        errors = [cubic_error(self.curves[i].tpot) for i in {below, above}]
        return max((error for error in errors if error is not None), default=None)

    def _interpolated(self, context: float) -> tuple[Pchip, Notes]:
        shortest, longest = self.curves[0], self.curves[-1]
        if context >= longest.context:
            if not is_same(context, longest.context):
                reason = f"a mean context of {context:g} tokens is beyond the longest measured, {longest.context:g}"
                raise NotCarriedError("outside-profile", reason)
            return longest.tpot, longest.notes
        if context <= shortest.context:
            return shortest.tpot, shortest.notes + _shorter(context, shortest.context)
        above = bisect_right([curve.context for curve in self.curves], context)
        return _between(self.curves[above - 1], self.curves[above], context)


def _section(surface: ScatteredDecode, context: float, fit: DecodeFit) -> tuple[Curve, Notes]:
    found = surface.at(context)
    if found is None:
        reason = f"a mean context of {context:g} tokens is outside the hull of the measured decode points"
        raise NotCarriedError("outside-profile", reason)
    tpot, change = found
    raised = f"decode TPOT at {context:g} tokens is raised by up to {change:.1%} so that it grows with the batch"
    unfitted = "decode points are scattered: interpolated instead of a quadratic fit"
    return tpot, (raised,) * (change > NOTED_REPAIR) + (unfitted,) * (fit == "quadratic")


def _shorter(context: float, shortest: float) -> Notes:
    if is_same(context, shortest):
        return ()
    return (f"decode at a context of {context:g} tokens is given the TPOT of {shortest:g}, the shortest measured",)


def _between(short: ContextCurve, long: ContextCurve, context: float) -> tuple[Pchip, Notes]:
    if short.context == context:
        return short.tpot, short.notes
    first, last = max(short.tpot.first, long.tpot.first), min(short.tpot.last, long.tpot.last)
    if first > last:
        between = f"contexts {short.context:g} and {long.context:g}"
        raise NotCarriedError("outside-profile", f"no batch lies in the ranges measured at both {between}")
    share = (context - short.context) / (long.context - short.context)
    batches = sorted({batch for batch in (*short.tpot.xs, *long.tpot.xs, first) if first <= batch <= last})
    tpots = [(1.0 - share) * short.tpot.at(batch) + share * long.tpot.at(batch) for batch in batches]
    return Pchip.through(batches, tpots), short.notes + long.notes


def _parabola(tpot: Pchip) -> tuple[Curve, Notes]:
    if len(tpot.xs) < 3:
        return tpot, (f"decode has {len(tpot.xs)} measured batches, too few for a quadratic: interpolated instead",)
    fit = Quadratic.fit(tpot.xs, tpot.ys)
    misfit = max(abs(fit.at(x) / y - 1.0) for x, y in zip(tpot.xs, tpot.ys, strict=True))
    if misfit > UNFIT or (fit.rises_from, fit.rises_to) != (fit.first, fit.last):
        found = f"misses points by up to {misfit:.0%}" if misfit > UNFIT else "falls within the measured batches"
        return tpot, (f"the quadratic fit of decode TPOT {found}: interpolated instead",)
    return fit, (f"the quadratic fit of decode TPOT misses points by up to {misfit:.0%}",) * (misfit > NOTED_MISFIT)
