"""TPOT at a context from decode points that form no curves, one triangle after another along the batch.

On each Delaunay triangle of the points (batch, KV tokens = batch x context), axes divided by their largest values, TPOT
is linear. The triangle around a place is the one whose corners, lifted to x^2 + y^2, lie lowest over it: a linear
program in three barycentric weights, solved by exchanging corners (the simplex method).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from fleetopt.catalog.domain import DecodePoint
from fleetopt.verify.curves import Curve, Unsupported

Floats = npt.NDArray[np.float64]

_FAR, _NEVER = 10.0, 1e7
"""Three corners so far out that every point is among them, so high that none stays where a triangle of points is."""

_OF_FOUR_ON_A_CIRCLE = 1e-10
"""How much lower the largest TPOT lies: it decides between the two ways of halving such a quadrangle."""

_EXCHANGES = 1_000
_STEP = 1e-9
_EXACT = 1e-12
_LEVEL = 1e-14


def are_scattered(points: Sequence[DecodePoint]) -> bool:
    """Whether there are three contexts or more and, on average, fewer than two batches at each."""
    contexts = {point.context_tokens for point in points}
    return 3 <= len(contexts) > len(points) / 2.0


class Triangles:
    def __init__(self, points: Sequence[DecodePoint]) -> None:
        self._batches = np.array([point.batch for point in points])
        kv = np.array([point.batch * point.context_tokens for point in points])
        times = np.array([point.tpot_s for point in points])
        self._scale = float(self._batches.max()), float(kv.max())
        x, y = self._batches / self._scale[0], kv / self._scale[1]
        lift = x**2 + y**2 - _OF_FOUR_ON_A_CIRCLE * times / times.max()
        self._corners = np.array(
            [
                [*np.ones_like(x), 1.0, 1.0, 1.0],
                [*x, -_FAR, 2.0 * _FAR, -_FAR],
                [*y, -_FAR, -_FAR, 2.0 * _FAR],
            ]
        )
        self._heights = np.array([*lift, _NEVER, _NEVER, _NEVER])
        self._times = np.array([*times, 0.0, 0.0, 0.0])

    def curve(self, context: float) -> tuple[list[float], Curve]:
        """Batches from the first to the last at a context, and TPOT as the largest of all up to a batch."""
        batches, times = self.along(context)

        def largest(batch: float) -> float:
            before = (time for at, time in zip(batches, times, strict=True) if at <= batch)
            return max([float(np.interp(batch, batches, times)), *before])

        return batches, largest

    def along(self, context: float) -> tuple[list[float], list[float]]:
        """Batches at which the ray of a context passes from one triangle into the next, and TPOT there."""
        first, last = self._span(context)
        batches, times, here = [first], [self._time(first, context)], first
        while last - here > _STEP * self._scale[0]:
            inside = here + 0.5 * _STEP * self._scale[0]
            here = max(min(self._leaves(inside, context), last), inside)
            batches.append(here)
            times.append(self._time(here, context))
        return batches, times

    def _span(self, context: float) -> tuple[float, float]:
        """The batches of the hull's first and last place at a context."""
        x, y = self._corners[1, :-3], self._corners[2, :-3]
        aside = y - x * context * self._scale[0] / self._scale[1]
        aside[np.abs(aside) <= _EXACT] = 0.0
        found = list(self._batches[aside == 0.0])
        for i, j in product(np.flatnonzero(aside > 0.0), np.flatnonzero(aside < 0.0)):
            found.append((aside[i] * self._batches[j] - aside[j] * self._batches[i]) / (aside[i] - aside[j]))
        if not found:
            raise Unsupported(f"a mean context of {context:g} tokens is outside the measured decode points")
        return float(min(found)), float(max(found))

    def _place(self, batch: float, context: float) -> Floats:
        return np.array([1.0, batch / self._scale[0], batch * context / self._scale[1]])

    def _time(self, batch: float, context: float) -> float:
        corners, weights = self._around(self._place(batch, context))
        return float(self._times[corners] @ weights)

    def _leaves(self, batch: float, context: float) -> float:
        """Where the ray leaves the triangle that holds this batch: the first weight to vanish."""
        corners, weights = self._around(self._place(batch, context))
        towards = self._place(batch + 1.0, context) - self._place(batch, context)
        growth = np.linalg.solve(self._corners[:, corners], towards)
        return batch + min((w / -g for w, g in zip(weights, growth, strict=True) if g < 0.0), default=0.0)

    def _around(self, place: Floats) -> tuple[list[int], Floats]:
        """The corners of the lowest lifted triangle over a place, and its weights."""
        count = len(self._heights)
        corners = [count - 3, count - 2, count - 1]
        for _ in range(_EXCHANGES):
            matrix = self._corners[:, corners]
            weights = np.linalg.solve(matrix, place)
            plane = np.linalg.solve(matrix.T, self._heights[corners])
            below = self._heights - plane @ self._corners
            below[corners] = 0.0
            lowest = int(below.argmin())
            if below[lowest] >= -_LEVEL:
                break
            step = np.linalg.solve(matrix, self._corners[:, lowest])
            ratios = [w / s if s > _EXACT else np.inf for w, s in zip(weights, step, strict=True)]
            corners[int(np.argmin(ratios))] = lowest
        return corners, weights
