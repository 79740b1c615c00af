"""Mixing: whole orders for whole replicas, found among listed patterns that prices ask for."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from fleetopt.errors import FleetoptError
from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.patterns import mixing
from fleetopt.optimizer.patterns.counted import counted
from fleetopt.optimizer.patterns.mixing import mixed
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground, relaxed
from fleetopt.optimizer.patterns.search import prices, searching
from fleetopt.optimizer.patterns.structure import NO_TIME, time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Scenario
from tests.optimizer.patterns.test_choosing import grounded
from tests.optimizer.patterns.test_search import program
from tests.oracle import build
from tests.oracle.draw import Draw

CASES = 80


@pytest.fixture(autouse=True)
def _mixing_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "FEWEST", 0)


def watching(gap: float = 1e-4) -> Watch:
    return Watch(SolveOptions(gap=gap, time_limit_s=60.0))


def on_relaxed(scenario: Scenario) -> Ground:
    """A question at the optimum of its relaxation, without rounded rows."""
    problem, matrix, plain = program(scenario)
    time = time_of_columns(problem, matrix)
    point = Relaxation(plain.loosened(matrix)).optimum(10.0)
    assert point is not None
    return Ground(matrix, plain, time, True, [], point, point, counted(matrix, time))


def orders_of(ground: Ground, values: Floats) -> dict[str, float]:
    """Nodes ordered, by line."""
    assert isinstance(ground.program, Matrix)
    shared = np.flatnonzero((ground.time == NO_TIME) & ground.program.integer)
    return {str(ground.program.variables[c].index()[0]): float(values[c]) for c in shared}


def by_hand() -> Scenario:
    """One request/s: a replica on A carries 0.4 of them for 10 USD/h, one on B 0.5 for 13 USD/h, leased for a quarter.

    Relaxed, 2.5 on A (25 USD/h) are the cheapest; whole, 2 on B (26) are, before 3 on A (30).
    """
    lines = [
        build.line("a", "Ax1", 10.0, kind="reserved", term=3),
        build.line("b", "Bx1", 13.0, kind="reserved", term=3),
    ]
    options = [build.rate("on-a", 0.4, gpu="A"), build.rate("on-b", 0.5, gpu="B")]
    return build.scenario([build.workload(rps=1.0)], options, lines)


def test_orders_are_those_of_whole_replicas() -> None:
    """Proves: beside a plan of three on A, at prices at which A is the cheaper, the orders are two on B, which is what
    the mix costs and the best plan too.

    Sensitivity: without patterns but the plan's, or with relaxed replicas among them, they are those on A.
    """
    ground = on_relaxed(by_hand())
    assert orders_of(ground, ground.point.columns) == pytest.approx({"a": 2.5, "b": 0.0})
    upper = ground.program.column_upper.copy()
    upper[ground.program.cost > ground.program.cost.max() - 1e-9] = 0.0
    plan, best = (
        solve(one, SolveOptions(gap=0.0)) for one in (replace(ground.program, column_upper=upper), ground.program)
    )
    assert plan.values is not None
    assert best.objective is not None
    assert orders_of(ground, plan.values) == pytest.approx({"a": 3.0, "b": 0.0})
    found = mixed(watching(), ground, plan.values)
    assert found is not None
    assert orders_of(ground, found.columns) == pytest.approx({"a": 0.0, "b": 2.0})
    assert found.value == pytest.approx(best.objective)


@pytest.mark.slow
def test_mixes_keep_every_row_beneath_whole_orders() -> None:
    """Proves: on random questions orders are whole, replicas and shares of links keep every row and bound of the
    program, and what they cost is what is said and no less than the relaxation without rounded rows.

    Sensitivity: a pattern on another pool's row, a share of a link that its replicas do not carry, or a mix that is
    less than all of a demand breaks a row.
    """
    kept = 0
    for seed in range(CASES):
        try:
            problem, matrix, plain = program(Draw(Random(seed)).scenario())
        except FleetoptError:
            continue
        time, watch = time_of_columns(problem, matrix), watching()
        shared = time == NO_TIME
        found = relaxed(watch, plain, plain.loosened(matrix), time, np.zeros(int(shared.sum())))
        if found is None or not found.apart or plain.tied.any() or not plain.replicas.any():
            continue
        begin = found.with_whole_orders(watch)
        ground = Ground(matrix, plain, time, True, found.rows, found.point, begin, counted(matrix, time))
        searching(watch, ground, begin, 1)
        if watch.values is None:
            continue
        point = mixed(watch, ground, watch.values)
        if point is None:
            assert ground.counted.rows.size
            continue
        whole = shared & matrix.integer
        assert np.abs(point.columns - np.rint(point.columns))[whole].max(initial=0.0) < 1e-6
        assert allowed(matrix, point.columns), seed
        assert point.value == pytest.approx(float(matrix.cost @ point.columns) + matrix.offset, rel=1e-6)
        least = Relaxation(matrix).optimum(10.0)
        assert least is not None
        assert point.value >= least.value * (1.0 - 1e-6) - 1e-6
        kept += 1
    assert kept >= CASES // 4


def test_prices_ask_for_every_pattern_that_pays() -> None:
    """Proves: one pattern at a time, asked for by prices, the optimum falls to that of all patterns of the lists.

    Sensitivity: prices of another row, or what a demand is worth of another workload, leave it above.
    """
    watch, _, ground = grounded()
    searching(watch, ground, ground.begin, 1)
    assert watch.values is not None
    price = prices(ground.plain.pools, ground.begin)
    lists = [mixing._listed(ground, price, watch.values, ways) for ways in ground.plain.ways]
    together, slowly = mixing._Mix(ground, lists), mixing._Mix(ground, lists)
    assert together.take([one.rated(price) for one in lists], 1000)
    least = together.optimum(watch)
    assert least is not None
    assert not together.ask(least)
    before = at = slowly.optimum(watch)
    while at is not None and slowly.ask(at):
        before, at = at, slowly.optimum(watch)
        assert at is not None
        assert at.value <= before.value * (1.0 + 1e-9)
    assert at is not None
    assert at.value == pytest.approx(least.value, rel=1e-5)
    first = mixing._Mix(ground, lists).optimum(watch)
    assert first is not None
    assert least.value < first.value


def test_mixing_is_left_where_it_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where rules count what times cost, where there are too few whole numbers or too many patterns, or where
    time is up, nothing is given to begin from.

    Sensitivity: orders of mixes that leave whole replicas no room in a budget would be begun from.
    """
    for watch, matrix, ground in (grounded(opex_usd=500_000.0), grounded()):
        searching(watch, ground, ground.begin, 1)
        values = np.zeros(matrix.cost.size) if watch.values is None else watch.values
        assert (mixed(watch, ground, values) is None) == bool(ground.counted.rows.size)
    for limit, number in (("MOST", 0), ("FEWEST", 1_000_000)):
        with monkeypatch.context() as limited:
            limited.setattr(mixing, limit, number)
            assert mixed(watch, ground, values) is None
    watch.interrupted = True
    assert mixed(watch, ground, values) is None
