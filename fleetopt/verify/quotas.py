"""Are there never more GPUs of a type in service than a quota allows?"""

from __future__ import annotations

from collections import Counter

from fleetopt.plan.domain import Check
from fleetopt.scenario.supply_domain import Quota, SupplyLine
from fleetopt.verify.facts import Facts, Time, named, node_type_of
from fleetopt.verify.tally import Tally


def quotas_are_respected(facts: Facts) -> Check:
    """GPUs in service <= max_gpus per quota, for each site and time that it covers."""
    tally = Tally("quotas_are_respected", "GPUs", nothing="no quotas")
    for quota in facts.scenario.supply.quotas:
        gpus = _gpus_in_service(facts, quota.provider)
        for time in (time for time in facts.times if quota.period in (None, time[0])):
            for where, sites in _together(quota, facts.scenario.supply.sites).items():
                used = sum(gpus[quota.gpu_type, site, time] for site in sites)
                place = f"{quota.gpu_type} at {where} in {named(time)}"
                tally.hold(quota.max_gpus - used, 0.0, f"{place}: {used} of {quota.max_gpus} GPUs")
    return tally.check()


def _together(quota: Quota, sites: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The sites whose GPUs count as one: each by itself, or all of a provider."""
    named_sites = sites if quota.site is None else (quota.site,)
    return {site: (site,) for site in named_sites} if quota.provider is None else {quota.provider: named_sites}


def _gpus_in_service(facts: Facts, provider: str | None) -> Counter[tuple[str, str, Time]]:
    """By GPU type, site and time; of one provider's offers only, where one is named."""
    gpus: Counter[tuple[str, str, Time]] = Counter()
    for (key, time), nodes in facts.nodes.items():
        source = facts.sources[key]
        if provider is None or (isinstance(source, SupplyLine) and source.offer.provider == provider):
            node = facts.scenario.node_types[node_type_of(source)]
            gpus[node.gpu_type, key[1], time] += nodes * node.gpus_per_node
    return gpus
