"""How much KV memory the running requests of a bundle take, not on average but at a percentile.

Their numbers N_i vary around the mean batches B_i. Near these, with step_i = sum_j a_ij T_j(N_j), a_ij the interference
(1 for i = j), requests of kind i leave at (1 - rho) N_i / (L_i step_i) and come at lam_i, each of which stops all the
others for its prefill S_i. In the linear noise approximation [van Kampen, Can. J. Phys. 39 (1961)] the covariance C
of the numbers solves K C + C K' = Q:

    K_ij  =  (1 - rho) / (L_i step_i)  (1[i = j] - B_i a_ij T'_j / step_i)
    Q     =  diag(lam)  +  sum_k lam_k E[v_k v_k'],     v_k = 1_k + S_k lam / (1 - rho)

Without prefills this is the variance of processor sharing, d E[N] / d ln lam, however long requests are [Cohen, Acta
Inf. 12 (1979)]: Poisson where requests do not slow one another. Memory is to hold mean + z sd.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from fleetopt.capacity.curves import Curve

RARELY = 0.1
"""Memory may be full for a tenth of the requests that may be late, one in ten of them where a mean is promised: who
finds it full waits for as long as others stay, and that is in no latency."""

NEAR = 1e-6
"""Of a batch, what its slope is taken over."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests of a kind: what each weighs, how many come a second, the mean and the mean square of the seconds of
    their prefills, their tokens, their mean number, and the seconds of a decode step.
    """

    weight: float
    rps: float
    prefill_s: float
    prefill_s2: float
    tokens: float
    batch: float
    step_s: float


def slope_s(tpot: Curve, batch: float) -> float:
    """Seconds that a step takes longer by request, zero below the smallest measured batch."""
    high, low = min(batch * (1.0 + NEAR), tpot.last), batch * (1.0 - NEAR)
    if high <= low:
        return 0.0
    return (tpot.at(max(high, tpot.first)) - tpot.at(max(low, tpot.first))) / (high - low)


def variance(kinds: Sequence[Kind], slopes: Sequence[Sequence[float]]) -> float:
    """Of the weight of all requests that are there.

    Args:
        kinds: of requests, whose prefills take less than all of the time.
        slopes: by how many seconds a step of kind i takes longer for another request of kind j.

    Returns:
        Infinity where one request more slows the others so that their number does not come back to its mean.

    >>> round(variance([Kind(1.0, 4.0, 0.0, 0.0, 1.0, 4.0, 1.0)], [[0.0]]), 9)  # Poisson
    4.0
    >>> round(variance([Kind(1.0, 0.5, 0.0, 0.0, 1.0, 1.0, 2.0)], [[1.0]]), 9)  # M/M/1 at one half: rho / (1 - rho)^2
    2.0
    """
    rps, batch, step = (np.array([getattr(one, name) for one in kinds]) for name in ("rps", "batch", "step_s"))
    prefill = np.array([one.prefill_s for one in kinds])
    left = 1.0 - float(rps @ prefill)
    one_each, held_up = np.eye(len(kinds)), rps / left
    leaving = left / (np.array([one.tokens for one in kinds]) * step)
    back = leaving[:, None] * (one_each - (batch / step)[:, None] * np.array(slopes))
    if float(np.linalg.eigvals(back).real.min()) <= 0.0:
        return math.inf
    crossed = np.outer(rps * prefill, held_up)
    squares = float(rps @ np.array([one.prefill_s2 for one in kinds])) * np.outer(held_up, held_up)
    noise = 2.0 * np.diag(rps) + crossed + crossed.T + squares
    covariance = np.linalg.solve(np.kron(back, one_each) + np.kron(one_each, back), noise.ravel())
    weights = np.array([one.weight for one in kinds])
    return float(weights @ covariance.reshape(noise.shape) @ weights)


def deviations(percentiles: Iterable[float | None]) -> float:
    """How many standard deviations beside the mean there is to be room for, by the percentiles of TTFT promised.

    >>> round(deviations([None, 0.9, 0.5]), 3)  # one request in a hundred
    2.326
    """
    late = min([RARELY, *(1.0 - p for p in percentiles if p is not None)])
    return NormalDist().inv_cdf(1.0 - RARELY * late)
