"""What an earlier plan decided, as values of the columns of another program, as far as they exist there.

    REPLICAS[w,c,t,h,o]  =  replicas of w at that time under the config, role, pool of nodes and sizes of c
    STANDING[f,c,t,h,o]  =  the shares of f's length buckets together
    ORDERS[l,t], RENTED[l,t,h,o], SOLD[k,t]  =  nodes of the supply line

Workloads, configs, node types, sites, supply lines and times are known by their names, so that a scenario may have
changed in any way. What has no column, or more of it than the column has room for, has no place: that is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.known import Known
from fleetopt.optimizer.matrix import Flags, Floats
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.outcomes import Group, achieved_rps
from fleetopt.optimizer.patterns.structure import Key
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import Decision
from fleetopt.scenario.demand import TimeKey
from fleetopt.scenario.domain import Workload

VARIABLES: Mapping[str, Decision] = {
    "REPLICAS": "replicas",
    "STANDING": "replicas",
    "ORDERS": "nodes ordered",
    "RENTED": "nodes rented",
    "SOLD": "nodes sold",
}

BY_THE_HOUR = {"on_demand", "spot"}
ENOUGH = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Values of the columns that an earlier plan decided, and how far those of its replicas may have to change.

    `least` and `most` are the values, but where the replicas of a workload at a time may not do: there those that it
    has may grow. `kind` says of each column which decision it is one of. `last` and `placed` count what the plan has of
    each decision and what of it has a place.
    """

    values: Floats
    least: Floats
    most: Floats
    kind: Mapping[Decision, Flags]
    last: Mapping[Decision, float]
    placed: Mapping[Decision, float]


def guess_of(known: Known, plan: Plan) -> Guess:
    """The values that an earlier plan gives a program."""
    return _guess(known, _decisions(known.case, plan))


def guess_from(known: Known, amounts: Iterable[tuple[Key, float]]) -> Guess:
    """The values that columns of another program give one, by their keys."""
    return _guess(known, ((VARIABLES[key[0]], key, amount) for key, amount in amounts if key[0] in VARIABLES))


def _guess(known: Known, decisions: Iterable[tuple[Decision, Key | None, float]]) -> Guess:
    case, program, columns = known.case, known.program, _columns(known)
    wanted: Counter[tuple[Decision, Key | None]] = Counter()
    for kind, key, amount in decisions:
        wanted[kind, key] += amount  # type: ignore[assignment]
    values, none = np.zeros(program.cost.size), dict.fromkeys(VARIABLES.values(), 0.0)
    last, placed = none.copy(), none.copy()
    for (kind, key), amount in wanted.items():
        last[kind] += amount
        if key in columns:
            index = columns[key]
            values[index] = min(float(round(amount)), np.floor(program.column_upper[index]))
            placed[kind] += min(amount, values[index])
    least, most = values.copy(), values.copy()
    for column, held in _growing(case, columns, values):
        least[column] = values[column] if held else 0.0
        most[column] = program.column_upper[column]
    kinds = {kind: np.zeros(values.size, dtype=bool) for kind in none}
    for key, index in columns.items():
        kinds[VARIABLES[key[0]]][index] = True
    return Guess(values, least, most, kinds, last, placed)


def in_use(case: PlanningCase, plan: Plan) -> dict[str, set[str]]:
    """The names of the options that an earlier plan uses at any time, by workload."""
    used: dict[str, set[str]] = defaultdict(set)
    for workload, option, _, _ in _placed(case, plan):
        if option is not None:
            used[workload].add(option.name)
    return used


def _columns(known: Known) -> dict[Key, int]:
    """The columns that a plan decides. Shares of a replica follow from the replicas that stand."""
    shared = {(w, option.name) for w, found in known.case.options.items() for option in found if option.shared}
    return {
        key: column
        for key, column in known.columns.items()
        if key[0] in VARIABLES and not (key[0] == "REPLICAS" and key[1:3] in shared)
    }


def _decisions(case: PlanningCase, plan: Plan) -> Iterator[tuple[Decision, Key | None, float]]:
    for order in plan.orders:
        yield "nodes ordered", ("ORDERS", order.supply, order.order_by), order.nodes
    for sale in plan.sales:
        yield "nodes sold", ("SOLD", sale.supply, sale.period), sale.nodes
    for line in plan.fleet:
        if line.kind in BY_THE_HOUR:
            yield "nodes rented", ("RENTED", line.supply, line.period, line.slot, line.outlook), line.nodes
    for workload, option, time, replicas in _placed(case, plan):
        yield "replicas", None if option is None else _key(workload, option, time), replicas


def _placed(case: PlanningCase, plan: Plan) -> Iterator[tuple[str, Option | None, TimeKey, float]]:
    """Every placement with the option that is the same, None where there is none."""
    kin: dict[Key, list[Option]] = defaultdict(list)
    for workload, options in case.options.items():
        for option in options:
            candidate = option.capacity.candidate
            kin[workload, candidate.config.name, candidate.role, *option.pool, option.shared or ""].append(option)
    for p in plan.placements:
        same = kin.get((p.workload, p.config, p.role, p.node_type, p.site, p.shared or ""), [])
        yield p.workload, _of_size(same, p.replicas), (p.period, p.slot, p.outlook), p.replicas


def _of_size(options: list[Option], replicas: float) -> Option | None:
    """The option among sizes of one, the largest that has begun by then; shares have no sizes."""
    begun = [option for option in options if option.shared or option.least <= replicas]
    return max(begun, key=lambda option: option.least, default=None)


def _key(workload: str, option: Option, time: TimeKey) -> Key:
    """The column of the whole replicas of an option."""
    name = ("STANDING", option.shared) if option.shared else ("REPLICAS", workload)
    return (*name, option.name, *time)


def _growing(case: PlanningCase, columns: Mapping[Key, int], values: Floats) -> Iterator[tuple[int, bool]]:
    """Columns of replicas that may grow, and whether they may not shrink.

    They are those of the serving configs that a workload has at a time where it may want more; of all, if it has none.
    The sizes of one option may take each other's place.
    """
    for name, workload in case.workloads.items():
        options = [(option, option.family) for option in case.options[name]]
        sizes = Counter(family for option, family in options if not option.shared)
        for time in (time for time in case.times if case.planned_rps[name, *time] > 0):
            keys = [(option, family, _key(name, option, time)) for option, family in options]
            there = [(option, family, columns[key]) for option, family, key in keys if key in columns]
            used = [(option, family, values[column]) for option, family, column in there if values[column] > 0]
            if _suffices(case, workload, time, [(option, count) for option, _, count in used]):
                continue
            families = {family for _, family, _ in used or there}
            yield from ((column, sizes[family] <= 1) for _, family, column in there if family in families)


def _suffices(case: PlanningCase, workload: Workload, time: TimeKey, found: list[tuple[Option, float]]) -> bool:
    """Whether replicas carry all that is asked, where nothing else is asked of them."""
    more = workload.batch or workload.spares or workload.least_replicas or workload.family
    if more or workload.survive.node or workload.survive.rack or workload.survive.site:
        return False
    groups = [Group(option, count, case.capability[time[2]]) for option, count in found]
    return achieved_rps(groups) >= ENOUGH * case.planned_rps[workload.name, *time]
