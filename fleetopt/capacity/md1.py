"""The waiting time of an M/D/1 queue, exactly: time is counted in service times, load as rho = lambda D.

For (k-1) <= n < k and u = rho (k - n)  (Franx 2001, "A simple solution for the M/D/c waiting time distribution",
Operations Research Letters 29, eq. for c = 1):

    P(W <= n D) = exp(-u) * sum_{j=0}^{k-1} Q_{k-1-j} u^j / j!,     Q_m = P(N <= m + 1)

Every term is positive, so nothing cancels, unlike in Erlang's alternating sum. N is the number in the system.
Its distribution follows from cuts: the flow up through a cut between i and i+1 equals the flow down,
a_0 pi_{i+1} = pi_0 P(A > i) + sum_{l=1}^{i} pi_l P(A > i+1-l), with A ~ Poisson(rho), again all positive.

Beyond 16 service times the tail is its own asymptote (Cramer-Lundberg): P(W > n D) = g exp(-y n), where y > 0
solves rho (exp(y) - 1) = y and g = (1-rho) / (rho exp(y) - 1). The next pole of the transform decays as
exp(-2.09 n) or faster at every load, so that what is left out is below 3e-15.
"""

from __future__ import annotations

import math
from functools import lru_cache

from fleetopt.capacity.crossing import last_at_most

_EXACT_UP_TO = 16.0


def waits_longer(rho: float, n: float) -> float:
    """P(W > n D) at load `rho` in [0, 1], `n` >= 0 service times. At rho = 1 the queue never empties: one.

    >>> waits_longer(0.8, 0.0)  # whoever arrives waits unless the server is idle
    0.8
    """
    if rho >= 1.0:
        return 1.0
    if rho <= 0.0:
        return 0.0
    if n > _EXACT_UP_TO:
        weight, decay = _tail(rho)
        return weight * math.exp(-decay * n)
    k = math.floor(n) + 1
    at_most = _at_most(rho, k)
    u = rho * (k - n)
    term, total = 1.0, 0.0
    for j in range(k):
        total += at_most[k - 1 - j] * term
        term *= u / (j + 1)
    return min(1.0, max(0.0, 1.0 - math.exp(-u) * total))


def wait_percentile(rho: float, percentile: float) -> float:
    """The shortest wait, in service times, that a fraction `percentile` of requests does not exceed; rho < 1."""
    tail = 1.0 - percentile
    if waits_longer(rho, 0.0) <= tail:
        return 0.0
    if waits_longer(rho, _EXACT_UP_TO) > tail:
        weight, decay = _tail(rho)
        return math.log(weight / tail) / decay
    return last_at_most(lambda n: -waits_longer(rho, n), 0.0, _EXACT_UP_TO, -tail)


@lru_cache(maxsize=4096)
def largest_load(waits: float, percentile: float) -> float:
    """The largest rho at which P(W <= waits * D) >= percentile, for `waits` >= 0 service times."""
    return last_at_most(lambda rho: waits_longer(rho, waits), 0.0, 1.0, 1.0 - percentile)


def _at_most(rho: float, k: int) -> list[float]:
    """Q_0 .. Q_{k-1}: the probabilities of at most 1 .. k in the system."""
    arrivals = [math.exp(-rho)]
    for i in range(1, k + 1):
        arrivals.append(arrivals[-1] * rho / i)
    more = []
    left = -math.expm1(-rho)
    for i in range(1, k + 2):
        more.append(max(left, 0.0))
        left -= arrivals[i] if i <= k else 0.0
    state = [1.0 - rho]
    at_most, total = [], 1.0 - rho
    for i in range(k):
        flow = state[0] * more[i] + sum(state[m] * more[i + 1 - m] for m in range(1, i + 1))
        state.append(flow / arrivals[0])
        total += state[-1]
        at_most.append(total)
    return at_most


def _tail(rho: float) -> tuple[float, float]:
    """Weight and decay per service time of the asymptotic tail, 0 < rho < 1."""
    decay = -2.0 * math.log(rho)  # right of the root, where Newton's steps on a convex function fall to it
    for _ in range(100):
        step = (rho * math.expm1(decay) - decay) / (rho * math.exp(decay) - 1.0)
        decay -= step
        if step <= 1e-15 * decay:
            break
    return (1.0 - rho) / (rho * math.exp(decay) - 1.0), decay
