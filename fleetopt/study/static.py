"""The peak-sized static fleet: each workload by the ratio formula, rounded up, on one GPU type, held all the time.

    N_P = ceil(R / cap_P)     N_D = ceil(R / cap_D)     nodes = ceil((N_P g_P + N_D g_D) / GPUs per node)

R is the largest planned rate of the workload over all times, or of batch work its even rate; cap is what one replica
carries within the SLO. Of a workload whose lengths differ by slot N_P and N_D are the largest over its parts. With
TP_P = cap_P L_in, TP_D = cap_D L_out and TP_total = R (L_in + L_out) these are equations (5)-(7) of Li et al., arXiv
2603.04716. Of all pairs of configs the one whose nodes cost least is taken,
and is asked for where that much may be had. A workload without profiles for both roles
is sized by its aggregated ones, or by node patterns where no cache can leave its node; bundles are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.goals import Held
from fleetopt.optimizer.options import Option, Pool
from fleetopt.plan.domain import Plan
from fleetopt.scenario.changing import Changes
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
    """A plan of the workload alone, with all parts of its day, whose fleet never falls below the formula's.

    None where no pool allows it.
    """
    parts = [one for one in scenario.workloads if one.whole == workload.whole]
    alone = without_bundles(with_workloads(scenario, parts))
    if not any(rps for one in parts for rps in one.demand_rps.values()):
        return resolver.solve(alone, f"{workload.name}, which asks for nothing").plan
    # Parts have the same configs to choose from only where it matters that they stand for one another.
    steady = replace(alone, changes=Changes("static")) if len(parts) > 1 else alone
    case = build_case(steady, resolver.capacities(alone))
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
    """What the formula says for the one workload of a case, or the parts of one.

    The best of each pool, the least money an hour first.
    """
    best: dict[Pool, Sizing] = {}
    for one in _sizings(case, {workload.name: _peak_rps(scenario, workload) for workload in scenario.workloads}):
        if one.pool not in best or one.nodes < best[one.pool].nodes:
            best[one.pool] = one
    return sorted(best.values(), key=lambda one: one.nodes * _usd_per_node_hour(scenario, one.pool))


def _peak_rps(scenario: Scenario, workload: Workload) -> float:
    """The largest planned rate of a workload; of batch work, that at which it is spread evenly over its hours."""
    batch, asked = workload.batch, max(workload.demand_rps.values())
    return (asked if batch is None else even_rps(batch, scenario.calendar)) * (1.0 + workload.headroom)


def _sizings(case: PlanningCase, peaks: Mapping[str, float]) -> Iterator[Sizing]:
    whole = {
        name: {option.family: option for option in options if option.shared is None or option.least == 1}
        for name, options in case.options.items()
    }
    first, *others = whole.values()
    groups: dict[tuple[object, ...], dict[str, list[Option]]] = {}
    for option in (one for one in first.values() if all(one.family in other for other in others)):
        roles = groups.setdefault((option.pool, option.link), {})
        roles.setdefault(option.capacity.candidate.role, []).append(option)
    pairs = [(p, d) for roles in groups.values() for p in roles.get("prefill", []) for d in roles.get("decode", [])]
    alone = [(a,) for roles in groups.values() for a in roles.get("aggregated", [])]
    for chosen in pairs or alone:
        replicas = tuple(
            max(math.ceil(peaks[w] / own[one.family].capacity.capacity_rps - 1e-9) for w, own in whole.items())
            for one in chosen
        )
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
