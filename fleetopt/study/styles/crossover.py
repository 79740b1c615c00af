"""Aggregated or disaggregated, by how tight the promises are (as BestServe and TaiChi ask), workload by workload.

    usd[style, f] = least cost of the workload alone with TTFT and TPOT limits of f times those of the scenario
    best[f]       = the style that costs less; none where they cost the same, or neither serves it

Where best differs between two neighbouring factors, the interval between them is halved (geometrically) until its ends
are `within` of one another: the crossover lies there, if there is one only. Nothing is claimed about factors in between
that were not asked. Mixed is everything allowed, so it is no dearer than either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, TypeAlias

from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.study.plainer import families
from fleetopt.study.resolve import Answer, Resolver
from fleetopt.study.restrict import with_workloads
from fleetopt.study.styles.roles import APART, TOGETHER, in_roles
from fleetopt.units import Latency

Best: TypeAlias = Literal["aggregated", "disaggregated"]


class Priced(Record):
    """A workload at a factor; None where there is no plan, or where `complete` is false none was found in time."""

    workload: str
    factor: float
    ttft_s: float | None
    tpot_s: float | None
    aggregated_usd: float | None
    disaggregated_usd: float | None
    mixed_usd: float | None
    best: Best | None
    complete: bool


class Crossover(Record):
    """`tighter` is best at the factor `low`, `looser` at `high`."""

    workload: str
    low: float
    high: float
    tighter: Best | None
    looser: Best | None


class Tightness(Record):
    """The table, its workloads in the order of the scenario and factors rising, and where the best one changes."""

    schema_version: Literal["1"] = "1"
    scenario: str
    within: float
    rows: tuple[Priced, ...]
    crossovers: tuple[Crossover, ...]
    solves: int
    complete: bool


def tightness(scenario: Scenario, factors: Sequence[float], desk: Resolver, within: float = 0.05) -> Tightness:
    """Each workload that promises a latency, alone, at each factor. Ctrl-C ends it with what is finished.

    Args:
        scenario: the question.
        factors: on the limits of TTFT and TPOT.
        desk: how hard to try each solve.
        within: how far apart, relatively, the ends of a crossover may be.
    """
    rows: list[Priced] = []
    crossovers: list[Crossover] = []
    promising = [group for group in families(scenario) if any(w.ttft or w.tpot for w in group)]
    try:
        for group in promising:
            bench = _Bench(scenario, group, desk)
            priced = [bench.at(factor) for factor in sorted(factors)]
            rows += priced
            crossovers += [bench.crossover(*pair, within) for pair in pairwise(priced) if _differ(*pair)]
    except KeyboardInterrupt:
        desk.stopped = True
    return Tightness(
        scenario=scenario.name,
        within=within,
        rows=tuple(rows),
        crossovers=tuple(crossovers),
        solves=desk.solves,
        complete=all(row.complete for row in rows) and not desk.stopped and not desk.unanswered,
    )


def _differ(one: Priced, other: Priced) -> bool:
    return one.complete and other.complete and one.best != other.best


@dataclass(slots=True)
class _Bench:
    """One workload, with all its length buckets, priced at any factor."""

    scenario: Scenario
    group: list[Workload]
    desk: Resolver
    name: str = field(init=False)

    def __post_init__(self) -> None:
        first = self.group[0]
        self.name = first.family.name if first.family else first.name

    def at(self, factor: float) -> Priced:
        asked = with_workloads(self.scenario, [_scaled(one, factor) for one in self.group])
        answers = list(self._answers(asked, factor))
        together, apart, mixed = (answer.usd for answer in answers)
        found = [usd for usd in (together, apart, mixed) if usd is not None]
        first = asked.workloads[0]
        return Priced(
            workload=self.name,
            factor=factor,
            ttft_s=first.ttft.limit_s if first.ttft else None,
            tpot_s=first.tpot.limit_s if first.tpot else None,
            aggregated_usd=together,
            disaggregated_usd=apart,
            # A solve of everything that ended early may have found less than one of them.
            mixed_usd=min(found, default=None),
            best=_best(together, apart, self.desk.options.gap),
            complete=all(answer.plan is not None or answer.impossible for answer in answers),
        )

    def _answers(self, asked: Scenario, factor: float) -> Iterator[Answer]:
        what = f"{self.name} at {factor:g} times its limits"
        yield self.desk.solve(in_roles(asked, TOGETHER), f"{what}, aggregated")
        yield self.desk.solve(in_roles(asked, APART), f"{what}, disaggregated")
        yield self.desk.solve(asked, f"{what}, mixed")

    def crossover(self, low: Priced, high: Priced, within: float) -> Crossover:
        """Halves the interval; a factor that could not be priced ends it."""
        while high.factor > low.factor * (1.0 + within):
            middle = self.at(math.sqrt(low.factor * high.factor))
            if not middle.complete:
                break
            low, high = (middle, high) if middle.best == low.best else (low, middle)
        return Crossover(workload=self.name, low=low.factor, high=high.factor, tighter=low.best, looser=high.best)


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


def _best(together: float | None, apart: float | None, gap: float) -> Best | None:
    """The cheaper one; none where neither is, to the gap that both are known to."""
    if together is None or apart is None:
        return "disaggregated" if apart is not None else None if together is None else "aggregated"
    if abs(together - apart) <= gap * max(abs(together), abs(apart)):
        return None
    return "aggregated" if together < apart else "disaggregated"
