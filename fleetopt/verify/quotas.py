"""Are there never more GPUs of a type in service than a quota allows?"""

from __future__ import annotations

from collections import Counter

from fleetopt.plan.domain import Check
from fleetopt.scenario.domain import Quota
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.tally import Tally


def quotas_are_respected(facts: Facts) -> Check:
    """GPUs in service <= max_gpus per quota, for each site and time that it covers."""
    tally = Tally("quotas_are_respected", "GPUs", nothing="no quotas")
    gpus = _gpus_in_service(facts)
    for quota in facts.scenario.supply.quotas:
        for site in facts.scenario.supply.sites:
            for time in facts.times:
                if _covers(quota, site, time):
                    used = gpus[quota.gpu_type, site, time]
                    where = f"{quota.gpu_type} at {site} in {named(time)}"
                    tally.hold(quota.max_gpus - used, 0.0, f"{where}: {used} of {quota.max_gpus} GPUs")
    return tally.check()


def _covers(quota: Quota, site: str, time: Time) -> bool:
    return quota.site in (None, site) and quota.period in (None, time[0])


def _gpus_in_service(facts: Facts) -> Counter[tuple[str, str, Time]]:
    gpus: Counter[tuple[str, str, Time]] = Counter()
    for (node_type, site, time), nodes in facts.pools.items():
        node = facts.scenario.node_types[node_type]
        gpus[node.gpu_type, site, time] += nodes * node.gpus_per_node
    return gpus
