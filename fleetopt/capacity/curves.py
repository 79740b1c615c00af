"""Curves through measured points, used only between the first and the last of them.

A curve is a function of load (a batch, a logarithm of one, a length) on [first, last]. Nothing here extrapolates:
outside its range a curve raises ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fleetopt.capacity.crossing import last_at_most

# Limits and curve values meet after different roundings (ms to s, slowdowns): equal means equal to 12 digits.
EQUAL = 1e-12


class Curve(Hashable, Protocol):
    @property
    def first(self) -> float: ...

    @property
    def last(self) -> float: ...

    def at(self, x: float) -> float: ...

    def largest_at_most(self, y: float) -> float | None: ...

    def ratio_turns(self) -> tuple[float, ...]: ...


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The least-squares parabola y = c0 + c1 x + c2 x^2 through at least three points, on the range of their x.

    The points rise, but a parabola turns. It is followed only where it rises, from `rises_from` to `rises_to`; before
    and after, it stays level, so that a limit kept at one load is kept at every smaller one.

    >>> tpot_ms = Quadratic.fit((10, 20, 30, 40, 50, 60), (12.8, 16.4, 18.8, 21.6, 23.9, 26.2))
    >>> round(tpot_ms.largest_at_most(20.0), 2)  # the fit drawn in arXiv 2603.04716: TP_D about 1 700 tokens/s
    33.83
    """

    first: float
    last: float
    rises_from: float
    rises_to: float
    c0: float
    c1: float
    c2: float

    @classmethod
    def fit(cls, xs: Sequence[float], ys: Sequence[float]) -> Quadratic:
        c2, c1, c0 = (float(c) for c in np.polyfit(xs, ys, 2))
        first, last = float(xs[0]), float(xs[-1])
        turn = -c1 / (2.0 * c2) if c2 != 0.0 else first
        if c2 < 0.0:
            return cls(first, last, first, min(max(turn, first), last), c0, c1, c2)
        # From the turn on, a parabola needs as far again to be back at its first value.
        back = max(first, 2.0 * turn - first)
        return cls(first, last, *((back, last) if back < last else (first, first)), c0, c1, c2)

    def at(self, x: float) -> float:
        x = min(max(inside(self, x), self.rises_from), self.rises_to)
        return self.c0 + x * (self.c1 + x * self.c2)

    def largest_at_most(self, y: float) -> float | None:
        """The largest x of the range with value at most y; None when even the first value is above y."""
        y += EQUAL * abs(y)
        if self.at(self.last) <= y:
            return self.last
        if self.at(self.rises_from) > y:
            return None
        return last_at_most(self.at, self.rises_from, self.rises_to, y)

    def ratio_turns(self) -> tuple[float, ...]:
        """Both ends, the ends of the rise, and within the rise the x where c0 = c2 x^2."""
        turn = math.sqrt(self.c0 / self.c2) if self.c0 * self.c2 > 0.0 else math.inf
        turns = {self.first, self.rises_from, self.rises_to, self.last}
        return tuple(sorted(turns | {turn} if self.rises_from < turn < self.rises_to else turns))


def running_maximum(values: Iterable[float]) -> tuple[tuple[float, ...], float]:
    """Each value raised to the largest before it, and by what fraction the most raised one changed."""
    raised: list[float] = []
    change = 0.0
    for value in values:
        raised.append(max(value, raised[-1]) if raised else value)
        change = max(change, raised[-1] / value - 1.0)
    return tuple(raised), change


def inside(curve: Curve, x: float) -> float:
    slack = EQUAL * max(abs(curve.first), abs(curve.last))
    if not curve.first - slack <= x <= curve.last + slack:
        raise ValueError(f"{x} is outside the measured range {curve.first} to {curve.last}")
    return min(max(x, curve.first), curve.last)
