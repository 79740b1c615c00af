"""The peak-sized static fleet: each workload by the ratio formula, rounded up, on one GPU type, held all the time.

    N_P = ceil(R / cap_P)     N_D = ceil(R / cap_D)     nodes = ceil((N_P g_P + N_D g_D) / GPUs per node)

R is the largest planned rate of the workload over all times, or of batch work its even rate; cap is what one replica
carries within the SLO. With
TP_P = cap_P L_in, TP_D = cap_D L_out and TP_total = R (L_in + L_out) these are equations (5)-(7) of Li et al., arXiv
2603.04716. Of all pairs of configs the one whose nodes cost least is taken,
and is asked for where that much may be had. A workload without profiles for both roles
is sized by its aggregated ones, or by node patterns where no cache can leave its node; bundles are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.goals import Held
from fleetopt.optimizer.options import Option, Pool
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.work import even_rps
from fleetopt.study.resolve import Effort, Resolver
from fleetopt.study.restrict import with_candidates, with_supply, with_workloads, without_bundles


@dataclass(frozen=True, slots=True)
class Sizing:
    """Configs in their roles with their replicas, and the nodes of one pool that they fill."""

    options: tuple[Option, ...]
    replicas: tuple[int, ...]
    pool: Pool
    nodes: int


def static_plan(scenario: Scenario, workload: Workload, resolver: Resolver) -> Plan | None:
    """A plan of the workload alone whose fleet never falls below the formula's; None where no pool allows it."""
    alone = without_bundles(with_workloads(scenario, [workload]))
    if not any(workload.demand_rps.values()):
        return resolver.solve(alone, f"{workload.name}, which asks for nothing").plan
    case = build_case(alone, resolver.capacities(alone))
    for sizing in by_cost(case, alone):
        held = Held({sizing.pool: sizing.nodes})
        what = f"{workload.name} sized once for its peak on {sizing.pool[0]}"
        answer = resolver.solve(_only(alone, workload, sizing), what, Effort(extra=[held]))
        if answer.plan is not None:
            return answer.plan
    return None


def _only(scenario: Scenario, workload: Workload, sizing: Sizing) -> Scenario:
    """The scenario with the chosen configs and nodes and no others."""
    names = {candidate.name for option in sizing.options for candidate in option.candidates}
    return with_supply(
        with_candidates(scenario, workload.model, lambda candidate: candidate.name in names),
        lambda line: (line.offer.node_type, line.site) == sizing.pool,
        lambda stock: (stock.node_type, stock.site) == sizing.pool,
    )


def by_cost(case: PlanningCase, scenario: Scenario) -> list[Sizing]:
    """What the formula says for the one workload of a case, the best of each pool, the least money an hour first."""
    best: dict[Pool, Sizing] = {}
    for one in _sizings(case, _peak_rps(scenario)):
        if one.pool not in best or one.nodes < best[one.pool].nodes:
            best[one.pool] = one
    return sorted(best.values(), key=lambda one: one.nodes * _usd_per_node_hour(scenario, one.pool))


def _peak_rps(scenario: Scenario) -> float:
    """The largest planned rate of the one workload; of batch work, that at which it is spread evenly over its hours."""
    (workload,) = scenario.workloads
    batch, asked = workload.batch, max(workload.demand_rps.values())
    return (asked if batch is None else even_rps(batch, scenario.calendar)) * (1.0 + workload.headroom)


def _sizings(case: PlanningCase, peak: float) -> Iterator[Sizing]:
    (options,) = case.options.values()
    whole = {option.family: option for option in options if option.shared is None or option.least == 1}
    groups: dict[tuple[object, ...], dict[str, list[Option]]] = {}
    for option in whole.values():
        roles = groups.setdefault((option.pool, option.link), {})
        roles.setdefault(option.capacity.candidate.role, []).append(option)
    pairs = [(p, d) for roles in groups.values() for p in roles.get("prefill", []) for d in roles.get("decode", [])]
    alone = [(a,) for roles in groups.values() for a in roles.get("aggregated", [])]
    for chosen in pairs or alone:
        replicas = tuple(math.ceil(peak / option.capacity.capacity_rps - 1e-9) for option in chosen)
        gpus = sum(n * option.node_gpus for n, option in zip(replicas, chosen, strict=True))
        pool = chosen[0].pool
        yield Sizing(chosen, replicas, pool, math.ceil(gpus / case.gpus_per_node(pool)))


def _usd_per_node_hour(scenario: Scenario, pool: Pool) -> float:
    """What a node of a pool costs an hour at its cheapest, money paid once spread over the term."""
    prices = [stock.usd_per_node_h for stock in scenario.supply.stock if (stock.node_type, stock.site) == pool]
    for line in scenario.supply.lines:
        if (line.offer.node_type, line.site) == pool:
            spread = (
                line.offer.upfront_usd_per_node / (730.0 * line.offer.term_months) if line.offer.term_months else 0.0
            )
            prices.append(line.offer.usd_per_node_h + spread)
    return min(prices)
