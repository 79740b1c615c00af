"""Pools: replicas that share a queue carry more each, if there are enough of them.

    running[w,c,t,h,o]            >=  least[c] SIZED[w,c,t,h,o]                             (pool_is_large_enough)
    running[w,c,t,h,o]            <=  most[c] SIZED[w,c,t,h,o]                              (pool_has_its_size)
    sum_c SIZED[w,c,t,h,o]        <=  1        c of one serving config on one pool of nodes (pool_is_one)

Symbols  least[c], most[c] replicas in the range of sizes for which option c states a capacity (`capacity.pools`).
Ledgers  reads running.     Shape  two rows per sized option and time, one per serving config, node pool and time.
Dual     none: the rows only say which of several capacities holds.
Source   docs/decisions/0011: a size range is a column of its own, so that no row multiplies two decisions.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, RunningKey
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.rules import Rules


class Pools(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        model.SIZED = Var(
            [
                RunningKey(workload, option.name, *time)
                for workload, options in case.options.items()
                for option in _sized(options)
                for time in case.times
                if case.planned_rps[workload, *time] > 0
            ],
            within=Binary,
        )

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        from pyomo.core import quicksum

        sized = {(w, option.name): option for w, options in case.options.items() for option in _sized(options)}
        families: dict[tuple[str, ...], list[Any]] = {}
        for (workload, name, *time), chosen in model.SIZED.items():
            option, key = sized[workload, name], RunningKey(workload, name, *time)
            running = ledgers.running.total(key)
            rules.at_least("pool_is_large_enough", key, running - option.least * chosen, 0.0)
            rules.at_most("pool_has_its_size", key, running - case.most_at(workload, option, key[2:]) * chosen, 0.0)
            families.setdefault((workload, option.family, *time), []).append(chosen)
        for family, alternatives in families.items():
            rules.at_most("pool_is_one", family, quicksum(alternatives), 1.0)


def _sized(options: tuple[Option, ...]) -> list[Option]:
    """Options that state a capacity for one range of sizes among several."""
    whole = [option for option in options if option.shared is None]
    families = [option.family for option in whole]
    return [option for option in whole if families.count(option.family) > 1]
