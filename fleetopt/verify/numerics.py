"""Root finding, small enough to be seen through; scipy would cost a second of start-up (docs/decisions/0003)."""

from __future__ import annotations

from collections.abc import Callable

_HALVINGS = 200
"""More than enough for the bracket to shrink to two neighbouring doubles."""


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function changes sign between `low` and `high`, by bisection.

    Raises:
        ValueError: the signs at both ends are the same.

    >>> round(root(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    below, above = function(low), function(high)
    if below == 0.0:
        return low
    if above == 0.0:
        return high
    if (below > 0) == (above > 0):
        raise ValueError("the function has the same sign at both ends")
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if (function(middle) > 0) == (below > 0):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
