"""Quotas: no more GPUs of a type in service at a site than are granted.

    sum_l gpus_per_node[i(l)] fielded[l,t,h,o]  <=  max_gpus[q]    l of q's GPU type at s      (quota_is_respected)

Symbols  max_gpus[q] GPUs (scenario.supply.quotas); a quota without site or period holds at each one; one of a
         provider over all its sites, where it names none.
Ledgers  reads fielded.     Shape  one row per quota, site, period, slot and outlook it covers.
Dual     USD per GPU: what one more GPU of quota is worth.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.scenario.supply_domain import Quota


class Quotas(Feature):
    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for quota in case.quotas:
            for where, gpus_of in _counted(quota, case).items():
                for time in case.times if gpus_of else ():
                    if quota.period in (None, time[0]):
                        gpus = sum(n * ledgers.fielded.total(SupplyKey(s, *time)) for s, n in gpus_of.items())
                        limit = Limit(f"quota {quota.name}", "supply", "/".join((where, *time)), "GPUs", quota.max_gpus)
                        rules.at_most("quota_is_respected", (quota.name, where, *time), gpus, quota.max_gpus, limit)


def _counted(quota: Quota, case: PlanningCase) -> dict[str, dict[str, int]]:
    """GPUs per node of the supply lines that count together: by site, or all of a provider's."""
    if quota.provider is None:
        sites = case.sites if quota.site is None else (quota.site,)
        return {site: {s: n for s, n in _gpus_of(quota, case) if case.pool_of[s][1] == site} for site in sites}
    offers = (*case.rentals, *(c.line for c in case.commitments))
    names = {line.name for line in offers if line.offer.provider == quota.provider and quota.site in (None, line.site)}
    return {quota.provider: {s: n for s, n in _gpus_of(quota, case) if s in names}}


def _gpus_of(quota: Quota, case: PlanningCase) -> list[tuple[str, int]]:
    pools = case.pool_of.items()
    return [(supply, case.gpus_per_node(pool)) for supply, pool in pools if case.gpu_type(pool) == quota.gpu_type]
