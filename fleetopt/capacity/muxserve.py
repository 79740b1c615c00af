"""MuxServe's estimator: the requests/s of models on GPUs of their own, and of models that share them.

A batch of B_i requests of model i is prefilled in T_pre,i and decoded in L_i steps of T_dec,i. Prefills of all models
run one after another, decodes side by side, each on the share of the GPUs that it has (Duan et al., arXiv
2404.02015).

    alone      tpt_i = B_i / (L_i T_dec,i + T_pre,i)
    together   tpt_i = B_i / (L_i T_dec,i(share_i) + sum_j T_pre,j)

Of this follows what `bundles` asks. Where each model prefills what it decodes, B_j = tpt_j cycle, the prefills
of a cycle take the part rho = sum_j tpt_j s_j of it, s_j seconds each, so that a request stays L_i T_dec,i / (1 - rho).
"""

from __future__ import annotations

from collections.abc import Iterable


def alone_rps(batch: float, output_tokens: float, decode_s: float, prefill_s: float) -> float:
    """Requests/s of a model by itself.

    Args:
        batch: requests in it at a time.
        output_tokens: of each.
        decode_s: of a step of the batch.
        prefill_s: of the whole batch.

    >>> alone_rps(8, 100, 0.02, 0.4)
    3.3333333333333335
    """
    return batch / (output_tokens * decode_s + prefill_s)


def together_rps(batch: float, output_tokens: float, decode_s: float, prefills_s: Iterable[float]) -> float:
    """Requests/s of a model beside others: its decode step on its share, behind everybody's prefills.

    >>> together_rps(8, 100, 0.02, [0.4, 1.6])
    2.0
    """
    return batch / (output_tokens * decode_s + sum(prefills_s))


def stay_s(output_tokens: float, decode_s: float, prefilling: float) -> float:
    """Seconds in decode of a request when prefills take a part of all time.

    The estimator says the same: 2 requests/s of 0.2 s and 1 of 0.4 s prefill 0.8 of each second, so that decode of 100
    steps of 20 ms lasts 10 s, 20 and 10 requests are there, and these prefill in 4 and 4 s.

    >>> round(stay_s(100, 0.02, 0.8), 9), round(together_rps(20, 100, 0.02, [4.0, 4.0]), 9)
    (10.0, 2.0)
    """
    return output_tokens * decode_s / (1.0 - prefilling)
