"""How many requests are in a replica at once, when they come as a Poisson process and never wait to start.

The number in an M/G/infinity system is Poisson whatever the distribution of the time each one stays, so a mean
occupancy m holds a limit of n requests at percentile p when P(Poisson(m) <= n) >= p.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL

# Wider than the rounding of a root search, so that a mean found for n is never read back as n + 1.
_TOLERANCE = 1e-9


@lru_cache(maxsize=4096)
def largest_mean(most: float, percentile: float) -> float:
    """The largest mean occupancy m with P(Poisson(m) <= floor(most)) >= percentile; most >= 0.

    >>> round(largest_mean(34, 0.99), 2)
    22.72
    """
    limit = math.floor(most * (1.0 + EQUAL))
    high = limit + 1.0
    while _exceeds(high, limit) <= 1.0 - percentile:
        high *= 2.0
    return last_at_most(lambda mean: _exceeds(mean, limit), 0.0, high, 1.0 - percentile)


@lru_cache(maxsize=4096)
def occupancy_at(mean: float, percentile: float) -> int:
    """The smallest n with P(Poisson(mean) <= n) >= percentile."""
    most = math.ceil(mean + 12.0 * math.sqrt(mean) + 40.0)
    at_most = np.cumsum(_probabilities(mean, most))
    return int(np.searchsorted(at_most, percentile - _TOLERANCE))


def _exceeds(mean: float, limit: int) -> float:
    return max(0.0, 1.0 - float(_probabilities(mean, limit).sum()))


def _probabilities(mean: float, most: int) -> npt.NDArray[np.float64]:
    """P(Poisson(mean) = 0 .. most), through logarithms so that large means do not underflow to nothing."""
    counts = np.arange(1, most + 1, dtype=np.float64)
    log_ratio = np.cumsum(math.log(mean) - np.log(counts)) if mean > 0.0 else np.full(most, -np.inf)
    return np.exp(np.concatenate(([0.0], log_ratio)) - mean)
