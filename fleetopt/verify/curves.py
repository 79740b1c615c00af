"""Curves through measured points, written apart from those of capacity/ so that a slip in one shows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
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
    widths = [right - left for left, right in pairwise(x)]
    slopes = [(after - before) / width for (before, after), width in zip(pairwise(y), widths, strict=True)]
    tangents = _tangents(widths, slopes)

    def curve(at: float) -> float:
        i = min(max(bisect_right(x, at) - 1, 0), len(widths) - 1)
        width, part = widths[i], min(max((at - x[i]) / widths[i], 0.0), 1.0)
        # The cubic Hermite polynomial, as what it adds to the left value.
        bend = (slopes[i] - tangents[i]) * part + (tangents[i] + tangents[i + 1] - 2.0 * slopes[i]) * part * (
            part - 1.0
        )
        return y[i] + width * part * (tangents[i] + bend)

    return curve


def _tangents(widths: list[float], slopes: list[float]) -> list[float]:
    """Slopes of the curve at the points: weighted harmonic means inside, one-sided parabolas at the ends."""
    if len(slopes) == 1:
        return [slopes[0], slopes[0]]
    inside = []
    for (left, right), (before, after) in zip(pairwise(widths), pairwise(slopes), strict=True):
        if before * after <= 0.0:
            inside.append(0.0)
        else:
            near, far = 2.0 * right + left, right + 2.0 * left
            inside.append((near + far) / (near / before + far / after))
    first = _end(widths[0], widths[1], slopes[0], slopes[1])
    last = _end(widths[-1], widths[-2], slopes[-1], slopes[-2])
    return [first, *inside, last]


def _end(width: float, next_width: float, slope: float, next_slope: float) -> float:
    tangent = ((2.0 * width + next_width) * slope - width * next_slope) / (width + next_width)
    if tangent * slope <= 0.0:
        return 0.0
    if slope * next_slope < 0.0 and abs(tangent) > 3.0 * abs(slope):
        return 3.0 * slope
    return tangent


def between_roots(x: Sequence[float], y: Sequence[float]) -> Curve:
    """Straight lines from point to point where both axes show square roots; level outside the points.

    >>> between_roots([4.0, 16.0], [9.0, 25.0])(9.0)
    16.0
    """
    roots = np.sqrt(np.asarray(x)), np.sqrt(np.asarray(y))
    return lambda at: float(np.interp(np.sqrt(at), *roots)) ** 2


def quadratic(x: Sequence[float], y: Sequence[float]) -> Curve:
    """The least-squares parabola through points, of lower degree where there are fewer than three.

    >>> round(quadratic([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])(4.0), 9)
    16.0
    """
    coefficients = np.polyfit(np.asarray(x), np.asarray(y), min(2, len(x) - 1))
    return lambda at: float(np.polyval(coefficients, at))


def leave_one_out(
    x: Sequence[float], y: Sequence[float], make: Callable[[list[float], list[float]], Curve]
) -> float | None:
    """What nine in ten inner points keep of |foretold / measured - 1| when each is foretold by all others.

    >>> leave_one_out([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 4.0, 4.0, 5.0], pchip) is not None
    True
    """
    off = []
    for i in range(1, len(x) - 1):
        curve = make([*x[:i], *x[i + 1 :]], [*y[:i], *y[i + 1 :]])
        off.append(abs(curve(x[i]) / y[i] - 1.0))
    return nine_in_ten(off)


def nine_in_ten(errors: Sequence[float]) -> float | None:
    """The error that nine in ten keep; nothing is said of fewer than three."""
    return sorted(errors)[-(len(errors) // 10) - 1] if len(errors) >= 3 else None


def never_falling(values: Iterable[float]) -> list[float]:
    """The running maximum: a dip of a latency under more load is noise, and no promise rests on it.

    >>> never_falling([1.0, 3.0, 2.0])
    [1.0, 3.0, 3.0]
    """
    return list(accumulate(values, max))
