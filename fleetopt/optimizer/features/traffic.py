"""Traffic: the KV caches that a site's prefill replicas hand over to other nodes fit its fabric.

    sent[s,t,h,o]  +=  gbit[w] min(cap[w,c], d[w,t,h,o]) running[w,c,t,h,o]      c prefill at s, in no node pattern
    sent[s,t,h,o]  <=  total[s]                                                  (kv_caches_fit_in_fabric)

What replicas could send at once is counted, so that the limit holds however their load is spread. That no link of a
node carries too much is not a row: it is part of what an option carries (optimizer/network).

Symbols  gbit[w] Gbit that prefill hands over for a mean request; cap[w,c] requests/s, less what an outlook takes off;
         d[w] requests/s with headroom; total[s] Gbit/s (scenario.supply.fabrics).
Ledgers  reads running; posts sent.     Shape  one row per site with a total, period, slot and outlook.
Dual     USD per Gbit/s.
Source   Zhong et al., DistServe, OSDI 2024, section 3.3: the traffic of disaggregated serving.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleetopt.capacity.fabric import gbit_s
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey, SiteKey
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.rules import Limit, Rules


class Traffic(Feature):
    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        limited = {fabric.site for fabric in case.fabrics if fabric.total_gbit_s is not None}
        for workload, option in _senders(case):
            for time in case.times if option.pool[1] in limited else ():
                rps = min(option.capacity_rps * case.capability[time[2]], case.planned_rps[workload, *time])
                for replicas in ledgers.running.posted(RunningKey(workload, option.name, *time)):
                    sent = gbit_s(rps * case.kv_bytes[workload]) * replicas
                    ledgers.sent.post(SiteKey(option.pool[1], *time), sent)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        totals = {fabric.site: fabric.total_gbit_s or 0.0 for fabric in case.fabrics}
        for key, sent in ledgers.sent.entries():
            most = totals[key.site]
            limit = Limit(f"network of {key.site}", "supply", "/".join(key), "Gbit/s", most)
            rules.at_most("kv_caches_fit_in_fabric", key, sent, most, limit)


def _senders(case: PlanningCase) -> Iterator[tuple[str, Option]]:
    for workload, options in case.options.items():
        for option in options:
            if option.capacity.candidate.role == "prefill":
                yield workload, option
