"""Aggregated or disaggregated, by how tight the promises are (as BestServe and TaiChi ask), workload by workload.

    usd[way, f], bound[way, f]   of the workload alone with TTFT and TPOT limits of f times those of the scenario
    best[f] = a way whose usd is below the bound of the other; equal where neither is, neither where none serves it

Where best differs between two neighbouring factors, the interval between them is halved (geometrically), and so is each
half in which it differs, until the ends are `within` of one another: a crossover lies there. Nothing is claimed about
factors in between that were not asked. Mixed is everything allowed; where its solve ends at more than a way, that way's
plan is its plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.study.plainer import families
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import with_workloads
from fleetopt.study.styles.tight import Crossover, Priced, Tightness, Way
from fleetopt.study.styles.ways import WAYS, best_of, solved, with_ways
from fleetopt.units import Latency


@dataclass(frozen=True, slots=True)
class WaysKept:
    """Where finished ways are kept, and come from when a table goes on: by workload, factor and name of the way."""

    kept: Callable[[str, float, str], Way | None] = lambda _workload, _factor, _way: None
    keep: Callable[[str, float, str, Way], None] = lambda _workload, _factor, _way, _found: None


def tightness(
    scenario: Scenario,
    factors: Sequence[float],
    desk: Resolver,
    within: float = 0.05,
    keeping: WaysKept | None = None,
) -> Tightness:
    """Each workload that promises a latency, alone, at each factor. Ctrl-C ends it with what is finished.

    Args:
        scenario: the question.
        factors: on the limits of TTFT and TPOT.
        desk: how hard to try each solve.
        within: how far apart, relatively, the ends of a crossover may be.
        keeping: ways that are finished already, and what is told of each that is.
    """
    rows: list[Priced] = []
    halvings: list[Priced] = []
    crossovers: list[Crossover] = []
    promising = [group for group in families(scenario) if any(w.ttft or w.tpot for w in group)]
    try:
        for group in promising:
            bench = _Bench(scenario, group, desk, keeping or WaysKept(), halvings)
            priced = list[Priced]()
            for factor in sorted(factors):
                priced.append(bench.at(factor))
                rows.append(priced[-1])
            for pair in pairwise(priced):
                crossovers += bench.crossovers(*pair, within)
    except KeyboardInterrupt:
        desk.stopped = True
    return Tightness(
        scenario=scenario.name,
        within=within,
        rows=tuple(rows),
        halvings=tuple(sorted(halvings, key=lambda one: (one.workload, one.factor))),
        crossovers=tuple(crossovers),
        solves=desk.solves,
        complete=not desk.stopped and all(row.complete for row in (*rows, *halvings)),
    )


@dataclass(slots=True)
class _Bench:
    """One workload, with all its length buckets, priced at any factor."""

    scenario: Scenario
    group: list[Workload]
    desk: Resolver
    keeping: WaysKept
    halvings: list[Priced]
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.group[0].written_as

    def at(self, factor: float) -> Priced:
        asked = with_workloads(self.scenario, [_scaled(one, factor) for one in self.group])
        together, apart, mixed = self._ways(asked, factor)
        first = asked.workloads[0]
        return Priced(
            workload=self.name,
            factor=factor,
            ttft_s=first.ttft.limit_s if first.ttft else None,
            tpot_s=first.tpot.limit_s if first.tpot else None,
            aggregated=together,
            disaggregated=apart,
            mixed=with_ways(mixed, together, apart),
            best=best_of(together, apart),
            complete="NOT_FINISHED" not in {together.came, apart.came, mixed.came},
        )

    def _ways(self, asked: Scenario, factor: float) -> Iterator[Way]:
        for way in WAYS:
            found = self.keeping.kept(self.name, factor, way)
            if found is None:
                found = solved(asked, way, self.desk, f"{self.name} at {factor:.4g} times its limits, {way}")
                # One that the time for all solves has cut short may come nearer when it is asked again.
                if found.came != "NOT_FINISHED" and not (
                    self.desk.spent and (found.gap or 0.0) > self.desk.options.gap
                ):
                    self.keeping.keep(self.name, factor, way, found)
            yield found

    def crossovers(self, low: Priced, high: Priced, within: float) -> Iterator[Crossover]:
        """Halves the interval, if the best changes in it, and each half in which it does; a factor that could not be
        priced ends that.
        """
        if low.best is None or high.best is None or low.best == high.best:
            return
        middle = None if high.factor <= low.factor * (1.0 + within) else self._middle(low, high)
        if middle is None or middle.best is None:
            yield Crossover(workload=self.name, low=low.factor, high=high.factor, tighter=low.best, looser=high.best)
            return
        yield from self.crossovers(low, middle, within)
        yield from self.crossovers(middle, high, within)

    def _middle(self, low: Priced, high: Priced) -> Priced:
        self.halvings.append(self.at(math.sqrt(low.factor * high.factor)))
        return self.halvings[-1]


def _scaled(workload: Workload, factor: float) -> Workload:
    return replace(
        workload,
        ttft=_times(workload.ttft, factor),
        tpot=_times(workload.tpot, factor),
        further_ttft=_all_times(workload.further_ttft, factor),
        further_tpot=_all_times(workload.further_tpot, factor),
        e2e=_all_times(workload.e2e, factor),
    )


def _all_times(limits: tuple[Latency, ...], factor: float) -> tuple[Latency, ...]:
    return tuple(replace(one, limit_s=factor * one.limit_s) for one in limits)


def _times(limit: Latency | None, factor: float) -> Latency | None:
    return None if limit is None else replace(limit, limit_s=factor * limit.limit_s)
