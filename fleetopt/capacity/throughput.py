"""From the time per output token of a batch to the tokens per second it makes: batch / TPOT(batch).

Batches are mean occupancies, so they need not be whole: a replica that holds 34.29 requests on average holds 34 or
35 at a time. Throughput usually grows with the batch. Where it falls again, a replica that is asked for less
than its peak settles at the smaller of the batches that make that much, so the peak below a limit is what
the limit allows.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from fleetopt.capacity.crossing import last_at_most
from fleetopt.capacity.curves import EQUAL, Curve

CURVES = 4096
"""Of how many curves the stops are kept: a plan asks the same few thousands of times."""


def tokens_per_s(tpot: Curve, batch: float) -> float:
    """Output tokens/s of a mean batch; below the smallest measured one, TPOT is taken no better than there."""
    return batch / tpot.at(max(batch, tpot.first))


def best_batch(tpot: Curve, most: float) -> float:
    """The batch up to `most` that makes the most tokens/s; the larger one of equals."""
    stops = [stop for stop in tpot.ratio_turns() if stop < most]
    return max((*stops, most), key=lambda batch: (tokens_per_s(tpot, batch), batch))


def smallest_batch(tpot: Curve, wanted_tokens_per_s: float) -> float | None:
    """The smallest batch that makes so many tokens/s; None when no measured batch does."""
    stops = _stops(tpot)
    first, made = stops[0]
    if wanted_tokens_per_s * (1.0 - EQUAL) <= made:
        return min(first, wanted_tokens_per_s * tpot.at(first))
    for (left, _), (right, made) in pairwise(stops):
        if made >= wanted_tokens_per_s * (1.0 - EQUAL):
            return _between(tpot, left, right, wanted_tokens_per_s)
    return None


@lru_cache(maxsize=CURVES)
def _stops(tpot: Curve) -> tuple[tuple[float, float], ...]:
    """The batches between which throughput only rises or only falls, with their tokens/s."""
    return tuple((stop, tokens_per_s(tpot, stop)) for stop in tpot.ratio_turns())


def _between(tpot: Curve, left: float, right: float, wanted_tokens_per_s: float) -> float:
    if tokens_per_s(tpot, right) <= wanted_tokens_per_s:
        return right
    return last_at_most(lambda batch: tokens_per_s(tpot, batch), left, right, wanted_tokens_per_s)
