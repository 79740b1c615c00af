"""What a scenario states that cannot make a difference, more often a slip of the pen than meant, or makes another one
than it says: months that are no whole periods.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Quota, SupplyLine
from fleetopt.units import Latency


def idle(scenario: Scenario) -> list[str]:
    """A sentence for each, which names the field as conflicts and repairs do."""
    said = [sentence for quota in scenario.supply.quotas for sentence in _of_quota(scenario, quota)]
    said += [sentence for line in scenario.supply.lines for sentence in _of_line(scenario, line)]
    return said + [sentence for workload in scenario.workloads for sentence in _of_promises(workload)]


def _of_quota(scenario: Scenario, quota: Quota) -> Iterator[str]:
    supply = scenario.supply
    lines = [line for line in supply.lines if quota.provider in (None, line.offer.provider)]
    pools = [(line.offer.node_type, line.site) for line in lines]
    pools += [(stock.node_type, stock.site) for stock in supply.stock if quota.provider is None]
    nodes = [scenario.node_types[node] for node, site in pools if quota.site in (None, site)]
    sizes = {node.gpus_per_node for node in nodes if node.gpu_type == quota.gpu_type}
    if not sizes:
        where = "" if quota.site is None else f" at {quota.site}"
        whose = "" if quota.provider is None else f" of {quota.provider}"
        yield f"quota {quota.name} limits nothing: the supply has no {quota.gpu_type}{whose}{where}"
    elif len(sizes) == 1 and quota.max_gpus % (size := max(sizes)):
        whole = quota.max_gpus // size * size
        yield f"quota {quota.name} of {quota.max_gpus:,} GPUs is one of {whole:,}: its nodes have {size} each"


def _of_line(scenario: Scenario, line: SupplyLine) -> Iterator[str]:
    if line.max_nodes is not None and line.terms.min_order > line.max_nodes:
        least = f"orders are of {line.terms.min_order:,} nodes or more"
        yield f"offer {line.name} is never taken: {least}, and {line.max_nodes:,} may be held"
    if not line.offer.hourly and line.lot_of is None:
        yield from _of_months(scenario, line)


def _of_months(scenario: Scenario, line: SupplyLine) -> Iterator[str]:
    """Lead times and terms, which a plan counts in whole periods."""
    periods = scenario.calendar.periods
    lead, lead_counts = _counted(line.offer.lead_time_months, periods[0].months)
    if lead_counts and lead_counts >= len(periods) * periods[0].months:
        late = f"its nodes come {lead} after the order"
        yield f"offer {line.name} is never taken: {late}, and the horizon has {len(periods) * periods[0].months}"
        return
    if lead_counts != line.offer.lead_time_months:
        yield f"offer {line.name} is delivered after {lead}: a plan orders that much earlier"
    term, term_counts = _counted(line.offer.term_months or 0, periods[0].months)
    first = 0 if line.terms.first is None else [period.name for period in periods].index(line.terms.first)
    left = (len(periods) - first) * periods[0].months - lead_counts
    if term_counts != (line.offer.term_months or 0) and term_counts <= left:
        yield f"offer {line.name} has a term of {term}: a plan has its nodes, and pays for them, that long"


def _counted(months: int, whole: int) -> tuple[str, int]:
    """Months in words, and those that they count as."""
    counts = math.ceil(months / whole) * whole
    return (
        f"{months} months" if counts == months else f"{months} months (counted as {counts}, in whole periods)"
    ), counts


def _of_promises(workload: Workload) -> Iterator[str]:
    for what, first, further in (
        ("TTFT", workload.ttft, workload.further_ttft),
        ("TPOT", workload.tpot, workload.further_tpot),
    ):
        promised = [one for one in (first, *further) if one is not None]
        for loose, strict in permutations(promised, 2):
            if _implied(loose, strict):
                kept = f"whoever keeps {strict.limit_s:g} s at {strict.at} keeps it"
                yield f"{what} of {workload.name} of {loose.limit_s:g} s at {loose.at} asks for nothing: {kept}"


def _implied(loose: Latency, strict: Latency) -> bool:
    """Whether a promise holds wherever another one at a higher percentile does."""
    if loose.percentile is None or strict.percentile is None:
        return False
    return loose.percentile < strict.percentile and loose.limit_s >= strict.limit_s
