"""Curves through measured points.

SciPy is imported where it is used, here and beside, so that `import fleetopt` stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import TypeAlias

import numpy as np

Curve: TypeAlias = Callable[[float], float]

NEAR = 0.01
"""Lengths within this fraction of each other count as the same; nobody measures at exactly one's own."""


class Unsupported(ValueError):
    """What a placement claims lies outside what was measured; the message says how."""


def pchip(x: Sequence[float], y: Sequence[float]) -> Curve:
    """The monotone cubic through points of increasing x (Fritsch and Butland 1984); level outside them.

    >>> pchip([1.0, 2.0], [10.0, 20.0])(1.5), pchip([1.0], [10.0])(7.0)
    (15.0, 10.0)
    """
    if len(x) == 1:
        return lambda _: y[0]
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(x, y, extrapolate=False)
    return lambda at: float(curve(min(max(at, x[0]), x[-1])))


def quadratic(x: Sequence[float], y: Sequence[float]) -> Curve:
    """The least-squares parabola through points, of lower degree where there are fewer than three.

    >>> round(quadratic([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])(4.0), 9)
    16.0
    """
    coefficients = np.polyfit(np.asarray(x), np.asarray(y), min(2, len(x) - 1))
    return lambda at: float(np.polyval(coefficients, at))


def never_falling(values: Iterable[float]) -> list[float]:
    """The running maximum: a dip of a latency under more load is noise, and no promise rests on it.

    >>> never_falling([1.0, 3.0, 2.0])
    [1.0, 3.0, 3.0]
    """
    return list(accumulate(values, max))
