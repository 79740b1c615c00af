"""Batch work: done by its deadline in whichever slots suit, or what is not done is excused.

    sum_(t,h of n) DONE[w,n,o,t,h]  +  UNDONE[w,n,o]  >=  1                               (work_is_done_by_its_deadline)
    DONE[w,n,o,t,h]  <=  3600 hours[t,h] / W[w,n,o] served[w,t,h,o]                       (work_is_served_then)
    0  <=  UNDONE[w,n,o]  <=  allowed[w]
    cost[shortfall,last period of n,ALL,o,w]  +=  usd[w] W[w,n,o] UNDONE[w,n,o]

Symbols  W[w,n,o] requests of work n with headroom; t,h of n the slots of its periods in which it may run
         (scenario.workloads.batch); allowed[w] fraction, usd[w] USD per request (scenario.workloads.shortfall).
Ledgers  reads served; posts undone, cost.     Shape  one row per workload, work and outlook, and one per time of it.
Dual     USD for the whole of a work: what a little more of it costs.
Source   Deferrable load that fills valleys, as in any unit-commitment text; here the slots are those of the calendar.

What is served at a time is a decision. Its d[w,t,h,o] in other features is the most that can be wanted, all of the
work at that time: a bound, from which nothing is rounded up. Missing work is missing at the deadline, and paid then;
its column is one of that time. DONE is named so that it is of no single time: a method that takes the times apart
decides first how much of the work each does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers, ServedKey, WorkKey
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.plan.domain import ALL
from fleetopt.scenario.work import Work


class BatchWork(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeReals, Var

        lacking = {
            key: case.due(key.workload, work, key.outlook)
            for key, work in _asked(case)
            if case.workloads[key.workload].shortfall.allowed > 0
        }
        shares = [(*key, *at) for key, work in _asked(case) for at in case.work_hours(key.workload, work)]
        model.DONE = Var(shares, within=NonNegativeReals, bounds=(0, 1))
        model.UNDONE = Var(
            list(lacking.values()),
            within=NonNegativeReals,
            bounds=lambda _, w, *_rest: (0, case.workloads[w].shortfall.allowed),
        )
        for key, due in lacking.items():
            ledgers.undone.post(key, model.UNDONE[due])

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for key, work in _asked(case):
            usd = case.workloads[key.workload].usd_per_unserved_request
            due = case.due(key.workload, work, key.outlook)
            if usd > 0 and due in model.UNDONE:
                usd *= case.planned_requests(key.workload, work, key.outlook)
                line = CostKey("shortfall", case.periods[work.last].name, ALL, key.outlook, "", key.workload)
                ledgers.cost.post(line, usd * model.UNDONE[due])

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        for key, work in _asked(case):
            requests = case.planned_requests(key.workload, work, key.outlook)
            times = case.work_hours(key.workload, work)
            for at, hours in times.items():
                served = 3600.0 * hours / requests * ledgers.served.total(ServedKey(key.workload, *at, key.outlook))
                rules.at_least("work_is_served_then", (*key, *at), served - model.DONE[*key, *at], 0.0)
            done = quicksum([model.DONE[*key, *at] for at in times]) + ledgers.undone.total(key)
            span = " to ".join(dict.fromkeys((case.periods[work.first].name, case.periods[work.last].name)))
            limit = Limit(f"demand of {key.workload}", "demand", f"{span}/{key.outlook}", "of its demand", 1.0)
            rules.at_least("work_is_done_by_its_deadline", key, done, 1.0, limit)

    def settle(self, model: Any, case: PlanningCase, achieved_rps: dict[ServedKey, float]) -> None:
        for key, work in _asked(case):
            due = case.due(key.workload, work, key.outlook)
            if due in model.UNDONE:
                done = case.done_requests(key.workload, work, key.outlook, achieved_rps)
                missing = 1.0 - done / case.planned_requests(key.workload, work, key.outlook)
                model.UNDONE[due].set_value(max(0.0, missing), skip_validation=True)


def _asked(case: PlanningCase) -> Iterator[tuple[WorkKey, Work]]:
    """Every work of which there is any, by workload and outlook."""
    for name, workload in case.workloads.items():
        for work in workload.batch.works if workload.batch is not None else ():
            for outlook, requests in work.requests.items():
                if requests > 0:
                    yield WorkKey(name, work.name, outlook), work
