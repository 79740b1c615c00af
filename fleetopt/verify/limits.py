"""Are budgets, power, racks and carbon within what the scenario grants?"""

from __future__ import annotations

from collections import defaultdict

from fleetopt.plan.domain import ALL, Check
from fleetopt.scenario.supply_domain import Budget, SupplyLine
from fleetopt.verify.dollars import CostKey
from fleetopt.verify.facts import Facts, Time, named, node_type_of
from fleetopt.verify.tally import RELATIVE, Tally, allowance


def budgets_are_kept(facts: Facts, lines: dict[CostKey, float]) -> Check:
    """What is paid under each budget, computed from nodes and orders, in the dearest outlook and every other."""
    tally = Tally("budgets_are_kept", "USD", nothing="no budgets")
    for budget in facts.scenario.supply.budgets:
        for outlook in facts.scenario.calendar.outlooks:
            paid = sum(
                usd
                for key, usd in lines.items()
                if key.outlook in (ALL, outlook.name) and _is_under(facts, budget, key)
            )
            where = f"{budget.name} in {outlook.name}: {paid:.2f} of {budget.max_usd:.2f} USD"
            tally.hold(budget.max_usd - paid, max(0.01, RELATIVE * budget.max_usd), where)
    return tally.check()


def _is_under(facts: Facts, budget: Budget, key: CostKey) -> bool:
    """Whether a cost line is a payment that the budget covers."""
    if key.line in {"shortfall", "residual_value", "sale"} or (
        budget.period is not None and key.period != budget.period
    ):
        return False
    source = facts.sources.get((key.item, key.site))
    bought = isinstance(source, SupplyLine) and source.offer.kind == "purchase" and key.line == "upfront"
    return {"all": True, "capex": bought, "opex": not bought}[budget.spending]


def facilities_suffice(facts: Facts) -> Check:
    """Power and rack units of the nodes in service at each site and time; carbon over the horizon in each outlook."""
    tally = Tally("facilities_suffice", "fraction of the limit", nothing="no facilities")
    watts, units, tonnes = _drawn(facts)
    for facility in facts.scenario.supply.facilities:
        for time in facts.times:
            at = f"{facility.site} in {named(time)}"
            for what, limit, used in (
                ("W", facility.power_w, watts[facility.site, time]),
                ("rack units", facility.rack_units, units[facility.site, time]),
            ):
                if limit is not None:
                    slack = 1.0 - used / limit if limit > 0 else float(used <= 0) - 1.0
                    tally.hold(slack, RELATIVE, f"{at}: {used:.6g} of {limit:.6g} {what}")
    most = facts.scenario.supply.carbon.max_tonnes
    for outlook, emitted in tonnes.items() if most is not None else ():
        assert most is not None
        tally.hold(most - emitted, allowance(most), f"carbon in {outlook}: {emitted:.6g} of {most:.6g} t")
    return tally.check()


def types_are_few(facts: Facts) -> Check:
    """GPU types that a workload's replicas stand on, and that a site has in service, over the whole horizon."""
    tally = Tally("types_are_few", "GPU types", nothing="as many as there are")
    types: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in facts.plan.placements:
        if row.replicas > 0:
            types["workload", row.workload].add(row.gpu_type)
    for line in facts.plan.fleet:
        if line.nodes > 0:
            types["site", line.site].add(line.gpu_type)
    limits = {("site", site): most for site, most in facts.scenario.supply.most_gpu_types}
    for name, workload in facts.workloads.items():
        if workload.most_gpu_types is not None:
            limits["workload", name] = workload.most_gpu_types
    for owner, most in limits.items():
        found = sorted(types[owner])
        tally.hold(most - len(found), 0.0, f"{owner[1]}: {', '.join(found) or 'none'} of {most} GPU types")
    return tally.check()


def _drawn(
    facts: Facts,
) -> tuple[dict[tuple[str, Time], float], dict[tuple[str, Time], float], dict[str, float]]:
    """Nameplate W and rack units by site and time, and tonnes of carbon dioxide by outlook."""
    watts, units = defaultdict[tuple[str, Time], float](float), defaultdict[tuple[str, Time], float](float)
    tonnes = {outlook.name: 0.0 for outlook in facts.scenario.calendar.outlooks}
    limited = {facility.site for facility in facts.scenario.supply.facilities}
    for (key, time), nodes in ((at, nodes) for at, nodes in facts.nodes.items() if at[0][1] in limited):
        node_type = node_type_of(facts.sources[key])
        watts[key[1], time] += nodes * facts.node_w(node_type)
        units[key[1], time] += nodes * (facts.scenario.node_types[node_type].rack_units or 0.0)
        tonnes[time[2]] += facts.kwh(key, time) * facts.electricity(key[1])[1] / 1e6
    return watts, units, tonnes
