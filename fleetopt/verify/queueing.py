"""How long a request waits and is served in a queue of one server, run forward from the arrival rate.

lam is the arrival rate, D = 1/mu the mean service time, rho = lam D.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import accumulate

from fleetopt.scenario.domain import Queue
from fleetopt.verify.numerics import root

_SERIES_UP_TO = 40.0
"""Waits beyond this many service times follow their exponential tail; the next term is smaller by e^-17."""

_DIGITS = 80
"""Crommelin's terms alternate and reach e^40; this many digits leave more than a double's worth."""


def sojourn_s(queue: Queue, lam: float, service_s: float, percentile: float | None) -> float:
    """Time in the system, at the mean (None) or at a percentile; infinite where the queue never settles.

    M/M/1: mean 1/(mu - lam), percentile -ln(1 - p)/(mu - lam), the sojourn being exponential, and no less than 1/mu.
    M/D/1: mean D + lam D^2/(2 (1 - lam D)) (Pollaczek and Khinchine; DistServe, arXiv 2401.09670, section 3.1),
    percentile D + the wait's quantile.
    """
    if lam * service_s >= 1.0:
        return math.inf
    if queue == "mm1":
        mean = service_s / (1.0 - lam * service_s)
        return mean if percentile is None else max(service_s, -math.log1p(-percentile) * mean)
    if percentile is None:
        return service_s + lam * service_s**2 / (2.0 * (1.0 - lam * service_s))
    return service_s * (1.0 + md1_wait_quantile(lam * service_s, percentile))


def md1_wait_quantile(rho: float, percentile: float) -> float:
    """The wait, in service times, that a fraction `percentile` of the requests of an M/D/1 queue stay within.

    >>> md1_wait_quantile(0.5, 0.4)
    0.0
    """
    if percentile <= 1.0 - rho:
        return 0.0
    target = math.log1p(-percentile)
    beta, scale = _tail(rho)
    high = max(2.0, 2.0 * (math.log(scale) - target) / beta)
    return root(lambda wait: _log_exceeds(rho, wait, beta, scale) - target, 0.0, high)


def _log_exceeds(rho: float, wait: float, beta: float, scale: float) -> float:
    if wait > _SERIES_UP_TO:
        return math.log(scale) - beta * wait
    return math.log(md1_wait_exceeds(rho, wait))


def md1_wait_exceeds(rho: float, wait: float) -> float:
    """P(W > wait) of an M/D/1 queue, `wait` in service times, by Crommelin's series (1932) in 80 digits.

    P(W <= t) = (1 - rho) sum over k = 0 .. floor(t) of (-rho (t - k))^k / k! x e^(rho (t - k)).

    >>> md1_wait_exceeds(0.5, 0.0)
    0.5
    """
    with localcontext(prec=_DIGITS):
        load, time = Decimal(rho), Decimal(wait)
        shrink, factor, total = (-load).exp(), (load * time).exp(), Decimal(0)
        for k in range(int(wait) + 1):
            total += (load * (k - time)) ** k * factor if k else factor
            factor *= shrink / (k + 1)
        return float(1 - (1 - load) * total)


def _tail(rho: float) -> tuple[float, float]:
    """The tail P(W > t) ~ scale e^(-beta t) for D = 1: rho (e^beta - 1) = beta, scale = (1 - rho)/(rho e^beta - 1).

    The Cramer-Lundberg constants of the M/G/1 queue with constant service.
    """
    # At b = -ln rho the function is at its least; below lies only the root 0. Divided by b it stays exact near 1.
    low = -math.log(rho)
    beta = root(lambda b: rho * math.expm1(b) / b - 1.0, low, 2.0 * low + 4.0)
    return beta, (1.0 - rho) / (rho * math.exp(beta) - 1.0)


_TIE = 1e-9
_LARGE = 1e200


def number_found(made: Callable[[float], float], last: float, rate: float, percentile: float) -> float:
    """The requests in a replica that one which comes finds there, with itself, at a percentile of them.

    A replica with n in it serves `made(n)` a second, which they share, and from `last` on as much as there; arrivals
    at `rate`, in the same unit, are Poisson. Then n + 1 are there rate / made(n + 1) times as often as n, however long
    each takes (Cohen, Acta Informatica 12, 1979). Infinite where that is more than `last`.

    >>> number_found(lambda n: n, 200.0, 10.0, 0.5), number_found(lambda n: n, 200.0, 33.0, 0.99)
    (11.0, 48.0)
    """
    if rate <= 0.0:
        return 1.0
    most = int(last * (1.0 + _TIE))
    often = [1.0]
    for n in range(1, most + 1):
        often.append(often[-1] * rate / made(float(n)))
        if often[-1] > _LARGE:
            often = [each / _LARGE for each in often]
    slowest = made(float(most)) if most else 0.0
    if rate >= slowest:
        return math.inf
    # A rate chosen to hold a percentile exactly must not lose it to the rounding of this sum.
    wanted = (percentile - _TIE) * (math.fsum(often) + often[-1] * rate / (slowest - rate))
    for n, so_far in enumerate(accumulate(often)):
        if so_far >= wanted and n < most:
            return n + 1.0
    return math.inf


def waiting(made: Callable[[float], float], room: int, rate: float) -> float:
    """The mean number that wait where a replica lets in `room` requests and others come one after another behind them.

    With j waiting, room + j are there (rate / the most that is made)^j times as often as room; `made` and `rate` as in
    `number_found`, but that a replica lets in no more than make most.

    >>> round(waiting(lambda n: 1.0, 1, 0.5), 12)  # M/M/1: rho^2 / (1 - rho)
    0.5
    """
    most, fewer, full = 0.0, 0.0, 1.0
    for n in range(1, room + 1):
        most = max(most, made(float(n)))
        fewer = (fewer + full) / _LARGE if full > _LARGE else fewer + full
        full = (full / _LARGE if full > _LARGE else full) * rate / most
    if rate >= most:
        return math.inf
    idle = 1.0 - rate / most
    return full * (rate / most) / idle**2 / (fewer + full / idle)
