"""Are the reported figures of every workload, role and placement what the replicas come to?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fleetopt.catalog.domain import Role
from fleetopt.plan.domain import Check, Placement, RoleOutcome, WorkloadOutcome
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency
from fleetopt.verify.allowed import place
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.network import GBIT, kv_bytes
from fleetopt.verify.tally import RELATIVE, Tally, allowance
from fleetopt.verify.traffic import Traffic
from fleetopt.verify.work import works_are_true

Figures = Iterator[tuple[str, float | None, float | None]]
"""Name, stated, computed."""


def outcomes_are_true(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> Check:
    """One outcome for every workload and time, with every figure as computed from the placements."""
    tally = Tally("outcomes_are_true", "", nothing="no workloads")
    for row in facts.plan.placements:
        time = row.period, row.slot, row.outlook
        _compare(tally, place(row), _of_placement(row, flows[row.workload, time]))
    outcomes = {(row.workload, (row.period, row.slot, row.outlook)): row for row in facts.plan.workloads}
    for (name, time), flow in flows.items():
        where, outcome = f"{name} in {named(time)}", outcomes.get((name, time))
        if outcome is None:
            tally.fail(f"{where}: no outcome")
            continue
        rows, workload = facts.placements.get((name, time), []), facts.workloads[name]
        _compare(tally, where, _of_workload(outcome, workload, flow))
        _compare(tally, where, _of_latencies(outcome, workload, flow, rows))
        _compare(tally, where, _of_efficiency(facts, outcome, flow, rows))
        for fault in (*_promise_faults(outcome, workload), *_role_faults(outcome)):
            tally.fail(f"{where}: {fault}")
        for stated in _roles(outcome, rows):
            mine = [placement for placement in rows if placement.role == stated.role]
            _compare(tally, f"{where}, {stated.role}", _of_role(stated, workload, flow, mine))
    works_are_true(facts, flows, tally)
    return tally.check()


def _compare(tally: Tally, where: str, figures: Figures) -> None:
    for name, stated, computed in figures:
        if stated is not None and computed is not None:
            tally.same(stated, computed, allowance(stated, computed), f"{where}: {name}")
        elif stated is not computed:
            tally.fail(f"{where}: {name} is {stated}, computed {computed}")


def _of_placement(row: Placement, flow: Traffic) -> Figures:
    load = flow.load_rps(row)
    yield "load_rps", row.load_rps, load
    yield "utilization", row.utilization, load / row.capacity_rps if row.capacity_rps > 0 else 0.0


def _of_workload(row: WorkloadOutcome, workload: Workload, flow: Traffic) -> Figures:
    yield "asked_rps", row.asked_rps, flow.asked
    yield "planned_rps", row.planned_rps, flow.planned
    yield "achieved_rps", row.achieved_rps, flow.achieved
    yield "served_rps", row.served_rps, flow.served
    yield "shortfall_rps", row.shortfall_rps, flow.shortfall
    yield "asked_tokens_per_s", row.asked_tokens_per_s, flow.asked * workload.tokens_per_request
    yield "achieved_tokens_per_s", row.achieved_tokens_per_s, flow.achieved * workload.tokens_per_request
    yield "headroom", row.headroom, flow.achieved / flow.asked - 1.0 if flow.asked > 0 else 0.0


def _of_latencies(row: WorkloadOutcome, workload: Workload, flow: Traffic, rows: list[Placement]) -> Figures:
    """The worst latencies of the placements that carry load, and the limits less those."""
    loaded = [placement for placement in rows if placement.replicas and flow.load_rps(placement) > 0]
    ttft_s = max((p.ttft_s for p in loaded if p.ttft_s is not None), default=None)
    tpot_s = max((p.tpot_s for p in loaded if p.tpot_s is not None), default=None)
    yield "ttft_s", row.ttft_s, ttft_s
    yield "tpot_s", row.tpot_s, tpot_s
    yield "ttft_limit_s", row.ttft_limit_s, None if workload.ttft is None else workload.ttft.limit_s
    yield "tpot_limit_s", row.tpot_limit_s, None if workload.tpot is None else workload.tpot.limit_s
    yield "ttft_margin_s", row.ttft_margin_s, _margin(workload.ttft, ttft_s)
    yield "tpot_margin_s", row.tpot_margin_s, _margin(workload.tpot, tpot_s)


def _of_efficiency(facts: Facts, row: WorkloadOutcome, flow: Traffic, rows: list[Placement]) -> Figures:
    """Requests/s per GPU, and what goes over the network; plans made before these were told state neither."""
    gpus = sum(placement.replicas * placement.gpus_per_replica for placement in rows)
    if row.goodput_rps_per_gpu is not None:
        yield "goodput_rps_per_gpu", row.goodput_rps_per_gpu, flow.achieved / gpus if gpus > 0 else None
    if row.kv_gbit_s is not None:
        sent = sum(p.replicas * flow.load_rps(p) for p in rows if p.role == "prefill" and p.pattern is None)
        wired = bool(facts.scenario.supply.fabrics)
        yield "kv_gbit_s", row.kv_gbit_s, sent * kv_bytes(facts, row.workload) / GBIT if wired else None


def _margin(promise: Latency | None, value: float | None) -> float | None:
    return None if promise is None or value is None else promise.limit_s - value


def _promise_faults(row: WorkloadOutcome, workload: Workload) -> Iterator[str]:
    for name, stated, promise in (("ttft_at", row.ttft_at, workload.ttft), ("tpot_at", row.tpot_at, workload.tpot)):
        asked = None if promise is None else promise.at
        if stated != asked:
            yield f"{name} is {stated}, asked {asked}"
    yield from _further_faults(row, workload)
    if row.priority != workload.priority:
        yield f"priority is {row.priority}, asked {workload.priority}"


def _further_faults(row: WorkloadOutcome, workload: Workload) -> Iterator[str]:
    """Every further promise is told with its limit, kept, and no quicker at a higher percentile than at a lower one."""
    asked = [("ttft", one.at, one.limit_s) for one in workload.further_ttft]
    asked += [("tpot", one.at, one.limit_s) for one in workload.further_tpot]
    if [(one.what, one.at, one.limit_s) for one in row.further] != asked:
        yield "the promises beside the first ones are not those that were asked for"
        return
    firsts = (("ttft", workload.ttft, row.ttft_s), ("tpot", workload.tpot, row.tpot_s))
    told = [(what, first.percentile, value) for what, first, value in firsts if first is not None]
    limits = (*workload.further_ttft, *workload.further_tpot)
    told += [(one.what, limit.percentile, one.delivered_s) for one, limit in zip(row.further, limits, strict=True)]
    for one in row.further:
        if one.delivered_s is not None and one.delivered_s > one.limit_s * (1.0 + RELATIVE):
            yield f"{one.what} of {one.delivered_s:.6g} s at {one.at} is more than {one.limit_s:.6g} s"
    known = sorted((what, at, value) for what, at, value in told if at is not None and value is not None)
    for (what, lower, less), (same, higher, more) in pairwise(known):
        if what == same and more < less * (1.0 - RELATIVE):
            yield f"{what} is {less:.6g} s at p{100 * lower:g} and {more:.6g} s at p{100 * higher:g}"


def _role_faults(outcome: WorkloadOutcome) -> Iterator[str]:
    if len({row.role for row in outcome.roles}) < len(outcome.roles):
        yield "a role stands twice"


def _roles(outcome: WorkloadOutcome, rows: list[Placement]) -> Iterator[RoleOutcome]:
    """The roles stated, and those unmentioned that do have replicas."""
    yield from outcome.roles
    for role in sorted({row.role for row in rows if row.replicas} - {row.role for row in outcome.roles}):
        yield _nothing(role)


def _nothing(role: Role) -> RoleOutcome:
    zero = dict.fromkeys(("needed_replicas", "carried_rps", "capacity_rps", "tokens_per_s", "utilization"), 0.0)
    return RoleOutcome(role=role, replicas=0, gpus=0, **zero)


def _of_role(row: RoleOutcome, workload: Workload, flow: Traffic, rows: list[Placement]) -> Figures:
    """Sums over the role's replicas; needed replicas = replicas x (planned x carried / served) / capacity."""
    replicas = sum(placement.replicas for placement in rows)
    working = [placement.replicas - placement.lost_replicas for placement in rows]
    capacity = sum(count * placement.capacity_rps for count, placement in zip(working, rows, strict=True))
    carried = sum(count * flow.load_rps(placement) for count, placement in zip(working, rows, strict=True))
    share = flow.planned * carried / flow.served if flow.served > 0 else 0.0
    yield "replicas", row.replicas, replicas
    yield "gpus", row.gpus, sum(placement.replicas * placement.gpus_per_replica for placement in rows)
    yield "capacity_rps", row.capacity_rps, capacity
    yield "carried_rps", row.carried_rps, carried
    yield "utilization", row.utilization, carried / capacity if capacity > 0 else 0.0
    yield "needed_replicas", row.needed_replicas, replicas * share / capacity if capacity > 0 else 0.0
    yield "tokens_per_s", row.tokens_per_s, capacity * _tokens(workload, row.role)


def _tokens(workload: Workload, role: Role) -> float:
    """Tokens of a request that a replica of the role works on."""
    if role == "prefill":
        return sum(b.share * max(1.0, b.input_tokens * (1.0 - workload.prefix_cache_hit_rate)) for b in workload.mix)
    return workload.output_tokens if role == "decode" else workload.tokens_per_request
