"""The wait of jobs of several kinds in one first-come-first-served queue.

Kinds j arrive at lam_j with service S_j: a mix of fixed times, or exponential (an M/M/1 workload).

    mean        E[W] = sum(lam E[S^2]) / (2 (1 - sum(lam E[S])))                            (Pollaczek-Khinchine)
    percentile  P(W > t) <= exp(-theta t)  for every theta with  sum lam (E[e^(theta S)] - 1) <= theta
                                                                 (Lundberg; Kingman, J. R. Stat. Soc. B 32, 1970)

so that W + S of one's own is at most (ln E[e^(theta S)] - ln(1 - p)) / theta at percentile p: never less than the
truth, at any mix. The least over theta, at eighths of the largest, is taken.

>>> queue = Queue(((0.5, Job(((1.0, 1.0),), exponential=True)),))
>>> round(queue.mean_wait_s, 9), round(queue.theta, 9)
(1.0, 0.5)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

STEPS = 8
LARGEST_EXPONENT = 500.0
HALVINGS = 40


@dataclass(frozen=True)
class Job:
    """How long a request keeps the server: (share, seconds) of the mix, each exponential around it where so said."""

    parts: tuple[tuple[float, float], ...]
    exponential: bool

    @cached_property
    def mean_s(self) -> float:
        return sum(share * s for share, s in self.parts)

    @cached_property
    def second_s2(self) -> float:
        """E[S^2]."""
        return (2.0 if self.exponential else 1.0) * sum(share * s * s for share, s in self.parts)

    @property
    def fastest(self) -> float:
        """The theta below which the transform exists, and is a number that a computer has."""
        longest = max(s for _, s in self.parts)
        return (1.0 if self.exponential else LARGEST_EXPONENT) / longest

    def grown(self, theta: float) -> float:
        """E[e^(theta S)] - 1."""
        if self.exponential:
            return sum(share * theta * s / (1.0 - theta * s) for share, s in self.parts)
        return sum(share * math.expm1(theta * s) for share, s in self.parts)


@dataclass(frozen=True)
class Queue:
    """One server, and the (requests/s, job) of each kind that comes to it."""

    arrivals: tuple[tuple[float, Job], ...]

    @cached_property
    def busy(self) -> float:
        """The part of all time that the server works."""
        return sum(rps * job.mean_s for rps, job in self.arrivals)

    @property
    def mean_wait_s(self) -> float:
        """E[W]; infinite where more work comes than is done."""
        left = 1.0 - self.busy
        return sum(rps * job.second_s2 for rps, job in self.arrivals) / (2.0 * left) if left > 0.0 else math.inf

    @cached_property
    def theta(self) -> float:
        """The root of sum lam (E[e^(theta S)] - 1) = theta from below, by halving."""
        low, high = 0.0, min(job.fastest for _, job in self.arrivals)
        for _ in range(HALVINGS):
            theta = 0.5 * (low + high)
            if sum(rps * job.grown(theta) for rps, job in self.arrivals) <= theta:
                low = theta
            else:
                high = theta
        return low

    def sojourn_s(self, own: Job, percentile: float | None) -> float:
        """Wait and service of a request, the mean or a bound on its percentile; infinite where too much arrives."""
        if self.busy >= 1.0:
            return math.inf
        if percentile is None:
            return self.mean_wait_s + own.mean_s
        most, late = min(self.theta, own.fastest * (1.0 - 1e-9)), -math.log1p(-percentile)
        thetas = [most * k / STEPS for k in range(1, STEPS + 1)] if most > 0.0 else []
        return min(((math.log1p(own.grown(theta)) + late) / theta for theta in thetas), default=math.inf)
