"""Is what was promised still served when a site, a rack or a node is taken away?

A lost site takes its placements out, and the rest is counted as always. A lost node or rack takes the worst that any
packing could have put there, found by trying: nodes are cut into equal shares of which a replica takes one or more, and
a table says what the adversary gains by each number of shares.

    gain[l](b)    of a split link: the more of  max(0, K_r(b) - (R_r - min(R_prefill, R_decode)))  over its two roles,
                  because what is left is the lesser of two sums and splitting b over both would hurt neither more;
                  of aggregated serving: K(b)
    K_r(b)        the most requests/s of replicas in role r that take b shares (a bounded knapsack)
    left          achieved - the most of  sum_l gain[l](b_l)  over all  sum_l b_l = nodes x shares per node
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.patterns import joined
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.traffic import Traffic, kv_formats, traffic

Table: TypeAlias = list[float]
Item: TypeAlias = tuple[int, int, float]
"""Replicas of a placement within reach of the loss: how many, shares of a node that each takes, requests/s of each."""


class Remains(NamedTuple):
    """What is left of a workload at a time after a loss, with the requests/s that it asks for."""

    workload: str
    time: Time
    lost: str
    share: float
    left_rps: float
    asked_rps: float


def losses_are_survived(facts: Facts) -> Check:
    """Each workload that is to survive a loss still serves its fraction of the demand, whatever is lost."""
    tally = Tally("losses_are_survived", "of the demand", nothing="none promised")
    for one in remains(facts):
        promised = one.share * one.asked_rps
        place = f"{one.workload} in {named(one.time)} without {one.lost}"
        slack = one.left_rps / one.asked_rps - one.share
        tally.hold(slack, allowance(1.0), f"{place}: {one.left_rps:.6g} of {promised:.6g} requests/s")
    return tally.check()


def remains(facts: Facts) -> Iterator[Remains]:
    """Every loss that was promised to be survived, with what is left after it."""
    for name, workload in facts.workloads.items():
        formats = kv_formats(facts, workload.model)
        for time in facts.times if workload.survive.site or workload.survive.rack or workload.survive.node else ():
            asked = workload.demand_rps.get(time, 0.0)
            # What a loss in the minutes of a change would leave is not promised.
            rows = [
                row.model_copy(update={"lost_replicas": 0.0})
                for row in joined(facts.placements.get((name, time), []))
                if row.replicas > 0
            ]
            for what, share, left in _losses(facts, workload, time, rows, formats) if asked > 0 else ():
                yield Remains(name, time, what, share, left, asked)


def _losses(
    facts: Facts, workload: Workload, time: Time, rows: list[Placement], formats: dict[str, str]
) -> Iterator[tuple[str, float, float]]:
    """What is lost, the fraction promised, and the requests/s that are left."""
    survive, racks = workload.survive, {f.site: f.nodes_per_rack for f in facts.scenario.supply.facilities}
    flow = traffic(workload, time, rows, formats)
    for site in sorted({row.site for row in rows}):
        here = [row for row in rows if row.site == site]
        if survive.site:
            rest = [row for row in rows if row.site != site]
            yield f"site {site}", survive.site, traffic(workload, time, rest, formats).achieved
        if survive.rack:
            nodes = racks.get(site) or 1
            yield f"a rack of {site}", survive.rack, flow.achieved - _most_lost(facts, here, nodes, flow)
        for node_type in sorted({row.node_type for row in here}) if survive.node else ():
            on_type = [row for row in here if row.node_type == node_type]
            left = flow.achieved - _most_lost(facts, on_type, 1, flow)
            yield f"a node {node_type} of {site}", survive.node, left


def _most_lost(facts: Facts, rows: list[Placement], nodes: int, flow: Traffic) -> float:
    """The requests/s that go with so many nodes, at worst."""
    holds = {id(row): max(1, facts.gpus_per_node(row.node_type) // max(1, _aside(row))) for row in rows}
    cut = math.lcm(*holds.values()) if rows else 1
    reach: dict[tuple[tuple[str, str], str], list[Item]] = {}
    for row in rows:
        link = ("", "") if row.role == "aggregated" else (row.site, flow.formats.get(row.config, ""))
        item = (math.ceil(row.replicas), cut // holds[id(row)], row.capacity_rps)
        reach.setdefault((link, row.role), []).append(item)
    size = min(nodes * cut, sum(count * weight for items in reach.values() for count, weight, _ in items))
    gained = [0.0] * (size + 1)
    for line in sorted({link for link, _ in reach}):
        tables = [
            _beyond(_knapsack(items, size), _slack(flow, link, role))
            for (link, role), items in reach.items()
            if link == line
        ]
        gained = _together(gained, [max(column) for column in zip(*tables, strict=True)])
    return gained[-1]


def _aside(row: Placement) -> int:
    return max(math.ceil(row.node_gpus_per_replica), row.gpus_per_replica)


def _slack(flow: Traffic, link: tuple[str, str], role: str) -> float:
    """What a role of a link may lose before the link carries less."""
    if role == "aggregated":
        return 0.0
    return sum(rps for key, rps in flow.capacity.items() if key == (link, role)) - flow.split_on(link)


def _knapsack(items: list[Item], size: int) -> Table:
    """The most requests/s that fit into each number of shares."""
    best = [0.0] * (size + 1)
    for count, weight, rps in items:
        for copies in _bundles(min(count, size // weight)):
            for shares in range(size, copies * weight - 1, -1):
                best[shares] = max(best[shares], best[shares - copies * weight] + copies * rps)
    return best


def _bundles(count: int) -> Iterator[int]:
    """Copies in bundles of 1, 2, 4 and the rest, of which every number up to the count can be made."""
    bundle = 1
    while count > 0:
        taken = min(bundle, count)
        yield taken
        count, bundle = count - taken, 2 * bundle


def _beyond(table: Table, slack: float) -> Table:
    return [max(0.0, rps - slack) for rps in table]


def _together(one: Table, other: Table) -> Table:
    """The most from two lines that divide the shares between them."""
    return [max(one[b] + other[total - b] for b in range(total + 1)) for total in range(len(one))]
