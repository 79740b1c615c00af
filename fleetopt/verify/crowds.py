"""KV memory of requests of several kinds on one group as their numbers vary, apart from capacity/.

Near its mean each number goes back at a rate and is driven by arrivals, each of which stops the rest for its prefill,
and by departures (the linear noise approximation, van Kampen, Can. J. Phys. 39 (1961)). Along the eigenvectors V of the
rates back, with eigenvalues e, the covariance is (V^-1 Q V^-T)_ij / (e_i + e_j).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from fleetopt.verify.shared_queue import Kind, square, work

FULL_FOR = 0.1
"""Of the requests that may be late, and of one in ten where a mean is promised, how many may find memory full."""


class Running(NamedTuple):
    """Requests of a kind: bytes and tokens of one, how many come and how many there are, their prefills, the seconds of
    a step, and by how many its own step takes longer for one more.
    """

    bytes: float
    rate_rps: float
    batch: float
    tokens: float
    prefill: Kind
    step_s: float
    slope_s: float


def kept_bytes(apart: Sequence[tuple[Sequence[Running], float]], late: float) -> float:
    """What the KV of all takes, but for a tenth of the time in which requests may be late.

    Args:
        apart: requests that take turns with one another, and the part of the others' steps that a step waits for.
        late: the least part of requests of a kind that may be later than promised.
    """
    everybody = [one for kinds, _ in apart for one in kinds]
    mean = sum(one.bytes * one.batch for one in everybody)
    varies = sum(spread(kinds, interference) for kinds, interference in apart)
    return mean - NormalDist().inv_cdf(FULL_FOR * min(late, FULL_FOR)) * math.sqrt(varies)


def spread(kinds: Sequence[Running], interference: float) -> float:
    """The variance of the KV of requests that take turns, in square bytes; infinite where they do not settle.

    >>> alone = Kind(4.0, [(1.0, 0.0)], memoryless=False)
    >>> round(spread([Running(3.0, 4.0, 4.0, 1.0, alone, 1.0, 0.0)], 1.0), 9)  # Poisson: 3^2 x 4
    36.0
    """
    count, rates = range(len(kinds)), [one.rate_rps for one in kinds]
    left = 1.0 - work([one.prefill for one in kinds])
    if left <= 0.0:
        return math.inf
    rate_back, driven = np.zeros((len(kinds), len(kinds))), np.zeros((len(kinds), len(kinds)))
    squares = sum(one.rate_rps * square(one.prefill) for one in kinds)
    for i in count:
        per_request = left / (kinds[i].tokens * kinds[i].step_s)
        for j in count:
            waits = kinds[j].slope_s * (1.0 if i == j else interference)
            rate_back[i, j] = per_request * ((i == j) - kinds[i].batch * waits / kinds[i].step_s)
            stopped = kinds[i].prefill.mean_s + kinds[j].prefill.mean_s
            driven[i, j] = 2.0 * (i == j) * rates[i] + rates[i] * rates[j] * (stopped / left + squares / left**2)
    values, vectors = np.linalg.eig(rate_back.astype(complex))
    if min(values.real) <= 0.0:
        return math.inf
    inverse = np.linalg.inv(vectors)
    along = inverse @ driven @ inverse.T / (values[:, None] + values[None, :])
    weights = np.array([one.bytes for one in kinds]) @ vectors
    return float((weights @ along @ weights).real)
