"""How well a curve is known: each inner point left out in turn and foretold by the others.

The gap that a point leaves is twice as wide as any gap that is ever read, so the error is rather too large than too
small. It contains the noise of the measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from fleetopt.capacity.pchip import Pchip

FEWEST = 3
"""Inner points below which nothing is said."""

SHARE = 0.9


def typical_worst(misses: Sequence[float]) -> float | None:
    """The relative error that 90 % of the points keep; None when there are too few of them.

    >>> typical_worst([0.01, -0.04, 0.02]), typical_worst([0.01, 0.02])
    (0.04, None)
    """
    if len(misses) < FEWEST:
        return None
    return sorted(map(abs, misses))[math.ceil(SHARE * len(misses)) - 1]


def misses(count: int, foretold: Callable[[int, tuple[int, ...]], float], ys: Sequence[float]) -> list[float]:
    """foretold(i, others) / ys[i] - 1 at every inner point i of a curve of `count` points."""
    inner = range(1, count - 1)
    return [foretold(i, tuple(j for j in range(count) if j != i)) / ys[i] - 1.0 for i in inner]


@lru_cache(maxsize=4096)
def cubic_error(curve: Pchip) -> float | None:
    """The error of a monotone cubic. A point's value depends on the two points on either side of it only."""

    def foretold(i: int, others: tuple[int, ...]) -> float:
        near = [j for j in others if abs(j - i) <= 2]
        return Pchip.through([curve.xs[j] for j in near], [curve.ys[j] for j in near]).at(curve.xs[i])

    return typical_worst(misses(len(curve.xs), foretold, curve.ys))
