"""Narrowing: of hundreds of options for each workload a few are ever worth having, and those a small program finds.

The relaxation of a coarse case (`coarse`), with rounded rows, says which options are used while GPUs are worth
something. The program of the case is then written for these alone. What is left out is not forgotten: `left_out`
proves, at the prices of the narrow program, what it could have saved at most, and the bound is lower by that much.
docs/decisions/0017 has what this gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.coarse import coarse
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.last_plan import in_use
from fleetopt.optimizer.matrix import Flags, Floats
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.patterns.left_out import Lost, lost
from fleetopt.optimizer.patterns.parts import Parts, written
from fleetopt.optimizer.patterns.plain import Plain, Ways
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.relaxed import Relaxed, relaxed
from fleetopt.optimizer.patterns.rounding import Rounded
from fleetopt.optimizer.patterns.rows import Row
from fleetopt.optimizer.patterns.structure import Key
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.plan.domain import Plan

GROUPS = 4
"""Slots of a period of the coarse case."""

COARSE_GAP = 0.125
"""The gap that the coarse case is relaxed for: it only says which options are of use."""

MAY_BE_LOST = 0.2
"""Of the gap asked for, what the options left out may save before the program is written again with some of them."""

WANTED = 1e-3
"""Of what is lost, what an option must have to do with to be taken in."""

SHARE_OF_TIME = 0.4
"""Of the time limit, after which a program is not written again."""

USED = 1e-6
WORTH = 0.1
"""What GPUs are worth at a time next to their mean over times, for what is used then to count: what is free says little
about what to pay for."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """A narrow program with its rows, the optimum of its relaxation with them, and where the search begins.

    `apart` says whether the optimum was found a time by itself.
    """

    parts: Parts
    apart: bool
    rows: list[Rounded]
    priced: list[Row]
    point: Point
    begin: Point

    def orders(self) -> dict[Key, float]:
        """What is of no single time at the optimum, by name."""
        shared = self.parts.shared
        return {name: float(self.point.columns[at]) for name, at in self.parts.names.items() if shared[at]}

    def bounds(self, case: PlanningCase) -> tuple[float | None, Lost]:
        """A bound of the whole case, if one is known, and what is lost next to the program's own.

        Of what is tied only all options are known to lose nothing. Whoever is tied here but was not in the coarse case,
        as by a rule with batch work, may lose anything until all of his options are in.
        """
        missing = lost(case, self.parts.plain, self.parts.program, self.point, self.rows)
        plain, few = {ways.workload for ways in self.parts.plain.ways}, self.parts.case.options
        cut = {w: len(found) for w, found in case.options.items() if w not in plain and len(few[w]) < len(found)}
        if cut:
            everything = {w: np.full(count, np.inf) for w, count in cut.items()}
            return None, Lost(np.inf, {**missing.by_option, **everything})
        return self.point.value - missing.usd, missing


def bounded(watch: Watch, case: PlanningCase, features: Sequence[Feature]) -> Bounded | None:
    """A narrow program, after bounds that hold for the whole one were told to the watch.

    Where what was left out could save too much, it is written once more with the options that could, if there is time.
    None where the program has no relaxed solution, or the time was too short.
    """
    few = coarsely(case, features, watch)
    if few is None:
        return None
    narrow, orders, found = narrowed(case, few, watch.options.start), few.orders(), None
    while True:
        part, missing = _checked(watch, case, narrow, features, orders, last=found is not None)
        if part is None or missing is None:
            return part or found
        narrow, orders, found = _widened(case, narrow, missing), part.orders(), part


def _checked(
    watch: Watch,
    case: PlanningCase,
    narrow: PlanningCase,
    features: Sequence[Feature],
    orders: Mapping[Key, float],
    *,
    last: bool,
) -> tuple[Bounded | None, Lost | None]:
    """A narrow program, whose bound the watch was told, with whole orders to begin from.

    Or, if too much is lost and there is time to write it again, as it is, with what is lost.
    """
    made = _part(watch, narrow, features, orders)
    if made is None:
        return None, None
    part, found = made
    bound, missing = part.bounds(case)
    watch.know("bounding", bound)
    late = last or watch.seconds > SHARE_OF_TIME * watch.options.time_limit_s
    if not late and missing.usd > MAY_BE_LOST * watch.options.gap * abs(part.point.value):
        return part, missing
    silent = watch.silent()
    found = found.pricing(silent, part.parts.program, part.parts.plain, part.parts.time)
    watch.interrupted |= silent.interrupted
    part = replace(part, priced=found.priced, point=found.point)
    watch.know("bounding", part.bounds(case)[0])
    return replace(part, begin=found.with_whole_orders(watch)), None


def _part(
    watch: Watch, narrow: PlanningCase, features: Sequence[Feature], orders: Mapping[Key, float], gap: float = 0.0
) -> tuple[Bounded, Relaxed] | None:
    """A program with its rows and optima, begun at some orders, by name; no closer than a gap needs it."""
    silent = watch.silent(gap)
    parts = written(watch, narrow, features)
    if parts is None:
        return None
    plain, begin = parts.plain, np.zeros(len(parts.shared))
    for name, column in parts.names.items():
        begin[column] = orders.get(name, 0.0)
    found = relaxed(silent, plain, plain.loosened(parts.program), parts.time, begin[parts.shared])
    watch.interrupted |= silent.interrupted
    return None if found is None else (Bounded(parts, found.apart, found.rows, [], found.point, found.point), found)


def _widened(case: PlanningCase, narrow: PlanningCase, missing: Lost) -> PlanningCase:
    """The narrow case with the options that could save something."""
    enough = WANTED * missing.usd
    kept = {}
    for workload, options in case.options.items():
        there = {option.name for option in narrow.options[workload]}
        usd = missing.by_option.get(workload, np.zeros(len(options)))
        kept[workload] = np.array([o.name in there for o in options], dtype=bool) | (usd > enough) | np.isinf(usd)
    return keeping(case, kept)


def coarsely(case: PlanningCase, features: Sequence[Feature], watch: Watch) -> Bounded | None:
    """The program of the coarse case and its optimum, or None where it has none."""
    made = _part(watch, coarse(case, GROUPS), features, {}, COARSE_GAP)
    return None if made is None else made[0]


def narrowed(case: PlanningCase, few: Bounded, start: Plan | None = None) -> PlanningCase:
    """The case with the options that its coarse relaxation uses, and those of a plan to begin from.

    One option of every pool stays, so that all have a price; and all of workloads that are not plain.
    """
    return keeping(case, _with_start(case, start, _kept(case, few.parts.plain, few.point)))


def _with_start(case: PlanningCase, start: Plan | None, kept: dict[str, Flags]) -> dict[str, Flags]:
    """With the options of the plan to begin from."""
    for workload, names in (in_use(case, start) if start else {}).items():
        kept[workload] |= np.array([option.name in names for option in case.options[workload]], dtype=bool)
    return kept


def keeping(case: PlanningCase, kept: dict[str, Flags]) -> PlanningCase:
    """The case with some of the options of each workload, and with them a partner in each link that lacks one."""
    staying = {workload: _paired(options, kept[workload]) for workload, options in case.options.items()}
    chosen = {w: tuple(o for o in options if o.name in staying[w]) for w, options in case.options.items()}
    return replace(case, options=chosen)


def _paired(options: tuple[Option, ...], kept: Flags) -> set[str]:
    """The options that stay, and of every link with only one role the partner that carries most with each GPU."""
    staying = [option for option, stays in zip(options, kept, strict=True) if stays]
    found = {option.name for option in staying}
    for one in staying:
        role = one.capacity.candidate.role
        there = [o for o in options if o.link == one.link and o.capacity.candidate.role not in (role, "aggregated")]
        if role != "aggregated" and there and found.isdisjoint(o.name for o in there):
            found.add(max(there, key=lambda o: o.capacity_rps / o.node_gpus).name)
    return found


def _kept(case: PlanningCase, plain: Plain, point: Point) -> dict[str, Flags]:
    price = plain.pools.price(point)
    kept = {workload: np.zeros(len(options), dtype=bool) for workload, options in case.options.items()}
    rates = {ways.workload: price[ways.pool].T * ways.gpus for ways in plain.ways}
    for workload, stays in kept.items():
        stays[:] = workload not in rates
    for ways in plain.ways:
        kept[ways.workload] = _used(ways, point, rates[ways.workload])
    standing = {case.options[w][i].pool for w, stays in kept.items() for i in np.flatnonzero(stays)}
    for pool in sorted(set(case.pool_of.values()) - standing):
        _keep_one(case, pool, plain.ways, kept)
    return kept


def _used(ways: Ways, point: Point, rates: Floats) -> Flags:
    """Options that are used while they cost something; all that are used, where they never do."""
    used = ways.replicas(point.columns) > USED
    paid = used & (rates > WORTH * rates.mean(axis=0))
    return np.asarray((paid if paid.any() else used).any(axis=0), dtype=bool)


def _keep_one(case: PlanningCase, pool: tuple[str, str], found: Sequence[Ways], kept: dict[str, Flags]) -> None:
    """Keeps the option on a pool that carries most of a demand with each GPU."""
    best, where = 0.0, None
    for ways in found:
        for place, option in enumerate(case.options[ways.workload]):
            part = float((ways.part[:, place] / ways.gpus[place]).max())
            if option.pool == pool and part > best:
                best, where = part, (ways.workload, place)
    if where is not None:
        kept[where[0]][where[1]] = True
