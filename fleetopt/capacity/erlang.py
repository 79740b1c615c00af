"""Several servers behind one queue: Erlang's delay formula exactly, M/G/c by Kimura's approximation.

With a = lam E[S] offered to c servers (rho = a/c < 1), Erlang's B by its recursion and C from it:

    B(0) = 1,  B(k) = a B(k-1) / (k + a B(k-1)),     C = B(c) / (1 - rho (1 - B(c)))
    E[W] of M/M/c = C E[S] / (c (1 - rho))

M/G/c has no closed form. Kimura (1986, "A two-moment approximation for the mean waiting time in the GI/G/s queue",
Management Science 32) weights M/M/c and M/D/c harmonically by the squared coefficient of variation cv2 <= 1,

    E[W] = (1 + cv2) / (2 cv2 / E[W_M] + (1 - cv2) / E[W_D]),

and Cosmetatos (1976) gives M/D/c: E[W_D] = E[W_M]/2 (1 + (1 - rho)(c - 1)(sqrt(4 + 5c) - 2) / (16 rho c)). For cv2 > 1
Lee and Longton's (1 + cv2)/2 E[W_M] is used. With c = 1 all of it is Pollaczek and Khinchine's formula, exactly.
Whoever waits is taken to wait an exponential time: P(W > t) = C exp(-C t / E[W]). This is exact for M/M/c, and for
cv2 it is P99 = ln(C/0.01) (1 + cv2) / (2 (c mu - lam)) with Lee and Longton's mean.

Against simulated queues of 2 to 12 servers at rho 0.6 and 0.9 with cv2 from 0 to 3.4, the mean sojourn is within 6 %
and its P99 between 5 % too small and 13 % too large (tests/capacity/test_queue_theory.py).
"""

from __future__ import annotations

import math


def erlang_c(servers: int, offered: float) -> float:
    """The probability that a request waits in M/M/c; `offered` = lam E[S] in erlangs, below `servers`.

    >>> round(erlang_c(2, 1.0), 12), round(erlang_c(10, 8.0), 4)  # 1/3 by hand; tables of Erlang C
    (0.333333333333, 0.4092)
    """
    if offered <= 0.0:
        return 0.0
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1.0 - offered / servers * (1.0 - blocked))


def mean_wait_s(servers: int, lam: float, mean_s: float, scv: float) -> float:
    """E[W] (s) of M/G/c, service of mean `mean_s` and squared coefficient of variation `scv`; infinite from rho = 1.

    >>> round(mean_wait_s(1, 0.5, 1.0, 0.0), 12)  # M/D/1: rho/(2 (1 - rho))
    0.5
    """
    rho = lam * mean_s / servers
    if rho >= 1.0:
        return math.inf
    if rho <= 0.0:
        return 0.0
    exponential = erlang_c(servers, lam * mean_s) * mean_s / (servers * (1.0 - rho))
    if scv >= 1.0:
        return (1.0 + scv) / 2.0 * exponential
    constant = exponential / 2.0 * _cosmetatos(servers, rho)
    if exponential == 0.0:
        return 0.0
    return (1.0 + scv) / (2.0 * scv / exponential + (1.0 - scv) / constant)


def _cosmetatos(servers: int, rho: float) -> float:
    """How much longer than half of M/M/c's the wait of M/D/c is; at light load no more than all of it."""
    more = (1.0 - rho) * (servers - 1) * (math.sqrt(4.0 + 5.0 * servers) - 2.0) / (16.0 * rho * servers)
    return min(2.0, 1.0 + more)
