"""Quotas: no more GPUs of a type in service at a site than are granted.

    sum_l gpus_per_node[i(l)] fielded[l,t,h,o]  <=  max_gpus[q]    l of q's GPU type at s      (quota_is_respected)

Symbols  max_gpus[q] GPUs (scenario.supply.quotas); a quota without site or period holds at each one.
Ledgers  reads fielded.     Shape  one row per quota, site, period, slot and outlook it covers.
Dual     USD per GPU: what one more GPU of quota is worth.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules


class Quotas(Feature):
    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for quota in case.quotas:
            for site in case.sites if quota.site is None else (quota.site,):
                gpus_of = {
                    supply: case.gpus_per_node(pool)
                    for supply, pool in case.pool_of.items()
                    if pool[1] == site and case.gpu_type(pool) == quota.gpu_type
                }
                for time in case.times if gpus_of else ():
                    if quota.period in (None, time[0]):
                        gpus = sum(n * ledgers.fielded.total(SupplyKey(s, *time)) for s, n in gpus_of.items())
                        limit = Limit(f"quota {quota.name}", "supply", "/".join((site, *time)), "GPUs", quota.max_gpus)
                        rules.at_most("quota_is_respected", (quota.name, site, *time), gpus, quota.max_gpus, limit)
