r"""The queue model by which llm-inferno says what one replica carries, written from its equations.

Source: llm-inferno/queue-analysis, pkg/analyzer and pkg/queue, and llm-inferno/optimizer-light, pkg/core (Apache-2.0).
A replica runs up to N requests at once, i input and o output tokens each; ms throughout.

- An iteration over n requests takes  T(n) = alpha + n (beta (i+o)/(o+1) + gamma (i + o/2)).
- Prefill takes  P(n) = T(n) + (beta + gamma) i, nothing where i = 0.
- One output token takes  D(n) = T(n) + beta + gamma (i + o/2).
- n requests leave at the rate  mu(n) = n / (P(n) + o D(n)),  and at mu(N) where more are there.
- Arrivals are Poisson at the rate lambda, and at most K = N + Q are in the system: a birth-death chain with
  p(n) / p(n-1) = lambda / mu(n).  L = sum n p(n),  S = sum min(n, N) p(n),  throughput X = lambda (1 - p(K)).
- Wait W = (L - S) / X;  ITL = (S/X - P(S)) / o;  TTFT = W + P(S) + ITL.

The rate of a replica is the throughput at the largest lambda at which every target holds, at most 0.999 mu(N); a
target on tokens/s keeps it 10 % below that. There is none where a target fails at 0.001 mu(1) already.
N = maxBatchSize x atTokens / o, rounded down, at least 1. Q = 10 N, as in the releases up to the one behind our
sample answers; the later ones let each server choose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUEUE_PER_BATCH = 10
LARGEST_BATCH = 4096
_MARGIN = 1e-3
_TPS_MARGIN = 0.1
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Parameters:
    """How long iterations take: ms, ms per token computed, ms per token of KV cache read."""

    alpha_ms: float
    beta_ms: float
    gamma_ms: float


@dataclass(frozen=True, slots=True)
class Targets:
    """What a service class promises for a model; None where it promises nothing."""

    ttft_ms: float | None = None
    itl_ms: float | None = None
    tokens_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a replica does at a rate: ms, and requests/s that get through."""

    ttft_ms: float
    itl_ms: float
    rate_rps: float


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica: its parameters, its largest batch, and the mean lengths of its requests."""

    parameters: Parameters
    largest_batch: int
    input_tokens: float
    output_tokens: float

    def iteration_ms(self, n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """T(n)."""
        i, o, p = self.input_tokens, self.output_tokens, self.parameters
        return p.alpha_ms + n * (p.beta_ms * (i + o) / (o + 1) + p.gamma_ms * (i + o / 2))

    def prefill_ms(self, n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """P(n)."""
        p = self.parameters
        return self.iteration_ms(n) + (p.beta_ms + p.gamma_ms) * self.input_tokens if self.input_tokens else 0.0 * n

    def rates_per_ms(self) -> npt.NDArray[np.float64]:
        """mu(1) to mu(N)."""
        n = np.arange(1.0, self.largest_batch + 1)
        p, o = self.parameters, self.output_tokens
        token_ms = self.iteration_ms(n) + p.beta_ms + p.gamma_ms * (self.input_tokens + o / 2)
        return n / (self.prefill_ms(n) + o * token_ms)


def largest_batch(at_most: int, at_tokens: int, output_tokens: float) -> int:
    """N for requests of a length, from the batch that is stated at another one.

    >>> largest_batch(102, 512, 1024)
    51
    """
    return max(int(at_most * at_tokens // output_tokens), 1)


def state_at(replica: Replica, rate_per_ms: float, mu: npt.NDArray[np.float64]) -> State:
    """What the replica does at an arrival rate, given its service rates."""
    top = replica.largest_batch
    size = top * (1 + QUEUE_PER_BATCH)
    steps = np.log(rate_per_ms) - np.log(np.concatenate([mu, np.full(size - top, mu[-1])]))
    weights = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(weights - weights.max())
    chances /= chances.sum()
    present = np.arange(size + 1.0)
    throughput = rate_per_ms * (1.0 - float(chances[-1]))
    served = float(chances @ np.minimum(present, top))
    wait_ms = max((float(chances @ present) - served) / throughput, 0.0)
    prefill_ms = float(replica.prefill_ms(np.array([served]))[0])
    itl_ms = (served / throughput - prefill_ms) / replica.output_tokens
    return State(wait_ms + prefill_ms + itl_ms, itl_ms, 1000.0 * throughput)


def carried(replica: Replica, targets: Targets) -> State | None:
    """The replica at the largest rate inside the targets; None where it meets them at no rate."""
    mu = replica.rates_per_ms()
    least, most = _MARGIN * float(mu[0]), (1.0 - _MARGIN) * float(mu[-1])

    def holds(rate_per_ms: float) -> bool:
        state = state_at(replica, rate_per_ms, mu)
        return all(
            limit is None or value <= limit
            for value, limit in ((state.ttft_ms, targets.ttft_ms), (state.itl_ms, targets.itl_ms))
        )

    if not holds(least):
        return None
    rate = most if holds(most) else _last(holds, least, most)
    if targets.tokens_per_s is not None:
        rate = min(rate, (1.0 - _TPS_MARGIN) * most)
    return state_at(replica, rate, mu)


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The largest rate that holds, between one that does and one that does not."""
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
