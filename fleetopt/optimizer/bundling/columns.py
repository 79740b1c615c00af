"""Bundles as options: each member has one, and all members of a bundle together the whole groups that are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fleetopt.capacity.bundles import Member, Outcome
from fleetopt.capacity.domain import AtLoad, Capacity, SharedRate
from fleetopt.catalog.domain import Candidate
from fleetopt.optimizer.bundling.choice import choose
from fleetopt.optimizer.bundling.domain import Bundle
from fleetopt.optimizer.credit import most_lost
from fleetopt.optimizer.options import Option, Pool
from fleetopt.optimizer.packing import gpus_set_aside
from fleetopt.scenario.domain import Scenario

Options = Mapping[str, tuple[Option, ...]]


class SteadyLoad:
    """Latencies that hold up to the rate of a bundle, whatever the load."""

    def __init__(self, latencies: AtLoad) -> None:
        self._latencies = latencies

    def at(self, rps: float, replicas: int = 1) -> AtLoad:  # noqa: ARG002 - a bundle is judged at its rates
        return self._latencies


def with_bundles(
    scenario: Scenario, pools: list[Pool], planned: Mapping[tuple[str, str, str, str], float], options: Options
) -> tuple[dict[str, tuple[Option, ...]], tuple[str, ...]]:
    """The options of dedicated replicas and of bundles, with what was assumed; as before where none is allowed."""
    if scenario.bundles is None:
        return dict(options), ()
    choice = choose(scenario, pools, planned)
    more: dict[str, list[Option]] = {name: [] for name in options}
    aside = _set_aside(scenario, choice.bundles, options)
    slowed = {outlook.name: outlook.capacity_factor for outlook in scenario.calendar.outlooks}
    up = 1.0 - most_lost(scenario)
    peaks = {
        w.name: max(planned[w.name, *time] / slowed[time[2]] for time in w.demand_rps) / up for w in scenario.workloads
    }
    used: list[Bundle] = []
    for bundle in choice.bundles:
        node_gpus = aside.get((bundle.shape.pool[0], bundle.shape.group.gpus))
        if node_gpus is None:
            continue
        used.append(bundle)
        label = f"bundle {len(used)}"
        for one, outcome, part in zip(bundle.members, bundle.outcomes, bundle.parts, strict=True):
            more[one.workload.name].append(_option(bundle, label, node_gpus, (one, outcome, part), peaks))
    return {name: (*found, *more[name]) for name, found in options.items()}, _said(scenario, used, choice.found)


def _set_aside(scenario: Scenario, bundles: tuple[Bundle, ...], options: Options) -> dict[tuple[str, int], int]:
    """GPUs of a node that a group takes; none where counting it would make dedicated replicas take more of theirs."""
    known: dict[str, dict[int, int]] = {}
    for found in options.values():
        for option in found:
            known.setdefault(option.pool[0], {})[option.capacity.candidate.config.gpus_per_replica] = option.node_gpus
    aside: dict[tuple[str, int], int] = {}
    for node_type, gpus in sorted({(one.shape.pool[0], one.shape.group.gpus) for one in bundles}):
        before = known.setdefault(node_type, {})
        after = gpus_set_aside({*before, gpus}, scenario.node_types[node_type].gpus_per_node)
        if all(after[size] == kept for size, kept in before.items()):
            aside[node_type, gpus] = before[gpus] = after[gpus]
    return aside


def _option(
    bundle: Bundle, label: str, node_gpus: int, member: tuple[Member, Outcome, float], peaks: Mapping[str, float]
) -> Option:
    one, outcome, part = member
    rps = outcome.rps / part
    groups = max(1, math.ceil(peaks[one.workload.name] / outcome.rps - 1e-9))
    capacity = _capacity(bundle, one, outcome, rps)
    where = bundle.shape.pool
    return Option(label, capacity, where, node_gpus, rps, 1, part * groups, label, part=part, bundle=bundle.kind)


def _capacity(bundle: Bundle, one: Member, outcome: Outcome, rps: float) -> Capacity:
    promised, paced = one.workload.ttft is not None, one.workload.tpot is not None
    latencies = AtLoad(outcome.ttft_s if promised else None, outcome.tpot_s if paced else None)
    tokens = one.workload.tokens_per_request
    return Capacity(
        workload=one.workload.name,
        candidate=Candidate(one.config, "aggregated", one.evidence.profile),
        raw_tokens_per_s=max(bundle.shape.alone_rps.get(one.workload.name, 0.0), outcome.rps) * tokens,
        slo_tokens_per_s=outcome.rps * tokens,
        capacity_rps=rps,
        batch=outcome.batch,
        binds="bundle",
        ttft_floor_s=None,
        assumptions=one.notes,
        model=SteadyLoad(latencies),
        shared=SharedRate(rps, latencies),
        error=one.error,
    )


def _said(scenario: Scenario, used: list[Bundle], found: int) -> tuple[str, ...]:
    """What a reader must know of the bundles that were tried."""
    allowed = scenario.bundles
    assert allowed is not None
    if not used:
        return ("bundles are allowed, and none keeps its promises",)
    source = f" ({allowed.source})" if allowed.source else ""
    said = [
        f"{len(used)} bundles were tried, of {found} undominated ones that were grown; others might be cheaper",
        f"a decode step in a bundle lengthens by {100 * allowed.interference:g} % of the others' steps{source}",
    ]
    if allowed.swapping is not None and any(one.kind == "swapped" for one in used):
        speed = f"{allowed.swapping.host_link_bytes_per_s / 1e9:g} GB/s into each GPU"
        said.append(f"swapped models load their weights at {speed} before every request ({allowed.swapping.source})")
    if allowed.spatial is not None and any(one.kind == "spatial" for one in used):
        shares = {
            f"{m.config.name} {100 * m.config.gpu_share:g} %" for b in used if b.kind == "spatial" for m in b.members
        }
        longer = f"{100 * allowed.spatial.slowdown:g} % longer beside others"
        said.append(
            f"spatial members take {longer} ({allowed.spatial.source}); of each GPU: {', '.join(sorted(shares))}"
        )
    return tuple(said)
