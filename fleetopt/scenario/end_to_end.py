"""End-to-end promises, kept by two others: TTFT, and the time of the tokens after the first.

    E2E = TTFT + (L_out - 1) TPOT

    mean          TTFT <= a and TPOT <= (X - a) / (L_out - 1), both at the mean
    percentile p  TTFT <= a at p' > p and TPOT <= (X - a) / (L_out - 1) at 1 - (p' - p)

so that at most 1 - p' of the requests start too late and p' - p go on too slowly, 1 - p together (the union bound): it
holds however late starts and slow steps come together. Each TTFT that is promised gives one such TPOT; any one of them
is enough.
"""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.units import Latency


def enough(whole: Latency, ttfts: Iterable[Latency], output_tokens: float) -> tuple[Latency, ...]:
    """The TPOTs of which each keeps an end-to-end promise beside the TTFTs; none where none of these leaves time.

    >>> [one] = enough(Latency(10.0, 0.5), [Latency(2.0, 0.9), Latency(1.0, 0.4)], 101.0)
    >>> one.limit_s, one.at
    (0.08, 'p60')
    """
    if output_tokens <= 1.0:
        return ()
    found = []
    for ttft in ttfts:
        left_s = whole.limit_s - ttft.limit_s
        at = _rest(whole.percentile, ttft.percentile)
        if left_s > 0.0 and at is not None:
            found.append(Latency(left_s / (output_tokens - 1.0), at[0]))
    return tuple(found)


def _rest(whole: float | None, ttft: float | None) -> tuple[float | None] | None:
    """The statistic at which TPOT is to hold; None where a TTFT says nothing about the whole."""
    if whole is None or ttft is None:
        return (None,) if whole is ttft else None
    return (round(1.0 - (ttft - whole), 12),) if ttft > whole else None
