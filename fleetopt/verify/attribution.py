"""Is the cost shared out over the workloads as it accrues to the GPUs they use?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fleetopt.plan.domain import Check, WorkloadCost
from fleetopt.scenario.supply_domain import Stock
from fleetopt.verify.dollars import CostKey, Flows, expected_usd, present_value, usd_tolerance
from fleetopt.verify.facts import Facts, SupplyKey, Time, node_type_of
from fleetopt.verify.names import UNUSED
from fleetopt.verify.tally import Tally, allowance

Share = tuple[str, str]
"""Workload and period."""


def workload_costs_add_up(facts: Facts, lines: dict[CostKey, float], flows: Flows) -> Check:
    """Each workload's dollars, GPU-hours and tokens are as computed, and all dollars are the objective."""
    plan, allowed = facts.plan, usd_tolerance(facts.plan)
    tally = Tally("workload_costs_add_up", "", nothing="no cost")
    tally.same(sum(row.usd for row in plan.workload_costs), expected_usd(facts, lines), allowed, "USD of all workloads")
    usd, gpu_hours, tokens = _usd(facts, lines), _gpu_hours(facts), _million_tokens(facts, flows)
    stated = {(row.workload, row.period): row for row in plan.workload_costs}
    for share in sorted({*stated, *usd, *gpu_hours, *tokens}):
        row, where = stated.get(share), f"{share[0]} in {share[1]}"
        tally.same(row.usd if row else 0.0, usd.get(share, 0.0), allowed, f"{where}: USD")
        for name, own, computed in (
            ("gpu_hours", row.gpu_hours if row else 0.0, gpu_hours.get(share, 0.0)),
            ("million_tokens", row.million_tokens if row else 0.0, tokens.get(share, 0.0)),
        ):
            tally.same(own, computed, allowance(own, computed), f"{where}: {name}")
        if row is not None:
            _unit_cost(tally, row, where)
    return tally.check()


def _unit_cost(tally: Tally, row: WorkloadCost, where: str) -> None:
    unit = row.usd / row.million_tokens if row.million_tokens > 0 else None
    stated = row.usd_per_million_tokens
    if stated is not None and unit is not None:
        tally.same(stated, unit, allowance(stated, unit), f"{where}: USD per million tokens")
    elif stated is not unit:
        tally.fail(f"{where}: USD per million tokens is {stated}, computed {unit}")


def _usd(facts: Facts, lines: dict[CostKey, float]) -> dict[Share, float]:
    """Pools by the node GPUs each workload uses of them, to '(unused)' where none does or can; own shortfall."""
    usd: dict[Share, float] = defaultdict(float)
    for (node_type, site, time), cost in _pool_costs(facts, lines).items():
        for workload, part in _parts(facts, (node_type, site, time)).items():
            usd[workload, time[0]] += cost * part
    in_service = {key for (key, _), nodes in facts.nodes.items() if nodes}
    for key, amount in lines.items():
        worth = amount * facts.probability[key.outlook] * present_value(facts, key)
        if key.line == "shortfall":
            usd[key.item, key.period] += worth
        elif (key.item, key.site) not in in_service or _is_owners(facts, key):
            usd[UNUSED, key.period] += worth
    return usd


def _is_owners(facts: Facts, key: CostKey) -> bool:
    """Whether dollars are the worth of owned nodes, which no workload gets the credit for."""
    owned = isinstance(facts.sources.get((key.item, key.site)), Stock)
    return owned and key.line in {"sale", "residual_value"}


def _parts(facts: Facts, pool: tuple[str, str, Time]) -> Mapping[str, float]:
    used: dict[str, float] = defaultdict(float)
    for row in facts.placements_by_pool.get(pool, ()):
        used[row.workload] += row.replicas * row.node_gpus_per_replica
    total = sum(used.values())
    return {name: gpus / total for name, gpus in used.items()} if total else {UNUSED: 1.0}


def _pool_costs(facts: Facts, lines: dict[CostKey, float]) -> dict[tuple[str, str, Time], float]:
    """Expected dollars of each pool at each time: node-hours x the accrued rate of where the nodes come from."""
    rates, costs = _accrued_usd_per_node_h(facts, lines), defaultdict[tuple[str, str, Time], float](float)
    for (key, time), nodes in facts.nodes.items():
        pool = node_type_of(facts.sources[key]), key[1], time
        costs[pool] += nodes * _expected_hours(facts, time) * rates.get(key, 0.0)
    return costs


def _accrued_usd_per_node_h(facts: Facts, lines: dict[CostKey, float]) -> dict[SupplyKey, float]:
    """Everything a supply line or stock costs over the horizon, per expected node-hour in service."""
    usd, node_hours = defaultdict[SupplyKey, float](float), defaultdict[SupplyKey, float](float)
    for entry, amount in ((entry, amount) for entry, amount in lines.items() if not _is_owners(facts, entry)):
        usd[entry.item, entry.site] += amount * facts.probability[entry.outlook] * present_value(facts, entry)
    for (key, time), nodes in facts.nodes.items():
        node_hours[key] += nodes * _expected_hours(facts, time)
    return {key: usd[key] / hours for key, hours in node_hours.items() if hours > 0}


def _gpu_hours(facts: Facts) -> dict[Share, float]:
    found: dict[Share, float] = defaultdict(float)
    for row in facts.plan.placements:
        hours = _expected_hours(facts, (row.period, row.slot, row.outlook))
        found[row.workload, row.period] += row.replicas * row.gpus_per_replica * hours
    return found


def _million_tokens(facts: Facts, flows: Flows) -> dict[Share, float]:
    found: dict[Share, float] = defaultdict(float)
    for (name, time), flow in flows.items():
        tokens_per_s = flow.served * facts.workloads[name].tokens_per_request
        found[name, time[0]] += tokens_per_s * 3600.0 * _expected_hours(facts, time) / 1e6
    return found


def _expected_hours(facts: Facts, time: Time) -> float:
    return facts.hours[time[:2]] * facts.probability[time[2]]
