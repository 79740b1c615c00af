"""A replica's prefill as a queue: Poisson arrivals, one server, first come first served.

A queue model answers three questions about a server of rate `mu` (requests/s), where `percentile` is None for
the mean sojourn (waiting and service, s) or in (0, 1) for a percentile of it:

    floor_s    the sojourn when almost nobody comes
    sojourn_s  the sojourn at an arrival rate `lam`; infinite from lam = mu on
    max_rate   the largest arrival rate whose sojourn is within `limit_s`; zero when the limit is at most the floor
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from fleetopt.capacity import md1
from fleetopt.scenario.domain import Queue


class QueueModel(Protocol):
    def floor_s(self, mu: float, percentile: float | None) -> float: ...

    def sojourn_s(self, lam: float, mu: float, percentile: float | None) -> float: ...

    def max_rate(self, mu: float, limit_s: float, percentile: float | None) -> float: ...


@dataclass(frozen=True, slots=True)
class MM1:
    """Exponential service: the sojourn is exponential, P(T > t) = exp(-(mu - lam) t), with mean 1 / (mu - lam).

    A limit t at percentile p allows lam = mu + ln(1 - p) / t; at the mean, lam = mu - 1/t
    (Li et al., arXiv 2603.04716, eq. 12; any queueing text for the tail).

    >>> TPMAX, PROMPT, BUDGET_S = 28_300, 6_144, 2.0 - 0.1
    >>> [round(PROMPT * MM1().max_rate(TPMAX / PROMPT, BUDGET_S, p)) for p in (None, 0.90, 0.99)]
    [25066, 20854, 13408]
    """

    def floor_s(self, mu: float, percentile: float | None) -> float:
        """Seconds: `scale / mu`, with scale 1 at the mean and -ln(1 - p) at a percentile."""
        return exponential_scale(percentile) / mu

    def sojourn_s(self, lam: float, mu: float, percentile: float | None) -> float:
        """Seconds, at arrivals of `lam` requests/s."""
        return exponential_scale(percentile) / (mu - lam) if lam < mu else math.inf

    def max_rate(self, mu: float, limit_s: float, percentile: float | None) -> float:
        """Requests/s."""
        if limit_s <= self.floor_s(mu, percentile):
            return 0.0
        return mu - exponential_scale(percentile) / limit_s


@dataclass(frozen=True, slots=True)
class MD1:
    """Constant service D = 1/mu: mean sojourn D + lam D^2 / (2 (1 - lam D))  (DistServe, OSDI'24, section 3.1).

    A mean limit t leaves w = t/D - 1 service times of waiting, and allows lam D = 2w / (1 + 2w). A percentile
    uses the exact distribution of the waiting time (`md1`). At lam -> 0 nobody waits, so the floor is D at
    every percentile.

    >>> round(6_144 * MD1().max_rate(28_300 / 6_144, 1.9, None))
    26585
    """

    def floor_s(self, mu: float, percentile: float | None) -> float:  # noqa: ARG002 - the same at every percentile
        """Seconds: one service time."""
        return 1.0 / mu

    def sojourn_s(self, lam: float, mu: float, percentile: float | None) -> float:
        """Seconds, at arrivals of `lam` requests/s."""
        rho = lam / mu
        if rho >= 1.0:
            return math.inf
        waits = rho / (2.0 * (1.0 - rho)) if percentile is None else md1.wait_percentile(rho, percentile)
        return (1.0 + waits) / mu

    def max_rate(self, mu: float, limit_s: float, percentile: float | None) -> float:
        """Requests/s."""
        waits = limit_s * mu - 1.0
        if waits <= 0.0:
            return 0.0
        return mu * (2.0 * waits / (1.0 + 2.0 * waits) if percentile is None else md1.largest_load(waits, percentile))


def exponential_scale(percentile: float | None) -> float:
    """A percentile of the unit exponential distribution; one for the mean."""
    return 1.0 if percentile is None else -math.log1p(-percentile)


QUEUE_MODELS: dict[Queue, QueueModel] = {"mm1": MM1(), "md1": MD1()}
