"""Straight lines between measured points, on axes raised to a power: no overshoot, no swing behind a noisy neighbour.

With power 1/2, y = (A + B sqrt(x))^2 between two points. A latency is nearly level while a replica is empty and nearly
proportional to its load when it is full; between square roots both are close to straight
(docs/decisions/0010-interpolation.md has the measured errors). With power 1 the lines are those of a surface of
triangles. Either way x / y turns only at the points, and the inverse is exact.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fleetopt.capacity.curves import EQUAL, inside


@dataclass(frozen=True, slots=True)
class Chords:
    """A curve through points in strictly increasing x; x > 0 and y >= 0 for a power below one.

    >>> tpot_ms = Chords.through((4.0, 16.0), (9.0, 25.0), power=0.5)
    >>> tpot_ms.at(9.0), tpot_ms.largest_at_most(16.0)
    (16.0, 9.0)
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    power: float

    @classmethod
    def through(cls, xs: Sequence[float], ys: Sequence[float], *, power: float) -> Chords:
        if not xs or len(xs) != len(ys) or any(right <= left for left, right in pairwise(xs)):
            raise ValueError("a curve needs points in strictly increasing order")
        return cls(tuple(map(float, xs)), tuple(map(float, ys)), power)

    @property
    def first(self) -> float:
        return self.xs[0]

    @property
    def last(self) -> float:
        return self.xs[-1]

    def at(self, x: float) -> float:
        x = inside(self, x)
        i = bisect_right(self.xs, x) - 1
        if x == self.xs[i]:
            return self.ys[i]
        level, slope = self.line(i)
        # Between its two points the line is monotone; rounding is not allowed to disagree.
        low, high = sorted(self.ys[i : i + 2])
        return min(max(math.pow(level + slope * math.pow(x, self.power), 1.0 / self.power), low), high)

    def line(self, i: int) -> tuple[float, float]:
        """Level and slope between points i and i + 1, on the axes raised to the power."""
        (left, right), (low, high) = (
            [math.pow(value, self.power) for value in axis[i : i + 2]] for axis in (self.xs, self.ys)
        )
        slope = (high - low) / (right - left)
        return low - slope * left, slope

    def largest_at_most(self, y: float) -> float | None:
        """The largest x with value at most y, for non-decreasing points; None when even the first is above y."""
        i = bisect_right(self.ys, y + EQUAL * abs(y)) - 1
        if i < 0:
            return None
        if i == len(self.xs) - 1:
            return self.last
        level, slope = self.line(i)
        powered = max((math.pow(y, self.power) - level) / slope, 0.0)
        return min(max(math.pow(powered, 1.0 / self.power), self.xs[i]), self.xs[i + 1])

    def ratio_turns(self) -> tuple[float, ...]:
        return self.xs
