"""Work with a deadline beside demand that arrives, in random tiny cases, against trying everything.

One config on nodes of one GPU, so that a choice is how many replicas do the work at each time and how many nodes are
kept in each period: both few enough to go through them all, from the definitions alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Calendar, Scenario, Shortfall
from fleetopt.scenario.work import AMOUNT, Batch, Work, most_rps
from fleetopt.study.once import optimize
from tests.oracle import build

NEARLY = 1e-9


def drawn(seed: int) -> Scenario:
    """Chat by the slot, and an amount or an amount in each period, perhaps not all of it to be done."""
    random = Random(seed)
    split = random.choice((12.0, 8.0, 6.0))
    over = build.calendar(random.choice((1, 2)), (split, 24.0 - split))
    rate = random.choice((0.7, 1.0, 1.3))
    chat = build.workload("chat", {time: random.choice((0.0, 0.9, 2.1)) for time in build.times(over)}, over=over)
    shortfall = Shortfall(random.choice((0.0, 0.3, 1.0)), 0.0, random.uniform(0.1, 2.0) / 3600.0)
    bulk = build.workload(
        "bulk",
        most_rps(batch := drawn_batch(random, over, rate), over),
        over=over,
        batch=batch,
        headroom=random.choice((0.0, 0.2)),
    )
    bulk = replace(bulk, shortfall=shortfall)
    lines = [
        build.line("rent", "Ax1", random.uniform(1.0, 2.0)),
        build.line("keep", "Ax1", random.uniform(0.5, 1.5), kind="reserved", term=3),
    ]
    return build.scenario([chat, bulk], [build.rate("c", rate)], lines, over=over)


def drawn_batch(random: Random, over: Calendar, rate: float) -> Batch:
    seconds = 90 * 24 * 3600.0
    count = len(over.periods)
    slots = random.choice((("h1",), ("h2",), ("h1", "h2")))

    def requests() -> dict[str, float]:
        return {"o1": random.uniform(0.1, 0.6) * rate * seconds}

    daily = [Work(period.name, i, i, requests()) for i, period in enumerate(over.periods)]
    return Batch(slots, tuple(daily if random.random() < 0.4 else [Work(AMOUNT, 0, count - 1, requests())]))


def cheapest(scenario: Scenario) -> float:
    """The least cost of all choices."""
    chat, bulk = scenario.workloads
    rent, keep = (line.offer.usd_per_node_h for line in scenario.supply.lines)
    rate = scenario.models["m"].candidates[0].profile.points[0].rate_rps  # type: ignore[union-attr]
    calendar, batch = scenario.calendar, bulk.batch
    assert batch is not None
    times = [(t, h) for t in calendar.periods for h in calendar.slots]
    hours = {(t.name, h.name): t.days * h.hours_per_day for t, h in times}
    need = {(t.name, h.name): math.ceil(chat.demand_rps[t.name, h.name, "o1"] / rate - NEARLY) for t, h in times}
    best = math.inf
    most = [math.ceil(0.8 * 24.0 / h.hours_per_day) + 1 if h.name in batch.slots else 0 for _, h in times]
    for counts in product(*(range(many + 1) for many in most)):
        busy = dict(zip(hours, counts, strict=True))
        usd = undone_usd(scenario, {at: 3600.0 * hours[at] * rate * busy[at] for at in hours})
        for period in calendar.periods:
            own = [(need[at] + busy[at], hours[at]) for at in hours if at[0] == period.name]
            whole = 24.0 * period.days
            usd += min(
                kept * whole * keep + sum(max(0, nodes - kept) * h * rent for nodes, h in own)
                for kept in range(max(nodes for nodes, _ in own) + 1)
            )
        best = min(best, usd)
    return best


def undone_usd(scenario: Scenario, done: dict[tuple[str, str], float]) -> float:
    """What is paid for the work that is left, without end where more is left than may be."""
    bulk, names = scenario.workloads[1], [period.name for period in scenario.calendar.periods]
    assert bulk.batch is not None
    usd = 0.0
    for work in bulk.batch.works:
        planned = work.requests["o1"] * (1.0 + bulk.headroom)
        within = names[work.first : work.last + 1]
        left = max(0.0, planned - sum(requests for at, requests in done.items() if at[0] in within))
        if left > planned * bulk.shortfall.allowed * (1.0 + NEARLY) + NEARLY:
            return math.inf
        usd += left * bulk.shortfall.usd_per_request
    return usd


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_the_program_finds_what_trying_everything_finds(seed: int, method: str) -> None:
    """No cheaper way to place the work exists, and the plan's dollars are those of the definitions."""
    scenario = drawn(seed)
    plan = optimize(scenario, SolveOptions(gap=0.0, method=method))  # type: ignore[arg-type]
    assert plan.verdict.passed
    assert plan.objective_usd == pytest.approx(cheapest(scenario), rel=1e-6)
