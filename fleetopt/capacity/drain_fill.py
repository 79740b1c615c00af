"""DOPD's ratio of prefill to decode replicas that follows the load (arXiv 2511.20982, section 4).

    C      =  floor(KV tokens / (L_in + L_out / 2))         requests that a decode replica holds
    drain  =  C / (L_out TPOT)                              requests/s that leave a full decode replica
    fill   =  1 / TTFT(L_in)                                requests/s that a prefill replica sends on
    D      =  ceil(running / C)                             decode replicas for the requests that run at once
    P      =  ceil(D drain / fill)                          prefill replicas that keep them full

The ratio drain : fill is that of one decode replica. The published code scales P wrongly where there is more than one;
here P is D times the ratio, rounded last. What C and TPOT are of a serving config is in `load_ratio`.

    >>> held = requests_held(100_000, 3000, 500)
    >>> held, round(drain_rps(held, 500, 0.04), 2), round(fill_rps(0.5), 2)
    (30, 1.5, 2.0)
    >>> load_ratio(running=75, held=held, drain=1.5, fill=2.0)
    LoadRatio(prefill=3, decode=3)
"""

from __future__ import annotations

import math
from typing import NamedTuple


class LoadRatio(NamedTuple):
    """Replicas of each role that a load asks for."""

    prefill: int
    decode: int


def requests_held(kv_tokens: float, input_tokens: float, output_tokens: float) -> int:
    """Requests that the KV memory of a decode replica holds, each halfway through its output.

    >>> requests_held(10_000, 900, 200)
    10
    """
    return math.floor(kv_tokens / (input_tokens + output_tokens / 2.0))


def drain_rps(held: float, output_tokens: float, tpot_s: float) -> float:
    """Requests/s that leave a decode replica with so many running.

    >>> drain_rps(30, 500, 0.04)
    1.5
    """
    return held / (output_tokens * tpot_s)


def fill_rps(ttft_s: float) -> float:
    """Requests/s that a prefill replica sends on, one prompt after another.

    >>> fill_rps(0.25)
    4.0
    """
    return 1.0 / ttft_s


def load_ratio(running: float, held: int, drain: float, fill: float) -> LoadRatio:
    """Replicas for so many requests that run at once; none where nothing runs.

    Args:
        running: requests in decode at once, which is their rate x L_out x TPOT (Little's law).
        held: requests that a decode replica holds, at least one.
        drain: requests/s that leave one of them.
        fill: requests/s that a prefill replica sends on.
    """
    decode = _whole(running / held)
    return LoadRatio(_whole(decode * drain / fill), decode)


def _whole(replicas: float) -> int:
    """The next whole number; what is whole but for the last digits stays so.

    >>> _whole(2.9), _whole(3.0000000000000004)
    (3, 3)
    """
    return math.ceil(replicas - 1e-9)
