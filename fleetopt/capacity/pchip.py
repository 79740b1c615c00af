"""The monotone cubic interpolant through measured points."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL, inside


@dataclass(frozen=True, slots=True)
class Pchip:
    """A piecewise cubic Hermite interpolant whose slopes keep the shape of the data: no overshoot, no new extremum.

    Interior slopes are zero at a local extremum of the data and otherwise the weighted harmonic mean of the
    neighbouring secants (Fritsch and Butland 1984, eq. 5; Fritsch and Carlson 1980 for the conditions); end slopes
    are the three-point formula, limited to keep the shape (Moler 2004, section 3.6). One point is a curve of one
    point; two are a straight line.

    >>> tpot_ms = Pchip.through((10, 20, 30, 40, 50, 60), (12.8, 16.4, 18.8, 21.6, 23.9, 26.2))
    >>> round(tpot_ms.largest_at_most(20.0), 2)  # arXiv 2603.04716, case study: "about 34"
    34.29
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    slopes: tuple[float, ...]

    @classmethod
    def through(cls, xs: Sequence[float], ys: Sequence[float]) -> Pchip:
        """The curve through points in strictly increasing x."""
        x, y = np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)
        if x.size == 0 or x.shape != y.shape or bool((np.diff(x) <= 0.0).any()):
            raise ValueError("a curve needs points in strictly increasing order")
        slopes = _slopes(np.diff(x), np.diff(y)) if x.size > 1 else np.zeros(1)
        return cls(tuple(x.tolist()), tuple(y.tolist()), tuple(slopes.tolist()))

    @property
    def first(self) -> float:
        return self.xs[0]

    @property
    def last(self) -> float:
        return self.xs[-1]

    def at(self, x: float) -> float:
        x = inside(self, x)
        i = min(bisect_right(self.xs, x) - 1, len(self.xs) - 2)
        if i < 0:
            return self.ys[0]
        y, _ = self._piece(i, x)
        # Between its two points the cubic is monotone; rounding is not allowed to disagree.
        low, high = sorted(self.ys[i : i + 2])
        return min(max(y, low), high)

    def largest_at_most(self, y: float) -> float | None:
        """The largest x with value at most y, for non-decreasing points; None when even the first is above y."""
        y += EQUAL * abs(y)
        i = bisect_right(self.ys, y) - 1
        if i < 0:
            return None
        if i == len(self.xs) - 1:
            return self.last
        return last_at_most(self.at, self.xs[i], self.xs[i + 1], y)

    def ratio_turns(self) -> tuple[float, ...]:
        """The points, and between them each x > 0 where x / value turns: the zeros of value - x slope."""
        turns = list(self.xs)
        for i in range(len(self.xs) - 1):
            # value - x slope has the derivative -x curvature, so it is monotone on each side of the inflection.
            stops = (self.xs[i], *self._inflection(i), self.xs[i + 1])
            turns += [self._zero(i, left, right) for left, right in pairwise(stops) if self._turns(i, left, right)]
        return tuple(sorted(turns))

    def _turns(self, i: int, left: float, right: float) -> bool:
        return self._rise(i, left) * self._rise(i, right) < 0.0

    def _zero(self, i: int, left: float, right: float) -> float:
        sign = math.copysign(1.0, self._rise(i, right))
        return last_at_most(lambda x: sign * self._rise(i, x), left, right, 0.0)

    def _rise(self, i: int, x: float) -> float:
        """Positive where x / value rises."""
        y, slope = self._piece(i, x)
        return y - x * slope

    def _inflection(self, i: int) -> tuple[float, ...]:
        square, cube = self._coefficients(i)
        x = self.xs[i] - square / (3.0 * cube) if cube != 0.0 else math.inf
        return (x,) if self.xs[i] < x < self.xs[i + 1] else ()

    def _piece(self, i: int, x: float) -> tuple[float, float]:
        """Value and slope of the cubic between points i and i + 1."""
        square, cube = self._coefficients(i)
        s, slope = x - self.xs[i], self.slopes[i]
        return self.ys[i] + s * (slope + s * (square + s * cube)), slope + s * (2.0 * square + 3.0 * s * cube)

    def _coefficients(self, i: int) -> tuple[float, float]:
        """Those of the square and the cube of the distance from point i."""
        h = self.xs[i + 1] - self.xs[i]
        left, right = self.slopes[i], self.slopes[i + 1]
        secant = (self.ys[i + 1] - self.ys[i]) / h
        return (3.0 * secant - 2.0 * left - right) / h, (left + right - 2.0 * secant) / (h * h)


def _slopes(h: npt.NDArray[np.float64], rise: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    secants = rise / h
    if h.size == 1:
        return np.repeat(secants, 2)
    slopes = np.zeros(h.size + 1)
    left, right = secants[:-1], secants[1:]
    monotone = left * right > 0.0
    w_left, w_right = h[:-1] + 2.0 * h[1:], 2.0 * h[:-1] + h[1:]
    inner = slopes[1:-1]
    mean = (w_left + w_right)[monotone] / (w_left[monotone] / left[monotone] + w_right[monotone] / right[monotone])
    inner[monotone] = mean
    slopes[0] = _end_slope(float(h[0]), float(h[1]), float(secants[0]), float(secants[1]))
    slopes[-1] = _end_slope(float(h[-1]), float(h[-2]), float(secants[-1]), float(secants[-2]))
    return slopes


def _end_slope(h: float, h_next: float, secant: float, secant_next: float) -> float:
    slope = ((2.0 * h + h_next) * secant - h * secant_next) / (h + h_next)
    if slope * secant <= 0.0:
        return 0.0
    if secant * secant_next <= 0.0 and abs(slope) > 3.0 * abs(secant):
        return 3.0 * secant
    return slope
