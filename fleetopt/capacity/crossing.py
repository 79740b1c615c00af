"""Where a non-decreasing function crosses a level: a bracketed secant search that never loses the bracket."""

from __future__ import annotations

from collections.abc import Callable

_RELATIVE = 4e-16
_MOST_STEPS = 200


def last_at_most(f: Callable[[float], float], low: float, high: float, level: float) -> float:
    """The largest x found in [low, high) with f(x) <= level, to about machine precision.

    Args:
        f: non-decreasing on [low, high], finite at both ends.
        low: an end with f(low) <= level.
        high: an end with f(high) > level.
        level: the value to cross.

    The Illinois variant of the secant rule, with a bisection every fourth step as its guarantee. Probes stay a few
    ulps inside the bracket, so a secant that has converged from one side closes the bracket from the other.

    >>> round(last_at_most(lambda x: x * x, 0.0, 2.0, 2.0), 12)
    1.414213562373
    """
    below, above, moved = f(low) - level, f(high) - level, 0
    for step in range(1, _MOST_STEPS):
        width = high - low
        margin = _RELATIVE * max(abs(low), abs(high))
        if width <= 2.0 * margin or below == above:
            break
        share = 0.5 if step % 4 == 0 else -below / (above - below)
        probe = min(max(low + share * width, low + margin), high - margin)
        value = f(probe) - level
        # An end that stays twice is given half its weight, or the secant would creep towards it for ever.
        if value <= 0.0:
            low, below, above = probe, value, above / 2.0 if moved < 0 else above
        else:
            high, above, below = probe, value, below / 2.0 if moved > 0 else below
        moved = 1 if value > 0.0 else -1
    return low
