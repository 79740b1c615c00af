"""How bursty arrivals are inside the hour.

    index of dispersion   I(w) = sum over windows of (n_i - mean of their hour)^2 / sum over windows of n_i * k/(k-1)
    gaps                  CV^2 = mean of x_j^2 less 1, x_j = gap_j / mean gap of its hour

with n_i arrivals in window i of length w, k windows to the hour (Cox and Lewis, The Statistical Analysis of Series of
Events, 1966). Both are 1 for a Poisson process whose rate is steady inside each hour. Only hours that the trace covers
whole count for I; where there is none, the whole trace is taken for one.
"""

from __future__ import annotations

import numpy as np

from fleetopt.ingest.traces.domain import HOUR_US, Burstiness, Dispersion, Floats, Ints

WINDOWS_S = (1, 10, 60)
SECOND_US = 1_000_000
SHARED = 0.1
"""The share of gaps of zero that tells a coarse clock, whose ticks may waver a little."""


def burstiness(times_us: Ints) -> Burstiness | None:
    """From sorted arrival times; None where there are fewer than two."""
    if len(times_us) < 2:
        return None
    gaps = np.diff(times_us)
    tick_us = _tick_us(gaps)
    indices = tuple(Dispersion(w, _dispersion(times_us, w * SECOND_US, tick_us)) for w in WINDOWS_S)
    return Burstiness(indices, _gap_cv2(times_us, gaps), tick_us / SECOND_US)


def _tick_us(gaps: Ints) -> int:
    """The step of the clock: the smallest gap where many requests share their time, else what divides all gaps."""
    apart = gaps[gaps > 0]
    if not len(apart):
        return 0
    return int(apart.min()) if len(apart) < (1 - SHARED) * len(gaps) else int(np.gcd.reduce(apart))


def _dispersion(times_us: Ints, window_us: int, tick_us: int) -> float | None:
    if not 0 < tick_us <= window_us:
        return None
    first, last = int(times_us[0]), int(times_us[-1])
    begin, block_us = -(-first // HOUR_US) * HOUR_US, HOUR_US
    blocks = (last - begin) // HOUR_US
    if blocks < 1:
        begin, block_us, blocks = first, (last - first) // window_us * window_us, 1
    per_block = block_us // window_us
    if per_block < 2:
        return None
    low, high = np.searchsorted(times_us, (begin, begin + blocks * block_us))
    windows, counts = _runs((times_us[low:high] - begin) // window_us)
    return _pooled(windows // per_block, counts.astype(np.float64), blocks, per_block)


def _runs(values: Ints) -> tuple[Ints, Ints]:
    """The values of a sorted array, and how often each comes."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    return values[starts], np.diff(starts, append=len(values))


def _pooled(block: Ints, counts: Floats, blocks: int, per_block: int) -> float | None:
    """Windows without arrivals are no entries of `counts`; the sums make up for them."""
    arrivals = float(counts.sum())
    if not arrivals:
        return None
    by_block = np.bincount(block, weights=counts, minlength=blocks)
    squares = float((counts**2).sum()) - float((by_block**2).sum()) / per_block
    return max(0.0, squares) / arrivals * per_block / (per_block - 1)


def _gap_cv2(times_us: Ints, gaps: Ints) -> float | None:
    """Each hour's mean is 1 on its own scale, so the variance is the mean square less 1."""
    _, counts = _runs(times_us[:-1] // HOUR_US)
    starts = np.cumsum(counts) - counts
    totals = np.add.reduceat(gaps, starts).astype(np.float64)
    squares = np.add.reduceat(np.square(gaps, dtype=np.float64), starts)
    uneven = totals > 0
    if not uneven.any():
        return None
    scaled = squares[uneven] * (counts[uneven] / totals[uneven]) ** 2
    return max(0.0, float(scaled.sum() / counts[uneven].sum()) - 1.0)
