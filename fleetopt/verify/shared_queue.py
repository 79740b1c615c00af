"""Latency of requests of several kinds behind one server, forward and apart from capacity/: Pollaczek-Khinchine's mean,
and for a percentile the exponential bound on the wait of Lundberg and Kingman, tried at many exponents.

A kind is (requests/s, mix, memoryless): shares and seconds of service, exponential around their mean where memoryless.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

TRIED = 64
_DEEPEST = 400.0


class Kind(NamedTuple):
    rate_rps: float
    mix: Sequence[tuple[float, float]]
    memoryless: bool

    @property
    def mean_s(self) -> float:
        return sum(share * seconds for share, seconds in self.mix)

    def log_transform(self, theta: float) -> float:
        """Logarithm of E[e^(theta S)], infinite where it does not exist."""
        if self.memoryless:
            return -math.log1p(-theta * self.mean_s) if theta * self.mean_s < 1.0 else math.inf
        peak = max(theta * seconds for _, seconds in self.mix)
        return peak + math.log(sum(share * math.exp(theta * seconds - peak) for share, seconds in self.mix))


def work(kinds: Sequence[Kind]) -> float:
    """Seconds of service that arrive in a second."""
    return sum(kind.rate_rps * kind.mean_s for kind in kinds)


def sojourn_s(kinds: Sequence[Kind], own: Kind, percentile: float | None) -> float:
    """Wait and service of a request of kind `own`: the mean, or what a percentile is at most.

    >>> one = Kind(0.5, [(1.0, 1.0)], memoryless=False)
    >>> sojourn_s([one], one, None), sojourn_s([one], one, 0.9) > 2.0
    (1.5, True)
    """
    left = 1.0 - work(kinds)
    if left <= 0.0:
        return math.inf
    if percentile is None:
        squares = (k.rate_rps * square(k) for k in kinds)
        return sum(squares) / (2.0 * left) + own.mean_s
    most = _steepest([*kinds, own._replace(rate_rps=0.0)])
    exponents = (most * step / TRIED for step in range(1, TRIED + 1))
    return min((own.log_transform(theta) - math.log(1.0 - percentile)) / theta for theta in exponents)


def square(kind: Kind) -> float:
    """The mean square of its service."""
    return 2.0 * kind.mean_s**2 if kind.memoryless else sum(share * seconds**2 for share, seconds in kind.mix)


def _steepest(kinds: Sequence[Kind]) -> float:
    """The largest exponent at which the work that comes does not outgrow the work that is done."""
    low = 0.0
    high = min((1.0 if kind.memoryless else _DEEPEST) / max(s for _, s in kind.mix) for kind in kinds)
    while high - low > 1e-12 * high:
        middle = (low + high) / 2.0
        grown = [kind.rate_rps * (math.exp(kind.log_transform(middle)) - 1.0) for kind in kinds if kind.rate_rps]
        low, high = (middle, high) if sum(grown) <= middle else (low, middle)
    return low * (1.0 - 1e-9)
