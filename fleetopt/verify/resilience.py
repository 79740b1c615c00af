"""Are there as many replicas as were asked for beyond the need, and nodes enough when some cannot be counted on?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.supply_domain import Stock
from fleetopt.verify.facts import Facts, Time, named, node_type_of
from fleetopt.verify.packing import standing
from fleetopt.verify.pattern_losses import weakened
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.traffic import kv_formats, traffic


def spares_are_kept(facts: Facts) -> Check:
    """Every group of replicas loses its spares at once and the demand is still met; roles in use are large enough."""
    tally = Tally("spares_are_kept", "replicas or requests/s", nothing="none asked for")
    for name, workload in facts.workloads.items():
        for time in facts.times if workload.spares or workload.least_replicas else ():
            rows = facts.placements.get((name, time), [])
            for slack, detail in (*_least(workload, rows), *_left(facts, workload, time, rows)):
                tally.hold(slack, allowance(1.0), f"{name} in {named(time)}: {detail}")
    return tally.check()


def _least(workload: Workload, rows: list[Placement]) -> Iterator[tuple[float, str]]:
    for role, least in workload.least_replicas:
        found = sum(row.replicas for row in rows if row.role == role)
        if found > 0:
            yield found - least, f"{found:g} {role} replicas of at least {least}"


def _left(facts: Facts, workload: Workload, time: Time, rows: list[Placement]) -> Iterator[tuple[float, str]]:
    """What the replicas carry once every group has lost its spares, against the demand."""
    spares = dict(workload.spares)
    if not spares:
        return
    kept = [
        row.model_copy(update={"replicas": max(0, row.replicas - spares.get(row.role, 0))})
        for row in rows
        if row.replicas > 0 and row.pattern is None
    ]
    kept += weakened(rows, spares)
    flow = traffic(workload, time, kept, kv_formats(facts, workload.model))
    required = flow.planned * (1.0 - workload.shortfall.allowed)
    # Relative, so that one tolerance fits workloads of any size.
    slack = (flow.achieved - required) / required if required > 0 else 0.0
    yield slack, f"{flow.achieved:.6g} of {required:.6g} requests/s without the spares"


def nodes_are_available(facts: Facts) -> Check:
    """The GPUs set aside are within those of the nodes that can be counted on."""
    tally = Tally("nodes_are_available", "GPUs", nothing="every node can be counted on")
    counted: dict[tuple[str, str, Time], float] = defaultdict(float)
    short = False
    for (key, time), nodes in facts.nodes.items():
        source = facts.sources[key]
        share = source.availability if isinstance(source, Stock) else source.terms.availability
        short = short or share < 1.0
        counted[node_type_of(source), key[1], time] += share * nodes * facts.gpus_per_node(node_type_of(source))
    for pool, rows in facts.placements_by_pool.items() if short else ():
        used = sum(max(key[3], key[4]) * count for key, count in standing(rows).items())
        detail = f"{pool[0]} at {pool[1]} in {named(pool[2])}: {used} of {counted[pool]:.6g} GPUs"
        tally.hold(counted[pool] - used, allowance(used), detail)
    return tally.check()
