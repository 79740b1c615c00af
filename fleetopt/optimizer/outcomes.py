"""What whole replicas make of a workload's demand at one time: achieved, served, loaded, delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleetopt.capacity.domain import AtLoad, Capacity, latency_at
from fleetopt.capacity.fabric import gbit_s
from fleetopt.capacity.lengths import effective_input
from fleetopt.catalog.domain import Role
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.ledgers import ServedKey
from fleetopt.optimizer.options import Link, Option
from fleetopt.plan.domain import KeptPromise, Placement, RoleOutcome, WorkloadOutcome
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency

ROLE_ORDER: tuple[Role, ...] = ("prefill", "decode", "aggregated")
"""Roles in the order in which a request meets them."""


@dataclass(frozen=True, slots=True)
class Group:
    """The replicas of one option at one time, a number that is not whole where they are shared.

    Each carries `capability` times what its profile promises; so many are `lost` as others start, over the slot.
    """

    option: Option
    replicas: float
    capability: float = 1.0
    lost: float = 0.0

    @property
    def rps(self) -> float:
        """What one replica carries, less what the outlook takes off it."""
        return self.option.capacity_rps * self.capability

    @property
    def carries(self) -> float:
        return (self.replicas - self.lost) * self.rps


def achieved_rps(groups: list[Group]) -> float:
    """What the replicas carry within the SLO: whole requests, prefill and decode over the same link."""
    return sum(lines_of_service(groups).values(), start=0.0)


def asked_rps(case: PlanningCase, achieved: Mapping[ServedKey, float]) -> dict[ServedKey, float]:
    """What is asked at each time: the demand, and of batch work what its replicas carry there of all they carry.

    Work for which nothing runs is asked evenly over the hours in which it may be done.
    """
    asked = {key: case.workloads[key.workload].demand_rps[key[1:]] for key in achieved}
    for name, workload in case.workloads.items():
        for work in workload.batch.works if workload.batch is not None else ():
            hours = case.work_hours(name, work)
            for outlook, requests in work.requests.items():
                done = {ServedKey(name, *at, outlook): achieved[ServedKey(name, *at, outlook)] for at in hours}
                all_of_it = sum(3600.0 * hours[key[1:3]] * rps for key, rps in done.items())
                even = requests / (3600.0 * sum(hours.values()))
                asked |= {key: rps * requests / all_of_it if all_of_it > 0 else even for key, rps in done.items()}
    return asked


def placements_of(case: PlanningCase, key: ServedKey, groups: list[Group], asked: float) -> list[Placement]:
    """The placements of a workload at one time, each with the load of one of its replicas."""
    workload = case.workloads[key.workload]
    found = [
        _placement(workload, one, load, key)
        for group, total in _loads(groups, asked)
        for one, load in _standing(group, total)
    ]
    return sorted(found, key=lambda p: ROLE_ORDER.index(p.role))


def further_of(workload: Workload, groups: list[Group], asked: float) -> tuple[KeptPromise, ...]:
    """The promises beside the first of each kind, with what the slowest loaded replicas deliver."""
    slowest: dict[tuple[str, Latency], float] = {}
    for group, total in _loads(groups, asked):
        for stand, load in _standing(group, total):
            shared = group.option.shared is not None
            for one in stand.capacity.further if load > 0 else ():
                # Told at full capacity where others' requests stand beside them, as the first promise is.
                rps = stand.capacity.capacity_rps if shared else load / group.capability
                at_load = one.model.at(rps, _queued(stand))
                value = at_load.ttft_s if one.what == "ttft" else at_load.tpot_s
                if value is not None:
                    slowest[one.what, one.promise] = max(value, slowest.get((one.what, one.promise), 0.0))
    promised = (("ttft", workload.further_ttft), ("tpot", workload.further_tpot))
    return tuple(
        KeptPromise(what=what, at=one.at, limit_s=one.limit_s, delivered_s=slowest.get((what, one)))
        for what, limits in promised
        for one in limits
    )


AGGREGATED: Link = ("", "")


def lines_of_service(groups: list[Group]) -> dict[Link, float]:
    """Requests/s by line of service: the split traffic of each link, and aggregated serving."""
    lines: dict[Link, float] = {}
    for link in dict.fromkeys(group.option.link for group in groups):
        prefill, decode = (_carried(groups, role, link) for role in ("prefill", "decode"))
        lines[link] = min(prefill, decode)
    lines[AGGREGATED] = sum(g.carries for g in groups if g.option.capacity.candidate.role == "aggregated")
    return lines


def _carried(groups: list[Group], role: str, link: Link) -> float:
    return sum(g.carries for g in groups if g.option.capacity.candidate.role == role and g.option.link == link)


def _loads(groups: list[Group], asked: float) -> Iterator[tuple[Group, float]]:
    """Each group with the requests/s that one of its replicas receives.

    Traffic is spread over links and styles in proportion to what they can carry, and on a link over its
    replicas in proportion to their capacity.
    """
    lines = lines_of_service(groups)
    achieved = sum(lines.values())
    share = min(1.0, asked / achieved) if achieved > 0 else 0.0
    for group in groups:
        role, link = group.option.capacity.candidate.role, group.option.link
        if role == "aggregated":
            yield group, share * group.rps
            continue
        whole = _carried(groups, role, link)
        use = share * lines[link] / whole if whole > 0 else 0.0
        yield group, use * group.rps


@dataclass(frozen=True, slots=True)
class _Stand:
    """Replicas of one config: those of a group, or one role of its node patterns."""

    group: Group
    capacity: Capacity
    replicas: float
    node_gpus: int | float
    rps: float
    each: int | None = None

    @property
    def lost(self) -> float:
        return self.group.lost * (self.each or 1)


def _standing(group: Group, load: float) -> Iterator[tuple[_Stand, float]]:
    """What stands for a group, each with the load of one of its replicas."""
    option, pattern = group.option, group.option.pattern
    if pattern is None:
        yield _Stand(group, option.capacity, group.replicas, option.node_gpus, group.rps), load
        return
    for capacity, each in ((pattern.prefill, pattern.prefills), (pattern.decode, pattern.decodes)):
        gpus = capacity.candidate.config.gpus_per_replica
        # Idle GPUs of a pattern are set aside for all of its replicas, in proportion to their size.
        aside = gpus if option.node_gpus == pattern.gpus else option.node_gpus * gpus / pattern.gpus
        rps = capacity.capacity_rps * group.capability
        yield _Stand(group, capacity, each * group.replicas, aside, rps, each), load / each


def _placement(workload: Workload, stand: _Stand, load: float, key: ServedKey) -> Placement:
    option, capacity = stand.group.option, stand.capacity
    config = capacity.candidate.config
    latencies = _latencies(stand, load)
    return Placement(
        workload=workload.name,
        model=workload.model,
        role=capacity.candidate.role,
        config=config.name,
        gpu_type=config.gpu_type,
        node_type=option.pool[0],
        site=option.pool[1],
        period=key.period,
        slot=key.slot,
        outlook=key.outlook,
        replicas=stand.replicas,
        lost_replicas=stand.lost,
        shared=option.shared,
        bundle=option.bundle,
        gpus_per_replica=config.gpus_per_replica,
        node_gpus_per_replica=stand.node_gpus,
        capacity_rps=stand.rps,
        load_rps=load,
        utilization=load / stand.rps,
        batch=capacity.batch,
        ttft_s=latencies.ttft_s,
        tpot_s=latencies.tpot_s,
        binds=capacity.binds,
        evidence=capacity.candidate.profile.provenance.evidence,
        capacity_error=capacity.error,
        pattern=None if option.pattern is None else option.pattern.name,
        pattern_replicas=stand.each,
        pattern_gpus=None if option.pattern is None else option.node_gpus,
    )


def _latencies(stand: _Stand, load: float) -> AtLoad:
    """Of a shared replica those that hold whatever else it does; each of a node pattern has a queue of its own."""
    capacity, group = stand.capacity, stand.group
    if group.option.shared is not None:
        assert capacity.shared is not None
        return capacity.shared.latencies
    # A replica that carries less is as busy with a load as its profile is with more.
    return latency_at(capacity, load / group.capability, _queued(stand))


def _queued(stand: _Stand) -> int:
    """Replicas that may share a queue; each of a node pattern has its own."""
    return 1 if stand.each else round(stand.group.replicas)


def outcome_of(
    case: PlanningCase, key: ServedKey, rates: tuple[float, float], placements: list[Placement], groups: list[Group]
) -> WorkloadOutcome:
    """What the workload gets, with the margins left under its SLO."""
    workload, (asked, achieved) = case.workloads[key.workload], rates
    planned = asked * (1 + workload.headroom)
    served = min(asked, achieved)
    busy = [p for p in placements if p.load_rps > 0]
    ttft = max((p.ttft_s for p in busy if p.ttft_s is not None), default=None)
    tpot = max((p.tpot_s for p in busy if p.tpot_s is not None), default=None)
    return WorkloadOutcome(
        workload=workload.name,
        model=workload.model,
        period=key.period,
        slot=key.slot,
        outlook=key.outlook,
        asked_rps=asked,
        planned_rps=planned,
        achieved_rps=achieved,
        served_rps=served,
        shortfall_rps=max(0.0, planned - achieved),
        asked_tokens_per_s=asked * workload.tokens_per_request,
        achieved_tokens_per_s=achieved * workload.tokens_per_request,
        headroom=achieved / asked - 1.0 if asked > 0 else 0.0,
        ttft_limit_s=workload.ttft.limit_s if workload.ttft else None,
        ttft_at=workload.ttft.at if workload.ttft else None,
        ttft_s=ttft,
        ttft_margin_s=workload.ttft.limit_s - ttft if workload.ttft and ttft is not None else None,
        tpot_limit_s=workload.tpot.limit_s if workload.tpot else None,
        tpot_at=workload.tpot.at if workload.tpot else None,
        tpot_s=tpot,
        tpot_margin_s=workload.tpot.limit_s - tpot if workload.tpot and tpot is not None else None,
        roles=tuple(
            _role(workload, role, planned, served, [p for p in placements if p.role == role])
            for role in ROLE_ORDER
            if any(p.role == role for p in placements)
        ),
        priority=workload.priority,
        goodput_rps_per_gpu=_per_gpu(achieved, placements),
        kv_gbit_s=_kv_gbit_s(case, key.workload, placements),
        further=further_of(workload, groups, asked),
    )


def _per_gpu(achieved: float, placements: list[Placement]) -> float | None:
    gpus = sum(p.replicas * p.gpus_per_replica for p in placements)
    return achieved / gpus if gpus > 0 else None


def _kv_gbit_s(case: PlanningCase, workload: str, placements: list[Placement]) -> float | None:
    """What prefill outside node patterns hands over."""
    if not case.fabrics:
        return None
    sending = [p for p in placements if p.role == "prefill" and p.pattern is None]
    return gbit_s(case.kv_bytes[workload] * sum(p.replicas * p.load_rps for p in sending))


def _role(workload: Workload, role: Role, planned: float, served: float, placements: list[Placement]) -> RoleOutcome:
    replicas = sum(p.replicas for p in placements)
    capacity = sum(p.working * p.capacity_rps for p in placements)
    carried = sum(p.working * p.load_rps for p in placements)
    wanted = planned * carried / served if served > 0 else 0.0
    return RoleOutcome(
        role=role,
        replicas=replicas,
        gpus=sum(p.replicas * p.gpus_per_replica for p in placements),
        needed_replicas=replicas * wanted / capacity if capacity > 0 else 0.0,
        carried_rps=carried,
        capacity_rps=capacity,
        tokens_per_s=capacity * role_tokens(workload, role),
        utilization=carried / capacity if capacity > 0 else 0.0,
    )


def role_tokens(workload: Workload, role: Role) -> float:
    """The tokens of a request that a role processes: uncached input, output, or both."""
    if role == "prefill":
        return effective_input(workload)
    return workload.output_tokens if role == "decode" else workload.tokens_per_request
