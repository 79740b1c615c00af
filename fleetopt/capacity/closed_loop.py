"""The rate of a closed loop over its concurrency c, by Little's law: rate(c) = c / (time in the system at c).

The time is in two parts, up to the first token and after it. Both run in chords between square roots, so that
between two points the time is a + b sqrt(c) + d c with d >= 0 and the rate turns once at most: at sqrt(c) = -2a / b.
A rate beyond both of the measured ones around it is cut off, because nobody has seen it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from fleetopt.capacity.chords import Chords
from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL, inside, running_maximum

ROOT = 0.5


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Requests/s over the concurrency, through every measured rate."""

    rates: tuple[float, ...]
    parts: tuple[Chords, Chords]

    @classmethod
    def through(cls, concurrencies: Sequence[float], rates: Sequence[float], ttfts_s: Sequence[float]) -> ClosedLoop:
        times = [c / rate for c, rate in zip(concurrencies, rates, strict=True)]
        rest = [time - ttft for time, ttft in zip(times, ttfts_s, strict=True)]
        # Where a rate leaves less time than the first token takes, the two were measured apart: only their sum is used.
        told = all(time > 0.0 for time in rest)
        early, late = (ttfts_s, rest) if told else ([0.0] * len(times), times)
        parts = [Chords.through(concurrencies, values, power=ROOT) for values in (early, late)]
        return cls(tuple(rates), (parts[0], parts[1]))

    @property
    def concurrencies(self) -> tuple[float, ...]:
        return self.parts[0].xs

    def at(self, concurrency: float) -> float:
        concurrency = inside(self.parts[0], concurrency)
        i = bisect_left(self.concurrencies, concurrency)
        if concurrency == self.concurrencies[i]:
            return self.rates[i]
        low, high = sorted(self.rates[i - 1 : i + 1])
        return min(max(self._uncut(concurrency), low), high)

    def best(self, most: float) -> float:
        """The concurrency up to `most` with the largest rate, the larger one of equals."""
        stops = (stop for stop in self.concurrencies if stop < most)
        return max((*stops, most), key=lambda c: (self.at(c), c))

    def smallest(self, rate_rps: float) -> float | None:
        """The smallest measured concurrency with so large a rate; None when none has it."""
        reached, _ = running_maximum(self.rates)
        i = bisect_left(reached, rate_rps * (1.0 - EQUAL))
        if i == len(self.rates):
            return None
        if i == 0:
            return self.concurrencies[0]
        left, right = self.concurrencies[i - 1], self._peak(i - 1)
        if self._uncut(right) <= rate_rps:
            return right
        return last_at_most(self._uncut, left, right, rate_rps)

    def _uncut(self, concurrency: float) -> float:
        return concurrency / sum(part.at(concurrency) for part in self.parts)

    def _peak(self, i: int) -> float:
        """Where the rate stops rising between points i and i + 1, whose later rate is the larger."""
        lines = [part.line(i) for part in self.parts]
        falls = sum(level * slope for level, slope in lines)
        turn = -sum(level * level for level, _ in lines) / falls if falls < 0.0 else math.inf
        return min(turn * turn, self.concurrencies[i + 1])
