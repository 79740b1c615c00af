"""The answer, as a domain object that reads and writes itself as plan.json.

No solver word stands in it. Quantities that depend on the time of day or on the future carry `period`, `slot`
and `outlook`; what is decided once for all of them carries ALL there. Rates are requests per second, money is
US dollars of the period it is paid in.
"""

from __future__ import annotations

from typing import Literal

from fleetopt.catalog.domain import Evidence, OfferKind, Role
from fleetopt.plan.provenance import Began, Provenance
from fleetopt.plan.pursued import Pursued
from fleetopt.plan.record import Count, Record, Share

SCHEMA_VERSION: Literal["1"] = "1"
ALL = "all"

Status = Literal["OPTIMAL", "FEASIBLE"]


class FleetLine(Record):
    """Nodes in service from one supply line, with the GPUs they have."""

    supply: str
    kind: OfferKind | Literal["owned"]
    provider: str
    gpu_type: str
    node_type: str
    site: str
    period: str
    slot: str
    outlook: str
    nodes: Count
    gpus: Count
    usd_per_node_h: float


class Order(Record):
    """Nodes to be ordered: from which supply line, when, and when they enter and leave service.

    Both are `periods_late` later in the outlook that delays deliveries most.
    """

    supply: str
    offer: str
    kind: OfferKind
    provider: str
    gpu_type: str
    node_type: str
    site: str
    order_by: str
    in_service: str
    last_period: str
    nodes: Count
    gpus: Count
    upfront_usd: float
    usd_per_node_h: float
    periods_late: Count = 0


class Sale(Record):
    """Owned nodes that leave at the start of a period, for good, and what they fetch."""

    supply: str
    gpu_type: str
    node_type: str
    site: str
    period: str
    nodes: Count
    gpus: Count
    usd_per_node: float
    usd: float


class Placement(Record):
    """Replicas of a workload under one serving config, with what one of them carries and is asked to carry.

    `ttft_s` and `tpot_s` are what the replica delivers at `load_rps`, at the statistic that the SLO names; None where
    the role or the evidence does not say. `node_gpus_per_replica` counts the GPUs set aside on nodes, which is more
    than `gpus_per_replica` only where sizes do not divide one another. `shared` names the workload whose length
    buckets divide whole replicas among them; `replicas` is then this bucket's share of their time, and the latencies
    hold whatever the others do. With `bundle` it names a group of GPUs that stands as often as the `replicas` of its
    members add up to, and serves all of them at once. `capacity_error` is the relative error of the curves behind
    `capacity_rps`, each measured point left out in turn; None where too few points tell. Replicas in a node `pattern`
    stand beside those of the other role under the same name, `pattern_replicas` of them in each; a pattern sets aside
    `pattern_gpus` of one node, which its replicas share in `node_gpus_per_replica`. `lost_replicas` is how many fewer
    there are, on average over the slot, because some of them only start in it (`SlotChange`).
    """

    workload: str
    model: str
    role: Role
    config: str
    gpu_type: str
    node_type: str
    site: str
    period: str
    slot: str
    outlook: str
    replicas: Share
    gpus_per_replica: Count
    node_gpus_per_replica: Share
    capacity_rps: float
    load_rps: float
    utilization: float
    batch: float | None
    ttft_s: float | None
    tpot_s: float | None
    binds: str
    evidence: Evidence
    shared: str | None = None
    bundle: Literal["colocated", "swapped", "spatial"] | None = None
    capacity_error: float | None = None
    pattern: str | None = None
    pattern_replicas: Count | None = None
    pattern_gpus: Count | None = None
    lost_replicas: float = 0.0

    @property
    def working(self) -> float:
        """Replicas that carry traffic, as a mean over the slot."""
        return self.replicas - self.lost_replicas

    @property
    def profiles(self) -> tuple[Role, ...]:
        """The roles whose profiles it rests on: both of split serving where a bundle does both."""
        return ("prefill", "decode") if self.bundle is not None else (self.role,)


class SlotChange(Record):
    """What replicas of one kind do as one slot ends and the next begins: stop, flip their role, or load their weights.

    `slot` begins and `after` ends; of the first slot of the day that is the last one. `flipped` replicas had another
    role of the same config before, among those `stopped`. `config` names the node pattern where that is what changes.
    `gpus` are those of one replica.
    """

    workload: str
    model: str
    role: Role
    config: str
    node_type: str
    site: str
    period: str
    slot: str
    after: str
    outlook: str
    stopped: Count
    flipped: Count
    loaded: Count
    gpus: Count


class RoleOutcome(Record):
    """What the replicas of one role of a workload carry together, and how many replicas the traffic needs."""

    role: Role
    replicas: Share
    gpus: Share
    needed_replicas: float
    carried_rps: float
    capacity_rps: float
    tokens_per_s: float
    utilization: float


class KeptPromise(Record):
    """A latency that is promised at a further statistic, and what the slowest replicas under load deliver there."""

    what: Literal["ttft", "tpot"]
    at: str
    limit_s: float
    delivered_s: float | None


class WorkloadOutcome(Record):
    """What a workload asked for and what the fleet's whole replicas achieve.

    `asked_rps` is the demand, `planned_rps` the demand with headroom, `achieved_rps` what the replicas carry
    within the SLO, `served_rps` the lesser of demand and achievement. Margins are limit minus delivered. Of batch work
    (`WorkOutcome`) the demand of a time is what the plan gives it: its share of all that the replicas carry for it.
    `priority` is the service class: 1 goes short last. `goodput_rps_per_gpu` is what is achieved over the GPUs of its
    replicas, `kv_gbit_s` the KV caches of what is served that prefill sends to other nodes, where fabrics are stated.
    `further` are the latencies promised at several statistics, beside the first of each.
    """

    workload: str
    model: str
    period: str
    slot: str
    outlook: str
    asked_rps: float
    planned_rps: float
    achieved_rps: float
    served_rps: float
    shortfall_rps: float
    asked_tokens_per_s: float
    achieved_tokens_per_s: float
    headroom: float
    ttft_limit_s: float | None
    ttft_at: str | None
    ttft_s: float | None
    ttft_margin_s: float | None
    tpot_limit_s: float | None
    tpot_at: str | None
    tpot_s: float | None
    tpot_margin_s: float | None
    roles: tuple[RoleOutcome, ...]
    priority: int | None = None
    goodput_rps_per_gpu: float | None = None
    kv_gbit_s: float | None = None
    further: tuple[KeptPromise, ...] = ()


class WorkOutcome(Record):
    """Work with a deadline in one outlook: requests of it, and how many the replicas do in the time it has.

    It may be done from period `first` to the end of period `due`. `planned_requests` has the headroom in it,
    `achieved_requests` is what the replicas carry within the SLO, `done_requests` the lesser of work and achievement.
    Only some of it is done where a shortfall is allowed.
    """

    workload: str
    model: str
    first: str
    due: str
    outlook: str
    requests: float
    planned_requests: float
    achieved_requests: float
    done_requests: float
    shortfall_requests: float


class CostLine(Record):
    """Dollars under a named line, nominal. Weighted by probability and discount, the lines sum to the objective.

    `item` is the supply line or workload that the money is for; `outlook` is ALL for what is paid whatever the
    future brings.
    """

    line: str
    period: str
    slot: str
    outlook: str
    site: str
    item: str
    probability: float
    usd: float
    discount: float = 1.0


class WorkloadCost(Record):
    """A workload's share of the cost in a period: fleet cost by the GPUs it uses, plus its own lines.

    Expected over outlooks. `workload` is '(unused)' for nodes that stand idle.
    """

    workload: str
    model: str
    period: str
    usd: float
    gpu_hours: float
    million_tokens: float
    usd_per_million_tokens: float | None


class Binding(Record):
    """A limit that the plan uses up, or nearly: what it is, how much is used, and how much there is."""

    limit: str
    used: float
    available: float
    unit: str


class Check(Record):
    """One promise computed a second time. `worst` is the least slack found, in `unit`; negative is broken."""

    name: str
    passed: bool
    worst: float | None
    unit: str
    detail: str


class Verdict(Record):
    passed: bool
    checks: tuple[Check, ...]


class Plan(Record):
    """A fleet, its placements, its cost, and the proof of all three.

    `objective_usd` is what was minimized: the expected present value `expected_usd`, or its weighing with `cvar_usd`,
    the mean of the dearest futures, where the scenario weighs risk. Where it has an `objective` other than cost, the
    bound and the gap are those of the cost among the plans that reach as much. `began` is there where the search began
    from an earlier plan.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    scenario: str
    status: Status
    objective_usd: float
    expected_usd: float | None = None
    cvar_usd: float | None = None
    bound_usd: float | None
    gap: float | None
    verdict: Verdict
    fleet: tuple[FleetLine, ...]
    orders: tuple[Order, ...]
    sales: tuple[Sale, ...] = ()
    placements: tuple[Placement, ...]
    workloads: tuple[WorkloadOutcome, ...]
    work: tuple[WorkOutcome, ...] = ()
    changes: tuple[SlotChange, ...] = ()
    costs: tuple[CostLine, ...]
    workload_costs: tuple[WorkloadCost, ...]
    binding: tuple[Binding, ...]
    provenance: Provenance
    objective: Pursued | None = None
    began: Began | None = None
