"""Prefill as a queue: Poisson arrivals, first come first served, one server or several that share the queue.

A server is a data-parallel group. A queue model answers two questions about `servers` of them that serve prompts
of a mix (`Service`), where `percentile` is None for the mean sojourn (waiting, service and what follows it, s) or in
(0, 1) for a percentile of it:

    sojourn_s  the sojourn at an arrival rate `lam` (requests/s, all servers together); infinite from rho = 1 on
    max_rate   the largest such rate whose sojourn is within `limit_s`; zero when the limit is at most the floor
    floor_s    the sojourn when almost nobody comes
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from fleetopt.capacity import md1
from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.erlang import erlang_c, mean_wait_s
from fleetopt.capacity.mg1 import Waits
from fleetopt.capacity.service import Service
from fleetopt.scenario.domain import Queue


class QueueModel(Protocol):
    def floor_s(self, service: Service, percentile: float | None) -> float: ...

    def sojourn_s(self, lam: float, service: Service, servers: int, percentile: float | None) -> float: ...

    def max_rate(self, service: Service, servers: int, limit_s: float, percentile: float | None) -> float: ...


@dataclass(frozen=True, slots=True)
class Exponential:
    """M/M/1 and M/M/c: service is exponential, whatever the mix; only its mean is used.

    One server: the sojourn is exponential, P(T > t) = exp(-(mu - lam) t), with mean 1 / (mu - lam). A limit t at
    percentile p allows lam = mu + ln(1 - p) / t; at the mean, lam = mu - 1/t (Li et al., arXiv 2603.04716, eq. 12).
    Several: E[T] = E[W] + 1/mu, and with theta = c mu - lam and Erlang's C
    P(T > t) = (1 - C) e^(-mu t) + C (theta e^(-mu t) - mu e^(-theta t)) / (theta - mu).
    Below p63 an exponential service is shorter than its mean. Prompts are no shorter for it, so that no percentile of
    the sojourn is taken to be below 1/mu.

    >>> TPMAX, PROMPT, BUDGET_S = 28_300, 6_144, 2.0 - 0.1
    >>> prompts = Service.constant(PROMPT / TPMAX)
    >>> [round(PROMPT * Exponential().max_rate(prompts, 1, BUDGET_S, p)) for p in (None, 0.90, 0.99)]
    [25066, 20854, 13408]
    """

    def floor_s(self, service: Service, percentile: float | None) -> float:
        """Seconds: the mean of the service, times -ln(1 - p) at a percentile where that is more."""
        return max(1.0, exponential_scale(percentile)) * service.mean_s + service.after_s

    def sojourn_s(self, lam: float, service: Service, servers: int, percentile: float | None) -> float:
        """Seconds, at arrivals of `lam` requests/s."""
        mu = 1.0 / service.mean_s
        if lam >= servers * mu:
            return math.inf
        if servers == 1:
            return max(service.mean_s, exponential_scale(percentile) / (mu - lam)) + service.after_s
        if percentile is None:
            return mean_wait_s(servers, lam, service.mean_s, 1.0) + service.mean_s + service.after_s
        found = _quantile(lambda t: self._exceeds(lam, mu, servers, t), service.mean_s, percentile)
        return max(service.mean_s, found) + service.after_s

    def max_rate(self, service: Service, servers: int, limit_s: float, percentile: float | None) -> float:
        """Requests/s."""
        if limit_s <= self.floor_s(service, percentile):
            return 0.0
        mu, limit_s = 1.0 / service.mean_s, limit_s - service.after_s
        if servers == 1:
            return mu - exponential_scale(percentile) / limit_s
        if percentile is None:
            return _largest(
                lambda lam: mean_wait_s(servers, lam, service.mean_s, 1.0), servers * mu, limit_s - 1.0 / mu
            )
        return _largest(lambda lam: self._exceeds(lam, mu, servers, limit_s), servers * mu, 1.0 - percentile)

    @staticmethod
    def _exceeds(lam: float, mu: float, servers: int, t: float) -> float:
        theta, waits = servers * mu - lam, erlang_c(servers, lam / mu)
        if theta <= 0.0:
            return 1.0
        if abs(theta - mu) <= 1e-6 * mu:
            return math.exp(-mu * t) * (1.0 + waits * mu * t)
        longer = (theta * math.exp(-mu * t) - mu * math.exp(-theta * t)) / (theta - mu)
        return (1.0 - waits) * math.exp(-mu * t) + waits * longer


@dataclass(frozen=True, slots=True)
class Constant:
    """M/D/1: every prompt takes the mean of the mix, D; mean sojourn D + lam D^2 / (2 (1 - lam D)).

    (DistServe, OSDI'24, section 3.1.) A mean limit t leaves w = t/D - 1 service times of waiting, and allows
    lam D = 2w / (1 + 2w). A percentile uses the exact distribution of the waiting time (`md1`). At lam -> 0 nobody
    waits, so the floor is D at every percentile. Several servers: as `General` without variation.

    >>> round(6_144 * Constant().max_rate(Service.constant(6_144 / 28_300), 1, 1.9, None))
    26585

    DistServe's forms for prefill on more GPUs are this one with another D. In a pipeline of two stages, D/2 each, a
    prompt waits for the first and passes the second besides (`after_s`): D + R D^2 / (4 (2 - R D)). With tensor
    parallelism of speed-up K: D/K + R D^2 / (2 K (K - R D)). Over N replicas R becomes R/N.

    >>> R, D, K = 3.0, 0.2, 1.7
    >>> pipeline, tensor = Service.constant(D / 2, after_s=D / 2), Service.constant(D / K)
    >>> abs(Constant().sojourn_s(R, pipeline, 1, None) - (D + R * D**2 / (4 * (2 - R * D)))) < 1e-12
    True
    >>> abs(Constant().sojourn_s(R, tensor, 1, None) - (D / K + R * D**2 / (2 * K * (K - R * D)))) < 1e-12
    True
    """

    def floor_s(self, service: Service, percentile: float | None) -> float:  # noqa: ARG002 - the same at every one
        """Seconds: one service time."""
        return service.mean_s + service.after_s

    def sojourn_s(self, lam: float, service: Service, servers: int, percentile: float | None) -> float:
        """Seconds, at arrivals of `lam` requests/s."""
        if servers > 1:
            return General().sojourn_s(lam, _averaged(service), servers, percentile)
        rho = lam * service.mean_s
        if rho >= 1.0:
            return math.inf
        waits = rho / (2.0 * (1.0 - rho)) if percentile is None else md1.wait_percentile(rho, percentile)
        return (1.0 + waits) * service.mean_s + service.after_s

    def max_rate(self, service: Service, servers: int, limit_s: float, percentile: float | None) -> float:
        """Requests/s."""
        if servers > 1:
            return General().max_rate(_averaged(service), servers, limit_s, percentile)
        waits = (limit_s - service.after_s) / service.mean_s - 1.0
        if waits <= 0.0:
            return 0.0
        rho = 2.0 * waits / (1.0 + 2.0 * waits) if percentile is None else md1.largest_load(waits, percentile)
        return rho / service.mean_s


@dataclass(frozen=True, slots=True)
class General:
    """M/G/1 and M/G/c: each part of the mix takes its own time.

    One server, mean: E[W] = lam E[S^2] / (2 (1 - rho)) (Pollaczek and Khinchine). One server, percentile: the wait's
    distribution (`mg1`), P(T <= t) = sum over parts of share P(W <= t - service - after). Several: `erlang`.

    >>> mix = Service.constant(6_144 / 28_300)
    >>> round(6_144 * General().max_rate(mix, 1, 1.9, None))  # M/D/1 is M/G/1 without variation
    26585
    """

    def floor_s(self, service: Service, percentile: float | None) -> float:
        """Seconds: the mean, or what a fraction of the requests needs without waiting."""
        return service.floor_s(percentile)

    def sojourn_s(self, lam: float, service: Service, servers: int, percentile: float | None) -> float:
        """Seconds, at arrivals of `lam` requests/s."""
        if lam * service.mean_s >= servers:
            return math.inf
        if percentile is None:
            return mean_wait_s(servers, lam, service.mean_s, service.scv) + service.floor_s(None)
        if lam <= 0.0:
            return service.floor_s(percentile)
        return _quantile(lambda t: _longer(lam, service, servers, t), service.mean_s + service.after_s, percentile)

    def max_rate(self, service: Service, servers: int, limit_s: float, percentile: float | None) -> float:
        """Requests/s."""
        return _max_rate(service, servers, limit_s, percentile)


@lru_cache(maxsize=4096)
def _max_rate(service: Service, servers: int, limit_s: float, percentile: float | None) -> float:
    if limit_s <= service.floor_s(percentile):
        return 0.0
    most = servers / service.mean_s
    if percentile is None:
        budget = limit_s - service.floor_s(None)
        if servers == 1:
            # lam E[S^2] / (2 (1 - lam E[S])) = budget, solved for lam.
            second = service.mean_s**2 * (1.0 + service.scv)
            return 2.0 * budget / (second + 2.0 * budget * service.mean_s)
        return _largest(lambda lam: mean_wait_s(servers, lam, service.mean_s, service.scv), most, budget)
    return _largest(lambda lam: _longer(lam, service, servers, limit_s), most, 1.0 - percentile)


def _longer(lam: float, service: Service, servers: int, t: float) -> float:
    """P(T > t)."""
    if lam * service.mean_s >= servers:
        return 1.0
    left = np.array([t - part.service_s - part.after_s for part in service.parts])
    if servers == 1:
        waits = Waits(service, max(float(left.max()), service.mean_s)).longer(lam, left)
    else:
        delayed = erlang_c(servers, lam * service.mean_s)
        mean = mean_wait_s(servers, lam, service.mean_s, service.scv)
        # Where so few wait that the mean underflows, nobody does.
        tail = delayed * np.exp(-delayed / mean * np.maximum(left, 0.0)) if mean > 0.0 else np.zeros_like(left)
        waits = np.where(left < 0.0, 1.0, tail)
    return service.mean_of(waits.tolist())


def _averaged(service: Service) -> Service:
    return Service.constant(service.mean_s, service.after_s)


def _largest(grows: Callable[[float], float], most: float, level: float) -> float:
    """The largest rate below `most` at which a quantity that grows with it, from zero on, is at most `level`."""
    high = most * (1.0 - 1e-12)
    if grows(high) <= level:
        return high
    return last_at_most(grows, 0.0, high, level)


def _quantile(exceeds: Callable[[float], float], scale_s: float, percentile: float) -> float:
    """The time that a fraction `percentile` stays within; `exceeds` falls from one to zero."""
    high = scale_s
    while exceeds(high) > 1.0 - percentile:
        high *= 2.0
    low = 0.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        if high - low <= 1e-12 * high:
            break
        low, high = (middle, high) if exceeds(middle) > 1.0 - percentile else (low, middle)
    return high


def exponential_scale(percentile: float | None) -> float:
    """A percentile of the unit exponential distribution; one for the mean."""
    return 1.0 if percentile is None else -math.log1p(-percentile)


QUEUE_MODELS: dict[Queue, QueueModel] = {
    "mm1": Exponential(),
    "md1": Constant(),
    "md1-pipeline": Constant(),
    "mg1": General(),
}
