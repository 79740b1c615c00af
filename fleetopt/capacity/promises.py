"""What a replica carries where a latency is promised at several statistics, or from end to end: the least of all.

Each promise is asked for by itself. A rate at which one holds, all lower ones hold too, so that the least rate keeps
all of them. An end-to-end promise is kept by any one of the TPOTs that are enough for it (`scenario.end_to_end`); of
these the replica has the one that lets it carry most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from fleetopt.capacity.domain import Capacity, FurtherPromise, PoolSize, Rejection
from fleetopt.catalog.domain import Role
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.end_to_end import enough
from fleetopt.units import Latency

Answer: TypeAlias = Capacity | Rejection


def carried(workload: Workload, role: Role, answer: Callable[[Workload], Answer]) -> Answer:
    """What a replica carries under all promises; latencies are told at the first of each kind."""
    plain = replace(workload, further_ttft=(), further_tpot=(), e2e=())
    first = answer(plain)
    if isinstance(first, Rejection):
        return first
    found, further = [first], []
    for choices in _others(workload, plain, role):
        if not choices:
            reason = "no TTFT that is promised leaves time for the tokens of what is promised from end to end"
            return Rejection(workload.name, first.candidate, "outside-profile", reason, None)
        best = _best(choices, answer)
        if isinstance(best, Rejection):
            return best
        found.append(best)
        if choices[0][1] in (*workload.further_ttft, *workload.further_tpot):
            asked, promise, _ = choices[0]
            further.append(FurtherPromise("ttft" if asked.ttft is promise else "tpot", promise, best.model))
    return replace(_all_kept(found), further=tuple(further))


def _others(workload: Workload, plain: Workload, role: Role) -> Iterator[tuple[tuple[Workload, Latency, str], ...]]:
    """Every other promise that the role has a part in: the workloads of which one is to be carried."""
    for ttft in workload.further_ttft if role != "decode" else ():
        yield ((replace(plain, ttft=ttft), ttft, ""),)
    if role == "prefill":
        return
    for tpot in workload.further_tpot:
        yield ((replace(plain, tpot=tpot), tpot, ""),)
    ttfts = [*([workload.ttft] if workload.ttft else []), *workload.further_ttft]
    for whole in workload.e2e:
        said = f"the end-to-end time of {whole.limit_s:.4g} s at {whole.at} is kept by TTFT and by TPOT"
        rests = enough(whole, ttfts, workload.output_tokens)
        yield tuple((replace(plain, tpot=one), one, f"{said} {1e3 * one.limit_s:.4g} ms at {one.at}") for one in rests)


def _best(choices: Sequence[tuple[Workload, Latency, str]], answer: Callable[[Workload], Answer]) -> Answer:
    best: Answer | None = None
    for asked, promise, said in choices:
        found = answer(asked)
        if isinstance(found, Rejection):
            best = best or replace(found, promise=promise)
        elif not isinstance(best, Capacity) or found.capacity_rps > best.capacity_rps:
            best = replace(found, assumptions=(*found.assumptions, *([said] if said else [])))
    assert best is not None
    return best


def _all_kept(found: Sequence[Capacity]) -> Capacity:
    first, least = found[0], min(found, key=lambda one: one.capacity_rps)
    shared = [one.shared for one in found if one.shared is not None]
    return replace(
        least,
        raw_tokens_per_s=first.raw_tokens_per_s,
        ttft_floor_s=first.ttft_floor_s,
        assumptions=tuple(dict.fromkeys(said for one in found for said in one.assumptions)),
        model=first.model,
        pools=_pools([one.pools for one in found]),
        shared=min(shared, key=lambda one: one.capacity_rps) if len(shared) == len(found) else None,
    )


def _pools(found: Sequence[tuple[PoolSize, ...]]) -> tuple[PoolSize, ...]:
    """At each size the least; between two sizes a pool carries what the smaller does."""
    if not all(found):
        return ()
    sizes = sorted({one.replicas for pools in found for one in pools})
    return tuple(
        PoolSize(size, min(max(one.capacity_rps for one in pools if one.replicas <= size) for pools in found))
        for size in sizes
    )
