"""Service of prefill: how long one prompt keeps a server busy, over a workload's mix of lengths.

A part is a share of the requests that are equally long. `after_s` is what a request of the part waits after its
service (KV transfer), which occupies no server and is part of its TTFT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Part:
    """A share (0 to 1] of the requests, its service time (s) and its delay after service (s)."""

    share: float
    service_s: float
    after_s: float = 0.0


@dataclass(frozen=True)
class Service:
    """The parts of a mix; their shares add up to one."""

    parts: tuple[Part, ...]

    @classmethod
    def constant(cls, service_s: float, after_s: float = 0.0) -> Service:
        """Every request equally long."""
        return cls((Part(1.0, service_s, after_s),))

    @cached_property
    def mean_s(self) -> float:
        """E[S]."""
        return self.mean_of(part.service_s for part in self.parts)

    @cached_property
    def after_s(self) -> float:
        """The mean delay after service."""
        return self.mean_of(part.after_s for part in self.parts)

    @cached_property
    def scv(self) -> float:
        """Squared coefficient of variation of the service time, E[S^2]/E[S]^2 - 1; zero when all are alike.

        >>> Service((Part(0.5, 1.0), Part(0.5, 3.0))).scv
        0.25
        """
        second = self.mean_of(part.service_s**2 for part in self.parts)
        return max(0.0, second / self.mean_s**2 - 1.0)

    def mean_of(self, values: Iterable[float]) -> float:
        """The mean of one value per part."""
        return sum(part.share * value for part, value in zip(self.parts, values, strict=True))

    def floor_s(self, percentile: float | None) -> float:
        """Service and what follows it when nobody waits: the mean, or what a fraction of requests stays within."""
        if percentile is None:
            return self.mean_s + self.after_s
        reached = 0.0
        times = sorted((part.service_s + part.after_s, part.share) for part in self.parts)
        for time_s, share in times:
            reached += share
            if reached >= percentile * (1.0 - 1e-12):
                return time_s
        return times[-1][0]
