"""The plan of a program written in parts, read out a part at a time.

Every part is written once more with the options that the plan uses there, which are few; a single one is all there is
to read. What is of no single time comes with every part and is taken once: lines of money that a part shares with the
program without any times count by what the part adds to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.forked import forked
from fleetopt.optimizer.formulation import Problem, formulate
from fleetopt.optimizer.ledgers import CostKey
from fleetopt.optimizer.matrix import Floats
from fleetopt.optimizer.patterns.parts import Parts, at_times
from fleetopt.optimizer.patterns.structure import key_of
from fleetopt.optimizer.readout import Readout, load, read_loaded
from fleetopt.plan.domain import CostLine
from fleetopt.plan.risk import worth

SAME = 1e-9
"""Relative difference of two sums of the same dollars."""

LARGE = 10_000
"""Replicas of a kind, times included, from which two processes are sooner done."""

Running = dict[tuple[str, ...], int]
"""Replicas by workload, option and time."""


def read_parts(parts: Parts, values: Floats, features: Sequence[Feature]) -> Readout:
    """The plan records of a solution, one value per column of the program."""
    case, running = parts.case, _running(parts, values)
    if len(parts.times) == 1:
        return _read(parts, values, running, _used(parts, case, running), features)
    orders = _read(parts, values, {}, at_times(case, ()), features)

    def read(index: int) -> Readout:
        return _read(parts, values, running, _used(parts, at_times(case, parts.times[index]), running), features)

    found = [orders, *forked(read, len(parts.times), len(running) >= LARGE)]
    return _joined(case, orders, found)


def _running(parts: Parts, values: Floats) -> Running:
    case, running = parts.case, Running()
    for ways in parts.plain.ways:
        replicas = np.rint(ways.replicas(values)).astype(int)
        for time, option in zip(*np.nonzero(replicas), strict=True):
            key = (ways.workload, case.options[ways.workload][option].name, *case.times[time])
            running[key] = int(replicas[time, option])
    return running


def _used(parts: Parts, case: PlanningCase, running: Running) -> PlanningCase:
    """The case with the options that it uses, and all those of workloads that are tied."""
    times, plain = set(case.times), {ways.workload for ways in parts.plain.ways}
    used = {key[:2] for key in running if key[2:] in times}
    chosen = {
        w: tuple(one for one in found if w not in plain or (w, one.name) in used) for w, found in case.options.items()
    }
    return replace(case, options=chosen)


def _read(parts: Parts, values: Floats, running: Running, case: PlanningCase, features: Sequence[Feature]) -> Readout:
    problem = formulate(case, features)
    load(problem.model, _values(problem, parts, values, running))
    return read_loaded(problem, features)


def _values(problem: Problem, parts: Parts, values: Floats, running: Running) -> Iterator[tuple[Any, float]]:
    from pyomo.core import Var

    for variable in problem.model.component_data_objects(Var):
        if (column := parts.names.get(key_of(variable))) is not None:
            yield variable, values[column]
        elif variable.parent_component() is problem.model.REPLICAS:
            yield variable, running.get(variable.index(), 0)


def _joined(case: PlanningCase, orders: Readout, found: Sequence[Readout]) -> Readout:
    """One readout of all: first what has no time, then the parts, workload by workload."""
    costs = _costs(orders.costs, [part.costs for part in found[1:]])
    value = worth(costs, case.probability, case.risk)
    rank = {name: place for place, name in enumerate(case.workloads)}
    return replace(
        orders,
        objective_usd=value.objective_usd,
        expected_usd=value.expected_usd,
        cvar_usd=value.cvar_usd,
        fleet=tuple(line for part in found for line in part.fleet),
        placements=tuple(sorted((p for part in found for p in part.placements), key=lambda p: rank[p.workload])),
        workloads=tuple(sorted((o for part in found for o in part.workloads), key=lambda o: rank[o.workload])),
        costs=costs,
        binding=tuple({b.limit: b for part in found for b in part.binding}.values()),
    )


def _costs(orders: Iterable[CostLine], parts: Iterable[Iterable[CostLine]]) -> tuple[CostLine, ...]:
    known = {_key(line): line for line in orders}
    lines = dict(known)
    for part in parts:
        for line in part:
            key = _key(line)
            more = line.usd - (known[key].usd if key in known else 0.0)
            if key not in lines:
                lines[key] = line
            elif abs(more) > SAME * abs(line.usd):
                lines[key] = lines[key].model_copy(update={"usd": lines[key].usd + more})
    return tuple(lines.values())


def _key(line: CostLine) -> CostKey:
    return CostKey(line.line, line.period, line.slot, line.outlook, line.site, line.item)
