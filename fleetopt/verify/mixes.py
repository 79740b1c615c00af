"""Queues that serve prompts of several lengths, with one server or several, run forward from the arrival rate.

Parts are (share, service time, delay after service), in seconds. Nothing here is shared with capacity/: Erlang's C is
summed from its definition, and the distribution of the M/G/1 wait comes from a recursion in time, not a transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fleetopt.scenario.domain import Queue
from fleetopt.verify.queueing import sojourn_s

Parts = list[tuple[float, float, float]]
Floats = npt.NDArray[np.float64]

_CELLS = 4000
LATTICE_TOLERANCE = 1e-3
"""A percentile from the recursion is off by less than this fraction of the reach it was computed for."""


def ttft_s(queue: Queue, lam: float, parts: Parts, servers: int, *, percentile: float | None, reach_s: float) -> float:
    """Mean (None) or percentile of waiting, service and what follows; infinite beyond `reach_s` or without rest.

    `lam` is the arrival rate at all servers together. A percentile is looked for up to `reach_s` only.
    """
    mean = sum(share * service for share, service, _ in parts)
    after = sum(share * delay for share, _, delay in parts)
    if lam * mean >= servers:
        return math.inf
    if queue != "mg1" and servers == 1:
        return sojourn_s(queue, lam, mean, percentile) + after
    if queue == "mm1":
        return _many_exponential(lam, mean, servers, percentile, reach_s) + after
    spread = parts if queue == "mg1" else [(1.0, mean, after)]
    if percentile is None:
        return mean_wait_s(lam, spread, servers) + mean + after
    waits_longer = _single(lam, spread, reach_s) if servers == 1 else _many(lam, spread, servers)
    return _first_time(lambda t: _longer(waits_longer, spread, t), percentile, reach_s)


def delay_probability(servers: int, offered: float) -> float:
    """Erlang's C, from the sum over states: terms a^k/k! against the geometric tail from c on.

    >>> round(delay_probability(2, 1.0), 12)
    0.333333333333
    """
    if offered <= 0.0:
        return 0.0
    logs = [k * math.log(offered) - math.lgamma(k + 1.0) for k in range(servers + 1)]
    top = max(logs)
    tail = math.exp(logs[-1] - top) / (1.0 - offered / servers)
    return tail / (sum(math.exp(log - top) for log in logs[:-1]) + tail)


def mean_wait_s(lam: float, parts: Parts, servers: int) -> float:
    """Pollaczek-Khinchine for one server; Kimura (1986), Cosmetatos (1976), Lee and Longton (1959) for several."""
    mean = sum(share * service for share, service, _ in parts)
    second = sum(share * service * service for share, service, _ in parts)
    rho = lam * mean / servers
    if rho <= 0.0:
        return 0.0
    if servers == 1:
        return lam * second / (2.0 * (1.0 - rho))
    markov = delay_probability(servers, lam * mean) * mean / (servers * (1.0 - rho))
    variation = second / mean**2 - 1.0
    if variation >= 1.0:
        return (1.0 + variation) / 2.0 * markov
    correction = (1.0 - rho) * (servers - 1) * (math.sqrt(4.0 + 5.0 * servers) - 2.0) / (16.0 * rho * servers)
    constant = markov * min(1.0, (1.0 + correction) / 2.0)
    return (1.0 + variation) / (2.0 * variation / markov + (1.0 - variation) / constant) if markov > 0.0 else 0.0


def _many_exponential(lam: float, mean: float, servers: int, percentile: float | None, reach_s: float) -> float:
    """M/M/c: wait and service independent, the wait zero or exponential with rate theta = c mu - lam; no percentile is
    below the mean of the service.
    """
    if percentile is None:
        return delay_probability(servers, lam * mean) / (servers / mean - lam) + mean
    mu, theta, delayed = 1.0 / mean, servers / mean - lam, delay_probability(servers, lam * mean)

    def longer(t: float) -> float:
        if abs(theta / mu - 1.0) < 1e-6:
            return math.exp(-mu * t) * (1.0 + delayed * mu * t)
        slow = delayed * mu / (mu - theta)
        return (1.0 - slow) * math.exp(-mu * t) + slow * math.exp(-theta * t)

    return max(mean, _first_time(longer, percentile, reach_s))


def _many(lam: float, parts: Parts, servers: int) -> Callable[[float], float]:
    """Who waits, waits an exponential time whose mean is that of those who wait."""
    delayed = delay_probability(servers, lam * sum(share * service for share, service, _ in parts))
    wait = mean_wait_s(lam, parts, servers)
    return lambda t: 1.0 if t < 0.0 else delayed * math.exp(-t * delayed / wait) if wait > 0.0 else 0.0


def _single(lam: float, parts: Parts, reach_s: float) -> Callable[[float], float]:
    """P(W > t) up to `reach_s`: g = (1 - rho) d_0 + rho f * g, cell by cell (Panjer 1981, for a geometric count)."""
    mean = sum(share * service for share, service, _ in parts)
    rho, step = lam * mean, reach_s / _CELLS
    edges = step * np.maximum(np.arange(_CELLS + 2) - 0.5, 0.0)
    ladder = sum(share * np.minimum(edges, service) for share, service, _ in parts) / mean
    cells = np.diff(ladder)
    masses = np.zeros(_CELLS + 1)
    masses[0] = (1.0 - rho) / (1.0 - rho * cells[0])
    for j in range(1, _CELLS + 1):
        masses[j] = rho * float(cells[1 : j + 1] @ masses[j - 1 :: -1][:j]) / (1.0 - rho * cells[0])
    total = np.cumsum(masses) - masses / 2.0
    total[0] = 1.0 - rho
    at = step * np.arange(_CELLS + 1)
    return lambda t: 1.0 if t < 0.0 else float(1.0 - np.interp(t, at, total))


def _longer(waits_longer: Callable[[float], float], parts: Parts, t: float) -> float:
    return sum(share * waits_longer(t - service - delay) for share, service, delay in parts)


def _first_time(longer: Callable[[float], float], percentile: float, reach_s: float) -> float:
    """The least time up to `reach_s` that at most 1 - percentile exceed, by halving; infinite if there is none."""
    few = (1.0 - percentile) * (1.0 + 1e-12)
    if longer(reach_s) > few:
        return math.inf
    low, high = 0.0, reach_s
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if longer(middle) > few else (low, middle)
    return high
