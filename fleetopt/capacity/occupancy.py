"""How many requests are in a replica at once, when they come as a Poisson process and never wait to start.

All n of them go on at once and share what the replica makes, r(n) a second: tokens of a decode replica, n / TPOT(n).
That is processor sharing at a speed that depends on how many share it. However long single requests are, and however
much that varies, at an arrival rate x (in the unit of r) there are n of them for the fraction of time

    P(n)  =  P(0) prod over k = 1..n of  x / r(k)

(Cohen, The multiple phase service network with generalized processor sharing, Acta Informatica 12, 1979). One that
comes finds n others so often (Wolff, PASTA, Oper. Res. 30, 1982), and is one of n + 1 then. A limit of n requests is
kept at percentile p when P(0) + ... + P(n - 1) >= p.

Where no more than the last known number are let in, those beyond it wait (`waiting`). That number is then one of an
engine that takes no more than it makes most with, so that r may not fall.

The more there are the longer each stays, so these are more uneven than the Poisson numbers of requests whose time in a
replica does not depend on the others. Beyond the last known number a replica makes no more than there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL

# Wider than the rounding of a root search, so that a rate found for n is never read back as n + 1.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """How many requests there are in a replica.

    `log_weights` is (numbers + 1,): the sum over k = 1..n of -log r(k), from n = 0; `last_rate` is r of the last one.
    """

    log_weights: npt.NDArray[np.float64]
    last_rate: float

    @classmethod
    def of(cls, rates: Iterable[float]) -> Crowd:
        """From what a replica makes with 1, 2, ... requests in it, by the second, above zero."""
        each = np.fromiter(rates, np.float64)
        weights = np.concatenate([[0.0], -np.cumsum(np.log(each))])
        return cls(weights, float(each[-1]) if each.size else 0.0)

    def number_at(self, rate: float, percentile: float) -> float:
        """The requests in a replica that one which comes finds, with itself, at a percentile of them; infinite where
        that is more than is known.

        >>> Crowd.of(float(n) for n in range(1, 100)).number_at(33.0, 0.99)  # a speed each of its own: Poisson, and one
        48.0
        """
        at_most = self._at_most(rate)
        found = int(np.searchsorted(at_most, percentile - _TOLERANCE))
        return found + 1.0 if found + 1 < len(self.log_weights) else math.inf

    def largest_rate(self, most: float, percentile: float) -> float:
        """The largest arrival rate at which no more than `most` are found, oneself among them, at a percentile.

        >>> round(Crowd.of(float(n) for n in range(1, 100)).largest_rate(35, 0.99), 2)
        22.72
        """
        limit = math.floor(most * (1.0 + EQUAL))
        if not 0 < limit < len(self.log_weights):
            return 0.0 if limit < 1 else self.last_rate
        exceeding = lambda rate: 1.0 - float(self._at_most(rate)[limit - 1])  # noqa: E731 - it rises with the rate
        return last_at_most(exceeding, 0.0, self.last_rate, 1.0 - percentile)

    def mean(self, rate: float) -> float:
        """The mean number of requests, infinite where more come than can ever be served.

        >>> round(Crowd.of([1.0]).mean(0.5), 12)  # M/M/1: rho / (1 - rho)
        1.0
        """
        if not 0.0 < rate < self.last_rate:
            return 0.0 if rate <= 0.0 else math.inf
        weights, more = self._weights(rate)
        beyond = len(weights) - 1.0 + 1.0 / (1.0 - rate / self.last_rate)
        return float((np.arange(len(weights)) @ weights + more * beyond) / (weights.sum() + more))

    def waiting(self, rate: float) -> float:
        """The mean number of requests beyond the last known one, where no more are let in and the others wait.

        >>> round(Crowd.of([1.0]).waiting(0.5), 12)  # M/M/1: rho^2 / (1 - rho) wait
        0.5
        """
        if not 0.0 < rate < self.last_rate:
            return 0.0 if rate <= 0.0 else math.inf
        weights, more = self._weights(rate)
        return more / (1.0 - rate / self.last_rate) / (float(weights.sum()) + more)

    def _at_most(self, rate: float) -> npt.NDArray[np.float64]:
        """P(N <= n) for n from 0 on; nothing where more come than can ever be served."""
        if not 0.0 < rate < self.last_rate:
            return np.full(len(self.log_weights), float(rate <= 0.0))
        weights, more = self._weights(rate)
        at_most: npt.NDArray[np.float64] = np.cumsum(weights) / (weights.sum() + more)
        return at_most

    def _weights(self, rate: float) -> tuple[npt.NDArray[np.float64], float]:
        """How often there are n, for each known n, and more than that, in one unit."""
        logs = self.log_weights + math.log(rate) * np.arange(len(self.log_weights))
        weights = np.exp(logs - logs.max())
        return weights, float(weights[-1]) * rate / (self.last_rate - rate)
