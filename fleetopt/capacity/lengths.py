"""Token lengths: which are the same, and how many input tokens a request really puts through prefill."""

from __future__ import annotations

from fleetopt.scenario.domain import Workload, mean_in_decode

# Benchmarks at "1024" tokens deliver a few more or fewer; a measured length stands for its neighbourhood.
SAME_LENGTH = 0.01


def is_same(length: float, measured: float) -> bool:
    """Whether two lengths differ by at most one percent of the measured one.

    >>> is_same(1030, 1024), is_same(1040, 1024)
    (True, False)
    """
    return abs(length - measured) <= SAME_LENGTH * measured


def covers(measured: float, length: float) -> bool:
    """Whether evidence at the measured length holds for `length`: it is at least as long, or the same."""
    return measured >= length or is_same(length, measured)


def uncached(input_tokens: float, workload: Workload) -> float:
    """Input tokens of a prompt that prefill computes: L_in (1 - prefix cache hit rate), and at least the last one.

    The engine computes the last token of a prompt even when all of it is cached, to get the first output token.
    """
    return max(1.0, input_tokens * (1.0 - workload.prefix_cache_hit_rate))


def effective_input(workload: Workload) -> float:
    """Input tokens per request that prefill computes, the mean over the mix."""
    return sum(one.share * uncached(one.input_tokens, workload) for one in workload.mix)


def mean_context(workload: Workload) -> float:
    """Mean tokens in the KV cache of a request in decode, cached prefix included: L_in + L_out / 2 for one length.

    Over a mix, requests are found in decode in proportion to how long they stay there, which is to their output:
    sum(share L_out (L_in + L_out / 2)) / sum(share L_out).
    """
    return mean_in_decode(workload.mix, lambda one: one.half_way_tokens)


def mean_reserved(workload: Workload) -> float:
    """Mean full length of the requests in decode: what an engine keeps KV memory free for."""
    return mean_in_decode(workload.mix, lambda one: one.tokens)
