"""The least cost of a tiny day with changes between its slots, by trying everything; nothing is shared with fleetopt.

One workload on rented nodes of one type. Every vector of replicas for every slot is a state; from one slot to the next
every number of replicas that stop beyond what has to, and every number of flips, is tried. A day is a closed walk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from random import Random
from typing import TypeAlias

from fleetopt.catalog.domain import Candidate, RateProfile
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.domain import Scenario, Workload
from tests.oracle import build

State: TypeAlias = tuple[int, ...]
NEARLY = 1e-9


class Day:
    """Everything there is to try about one scenario of one workload, whole or by slot, one period and one outlook."""

    def __init__(self, scenario: Scenario) -> None:
        assert scenario.changes is not None
        self.changes: Changes = scenario.changes
        (self.line,) = scenario.supply.lines
        self.slots = scenario.calendar.slots
        self.days = scenario.calendar.periods[0].days
        times = [("t1", slot.name, "o1") for slot in self.slots]
        self.asked = [sum(one.demand_rps[time] for one in scenario.workloads) for time in times]
        self.ways: list[Candidate] = list(scenario.models["m"].candidates)
        # The workload, or the part of its day that asks for something.
        asking = [max(scenario.workloads, key=lambda one: one.demand_rps[time]) for time in times]
        self.rps = [[_rate(way, one) for way in self.ways] for one in asking]
        self.gpus = [one.config.gpus_per_replica for one in self.ways]
        self.node = scenario.node_types[self.line.offer.node_type].gpus_per_node
        weights = scenario.models["m"].card.parameters_b * 1e9  # all of these are fp8: a byte each
        speed = self.changes.load_bytes_per_s or math.inf
        self.load_s = [self.changes.model_load_s + weights / gpus / speed for gpus in self.gpus]

    def least_cost(self) -> float | None:
        """The cheapest closed walk over the slots: of the day, and where limits are by the day, of each budget."""
        most = max(self.asked)
        # A replica that only starts carries three quarters of its rate or more in these questions.
        states = list(product(*(range(math.ceil(most / 0.75 / min(rps)) + 1) for rps in zip(*self.rps, strict=True))))
        found = [self._walk(first, states) for first in states]
        return min((usd for usd in found if usd is not None), default=None)

    def _walk(self, first: State, states: list[State]) -> float | None:
        """From a state in the last slot around the day to itself; by what is started so far and held at most."""
        held = {(first, 0, self._nodes(first)): 0.0}
        for index in range(len(self.slots)):
            after: dict[tuple[State, int, int], float] = {}
            ends = [first] if index == len(self.slots) - 1 else states
            for (state, started, most), usd in held.items():
                for then in ends:
                    gpus = self._least_started(index, state, then)
                    if gpus is None or started + gpus > self._per_day():
                        continue
                    key = then, started + gpus if self._per_day() < math.inf else 0, self._most(most, then)
                    after[key] = min(after.get(key, math.inf), usd + self._slot_usd(index, then))
            held = after
        whole = self.days * 24.0 * self.line.offer.usd_per_node_h
        roles = self.changes.mode == "roles"
        return min((most * whole if roles else usd for (_, _, most), usd in held.items()), default=None)

    def _per_day(self) -> float:
        return math.inf if self.changes.per_day_gpus is None else self.changes.per_day_gpus

    def _most(self, most: int, state: State) -> int:
        return max(most, self._nodes(state)) if self.changes.mode == "roles" else 0

    def _nodes(self, state: State) -> int:
        """All sizes divide a node and one another."""
        used = sum(n * gpus for n, gpus in zip(state, self.gpus, strict=True))
        return -(-used // self.node) if used else 0

    def _slot_usd(self, index: int, state: State) -> float:
        return self.days * self.slots[index].hours_per_day * self._nodes(state) * self.line.offer.usd_per_node_h

    @cache  # noqa: B019 - as long as the question
    def _least_started(self, index: int, state: State, then: State) -> int | None:
        """The fewest GPUs that start something on a way from one state to the next that serves the slot."""
        if self.changes.mode == "static" and state != then:
            return None
        limit = math.inf if self.changes.per_change_gpus is None else self.changes.per_change_gpus
        fits = [gpus for gpus, left in self._moves(index, state, then) if gpus <= limit and self._serves(index, left)]
        return min(fits, default=None)

    def _moves(self, index: int, state: State, then: State) -> Iterator[tuple[int, list[float]]]:
        """GPUs started and replicas left on average, for everything that may stop and flip."""
        seconds = 3600.0 * self.slots[index].hours_per_day
        if not self.changes.counts:
            yield 0, list(then)
            return
        pairs = list(zip(state, then, strict=True))
        needless = [
            range(max(0, min(s, t) if self.changes.role_flip_s < self.changes.model_load_s else 0) + 1)
            for s, t in pairs
        ]
        for extra in product(*needless):
            stopped = [max(0, s - t) + e for (s, t), e in zip(pairs, extra, strict=True)]
            started = [max(0, t - s) + e for (s, t), e in zip(pairs, extra, strict=True)]
            for flips in product(*(range(count + 1) for count in started)):
                if not self._from_stopped(flips, stopped):
                    continue
                left = [
                    t - f * min(1.0, self.changes.role_flip_s / seconds) - (n - f) * min(1.0, load / seconds)
                    for t, f, n, load in zip(then, flips, started, self.load_s, strict=True)
                ]
                yield sum(n * gpus for n, gpus in zip(started, self.gpus, strict=True)), left

    def _from_stopped(self, flips: State, stopped: list[int]) -> bool:
        names = [one.config.name for one in self.ways]
        return all(
            sum(f for f, name in zip(flips, names, strict=True) if name == config)
            <= sum(s for s, name in zip(stopped, names, strict=True) if name == config)
            for config in names
        ) and all(names.count(name) > 1 or not f for f, name in zip(flips, names, strict=True))

    def _serves(self, index: int, left: list[float]) -> bool:
        by_role = dict.fromkeys(("prefill", "decode", "aggregated"), 0.0)
        for way, rps, count in zip(self.ways, self.rps[index], left, strict=True):
            by_role[way.role] += rps * count
        carried = min(by_role["prefill"], by_role["decode"]) + by_role["aggregated"]
        return carried >= self.asked[index] - NEARLY


def draw(random: Random, slots: tuple[int, ...] = (2, 3)) -> Scenario:
    """A workload whose demand changes over two or three slots, on nodes of one or two GPUs."""
    hours = {2: (8.0, 16.0), 3: (6.0, 6.0, 12.0)}[random.choice(slots)]
    over = build.calendar(1, hours, days=30)
    demand = {time: random.choice((0.5, 1.0, 1.5)) for time in build.times(over)}
    candidates = [build.rate("c", random.choice((1.5, 3.0)), "prefill"), build.rate("c", 1.0, "decode")]
    if random.random() < 0.5:
        candidates.append(build.rate("a", random.choice((0.7, 0.9))))
    gpus = random.choice((None, 0, 1, 2))
    changes = Changes(
        random.choice(("static", "roles", "free", "free")),
        role_flip_s=random.choice((0.0, 600.0)),
        model_load_s=random.choice((0.0, 1800.0, 5400.0)),
        per_change_gpus=gpus if random.random() < 0.6 else None,
        per_day_gpus=gpus if random.random() < 0.5 else None,
    )
    asked = build.workload("chat", demand, over=over)
    line = build.line("l", random.choice(("Ax1", "Ax2")), 2.0)
    return replace(build.scenario([asked], candidates, [line], over=over), changes=changes)


def draw_by_slot(random: Random) -> Scenario:
    """The same, with a workload of which each slot has requests of its own lengths: every way is faster in one of them.

    A role that is fast by day may be slow by night, so that the same GPUs are best used otherwise then.
    """
    scenario = draw(random, (2,))
    (whole,) = scenario.workloads
    parts = [
        replace(
            whole,
            name=f"chat ({slot.name})",
            part_of="chat",
            input_tokens=LENGTHS[index][0],
            output_tokens=LENGTHS[index][1],
            demand_rps={time: rps if time[1] == slot.name else 0.0 for time, rps in whole.demand_rps.items()},
        )
        for index, slot in enumerate(scenario.calendar.slots)
    ]
    faster = [[random.choice((1.0, 1.5)) for _ in parts] for _ in scenario.models["m"].candidates]
    ways = [stated(way, rates) for way, rates in zip(scenario.models["m"].candidates, faster, strict=True)]
    models = {"m": replace(scenario.models["m"], candidates=tuple(ways))}
    return replace(scenario, workloads=tuple(parts), models=models)


def _rate(way: Candidate, asking: Workload) -> float:
    """What is stated for just these lengths, where there are several."""
    assert isinstance(way.profile, RateProfile)
    points = way.profile.points
    exact = [point for point in points if point.output_tokens == asking.output_tokens]
    return (exact or list(points))[0].rate_rps


LENGTHS = ((2000.0, 100.0), (1000.0, 200.0))
"""Input and output tokens of the first slot and of the second; evidence of neither covers the other."""


def stated(way: Candidate, faster: list[float]) -> Candidate:
    """A rate that is stated for the lengths of both slots, so many times the one it has."""
    assert isinstance(way.profile, RateProfile)
    (point,) = way.profile.points
    points = [
        replace(point, input_tokens=lengths[0], output_tokens=lengths[1], rate_rps=times * point.rate_rps)
        for lengths, times in zip(LENGTHS, faster, strict=True)
    ]
    return replace(way, profile=replace(way.profile, points=tuple(points)))
