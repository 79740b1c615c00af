"""The KV cache of a prompt on its way from prefill to decode, over the fabric of a site.

    bytes    = kv_bytes_per_token * L_in                    of one request; the mean over a mix of lengths
    transfer = seen * bytes / speed                         part of its TTFT, once
    traffic  = rate * bytes                                 of the replicas that send it, and of those that take it

`speed` is that of the hop: between GPUs of a node, or of a node's link to the others; `seen` the part of the transfer
that is not hidden behind prefill. The whole cache is sent, cached prefix included, and one copy of it.

    replica's share of a link = fill * speed * (GPUs set aside for it) / (GPUs of a node)

Source: Zhong et al., DistServe, OSDI 2024: OPT-66B has 64 layers of 9216 values, so that a prompt of 512 tokens has
1.13 GB of KV cache, counted in GiB, and 10 of them a second are 90 Gb/s, in Gibit; 1.21e9 bytes and 96.6e9 bit/s.

>>> per_token = 2 * 64 * 9216 * 2
>>> round(512 * per_token / 2**30, 3), round(gbit_s(10 * 512 * per_token) / 1.073741824)
(1.125, 90)
>>> gbit_s(10 * 512 * per_token)
96.63676416
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fleetopt.capacity.domain import Hop, Reach
from fleetopt.catalog.domain import ModelCard
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.supply_domain import Fabric


def reaches(workload: Workload, card: ModelCard, fabrics: Iterable[Fabric]) -> Iterator[tuple[Reach, Workload]]:
    """A workload with its KV transfer, for each site and hop over which it may hand over."""
    for fabric in fabrics:
        if workload.sites is None or fabric.site in workload.sites:
            for hop, speed in _speeds(fabric):
                seconds = card.kv_bytes_per_token * workload.kv_seen / speed
                yield Reach(fabric.site, hop), replace(workload, kv_transfer_s_per_token=seconds)


def _speeds(fabric: Fabric) -> Iterator[tuple[Hop, float]]:
    if fabric.between_bytes_per_s is not None:
        yield "between", fabric.between_bytes_per_s
    if fabric.inside_bytes_per_s is not None:
        yield "inside", fabric.inside_bytes_per_s


def kv_bytes(workload: Workload, card: ModelCard) -> float:
    """Bytes that prefill hands over for a mean request."""
    return card.kv_bytes_per_token * sum(one.share * one.input_tokens for one in workload.mix)


def gbit_s(bytes_per_s: float) -> float:
    """Gb/s as links count them, 10^9 bits.

    >>> gbit_s(125e6)
    1.0
    """
    return 8.0 * bytes_per_s / 1e9
