"""Every promise of a workload by itself: what a replica is to keep, in the words of workloads with one promise each.

TTFT, TPOT   each pair of those that are promised
end to end   X at p of n tokens: for some TTFT that is promised, a at q, n - 1 steps of TPOT take X - a. At the mean,
             both are means; else the requests that are late, 1 - q, and those that are slow are at most 1 - p
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency


def kept_by(workload: Workload, role: Role) -> Iterator[list[Workload]]:
    """For each promise the workloads of which a replica of the role must be good for one."""
    starts = [workload.ttft, *workload.further_ttft] if role != "decode" else [workload.ttft]
    paces = [workload.tpot, *workload.further_tpot] if role != "prefill" else [workload.tpot]
    bare = replace(workload, further_ttft=(), further_tpot=(), e2e=())
    for ttft, tpot in product(starts, paces):
        yield [replace(bare, ttft=ttft, tpot=tpot)]
    for whole in workload.e2e if role != "prefill" else ():
        yield [replace(bare, tpot=pace) for pace in _paces(workload, whole)]


def _paces(workload: Workload, whole: Latency) -> Iterator[Latency]:
    steps = workload.output_tokens - 1.0
    for start in (workload.ttft, *workload.further_ttft):
        if start is None or steps <= 0.0 or start.limit_s >= whole.limit_s:
            continue
        step_s = (whole.limit_s - start.limit_s) / steps
        if whole.percentile is None and start.percentile is None:
            yield Latency(step_s)
        elif whole.percentile is not None and start.percentile is not None and start.percentile > whole.percentile:
            slow = (1.0 - whole.percentile) - (1.0 - start.percentile)
            yield Latency(step_s, 1.0 - slow)
