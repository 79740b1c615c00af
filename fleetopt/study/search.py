"""The smallest amount of a limit with which something works, by doubling and then halving."""

from __future__ import annotations

import math
from collections.abc import Callable

WITHIN = 0.01
"""How near to the smallest an amount is that need not be whole."""

FARTHEST = 1024
"""How far a limit is raised before it is taken not to help: by so many, or to so many times what it was."""

Works = Callable[[float], bool]


def smallest(start: float, works: Works) -> float | None:
    """The smallest amount from `start` on that works: exactly where `start` is whole, else to 1 % and three digits.

    >>> smallest(16, lambda gpus: gpus >= 30), smallest(0.02, lambda s: s > 0.0247), smallest(1, lambda _: False)
    (30, 0.0249, None)
    """
    if works(start):
        return start
    return _count(start, works) if isinstance(start, int) else _amount(start, works)


def _count(start: int, works: Works) -> int | None:
    step = 1
    while not works(start + step):
        step *= 2
        if step > FARTHEST:
            return None
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _amount(start: float, works: Works) -> float | None:
    low, high = start, start * FARTHEST
    if not works(high):
        return None
    while high > low * (1.0 + WITHIN):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if works(middle) else (middle, high)
    return readable(high)


def readable(amount: float) -> float:
    """An amount rounded up to three digits.

    >>> readable(0.024512), readable(0.25)
    (0.0246, 0.25)
    """
    digits = 2 - math.floor(math.log10(amount))
    up = math.ceil(amount * 10.0**digits - 1e-9)
    return up / 10.0**digits if digits >= 0 else up * 10.0**-digits
