"""The search: plans that keep every rule of the program, soon, and only where the program is plain enough."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import Problem, formulate
from fleetopt.optimizer.matrix import Matrix, compile_matrix
from fleetopt.optimizer.patterns import search as search_module
from fleetopt.optimizer.patterns.counted import counted
from fleetopt.optimizer.patterns.plain import Plain, plain_of
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.rounding import of_demand, rounding
from fleetopt.optimizer.patterns.search import searching
from fleetopt.optimizer.patterns.structure import time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Scenario, Shortfall
from tests.optimizer.patterns.test_method import feasible, growing


def program(scenario: Scenario) -> tuple[Problem, Matrix, Plain]:
    problem = formulate(build_case(scenario, derive(scenario)))
    matrix = compile_matrix(problem)
    return problem, matrix, plain_of(problem, matrix, time_of_columns(problem, matrix))


@pytest.mark.slow
def test_a_first_plan_is_whole_feasible_and_near_the_optimum() -> None:
    """Proves: what is told keeps every row and bound of the program, costs what it says, and is within 8 % of the best.

    Sensitivity: patterns that do not carry a demand, or nodes that are not there, leave rows broken.
    """
    problem, matrix, plain = program(growing())
    watch = Watch(SolveOptions(time_limit_s=60.0))
    rows, point = rounding(watch, Relaxation(matrix), partial(of_demand, plain))
    assert point is not None
    time = time_of_columns(problem, matrix)
    ground = Ground(matrix, plain, time, False, rows, point, point, counted(matrix, time))
    searching(watch, ground, point)
    assert watch.values is not None
    assert watch.incumbent is not None
    assert watch.incumbent == pytest.approx(float(matrix.cost @ watch.values) + matrix.offset)
    assert feasible(matrix, watch.values)
    exact = solve(matrix, SolveOptions(gap=0.01, time_limit_s=60.0))
    assert exact.objective is not None
    assert watch.bound is not None
    assert watch.bound <= exact.objective
    assert watch.incumbent <= 1.08 * exact.objective


def test_the_arrays_say_what_the_program_says() -> None:
    """Proves: GPUs held and parts of the demand, read from the arrays, are those of the rows they came from.

    Sensitivity: an entry taken for another row's shifts the activity of some row.
    """
    _, matrix, plain = program(growing())
    values = np.random.default_rng(0).integers(0, 4, matrix.cost.size).astype(float)
    row = np.repeat(np.arange(matrix.rows.count), np.diff(matrix.rows.start))
    held = np.bincount(row, matrix.rows.coefficient * values[matrix.rows.column], matrix.rows.count)
    used = np.zeros(plain.pools.row.shape)
    for ways in plain.ways:
        np.add.at(used, ways.pool, (ways.replicas(values) * ways.gpus).T)
    rented = np.zeros(plain.pools.row.size)
    np.add.at(rented, plain.pools.node_place, plain.pools.node_gpus * values[plain.pools.nodes])
    there = plain.pools.row >= 0
    activity = used - plain.pools.held(values) - rented.reshape(used.shape)
    assert activity[there] == pytest.approx(held[plain.pools.row[there]])


@pytest.mark.parametrize(
    "more",
    [{"spares": (("decode", 1),)}, {"least_replicas": (("prefill", 2),)}, {"pooled": True}, {"most_gpu_types": 1}],
)
def test_what_the_search_does_not_know_is_left_to_others(more: dict[str, Any]) -> None:
    """Proves: replicas in a rule of another feature are tied, all of their workload's and nobody else's; the search
    knows the other workloads, and of GPUs that the tied ones take up.

    Sensitivity: a replica in both would be paid for twice; one in neither stands on GPUs of others.
    """
    scenario = growing()
    first, *others = scenario.workloads
    problem, matrix, plain = program(replace(scenario, workloads=(replace(first, **more), *others)))
    assert [ways.workload for ways in plain.ways] == [one.name for one in others]
    replicas = np.array([v.parent_component() is problem.model.REPLICAS for v in matrix.variables])
    of_first = np.array([first.name in str(v) for v in matrix.variables]) & replicas
    assert of_first.any()
    assert (plain.replicas == replicas & ~of_first).all()
    assert (plain.tied & replicas == of_first).all()
    taking = plain.pools.order_gpus < 0.0
    assert sorted(plain.pools.orders[taking]) == np.flatnonzero(of_first).tolist()


def test_demand_that_may_go_unserved_stands_in_the_arrays() -> None:
    """Proves: the column of what is excused is known for each time, with its part of the demand."""
    scenario = growing()
    first, *others = scenario.workloads
    free = replace(first, shortfall=Shortfall(0.2, 5.0))
    _, matrix, plain = program(replace(scenario, workloads=(free, *others)))
    ways = next(ways for ways in plain.ways if ways.workload == first.name)
    asked = [rps * (1.0 + first.headroom) for rps in first.demand_rps.values()]
    names = {matrix.variables[column].parent_component().local_name for column in ways.excused}
    assert names == {"UNSERVED"}
    assert sorted(ways.excused_part) == pytest.approx(sorted(1.0 / rps for rps in asked))


def test_scarce_gpus_grow_dear_a_second_time() -> None:
    """Proves: sweeps grow cold twice; what nobody offers is forbiddingly dear all through the first half, and begins
    little dearer than rent in the second, so that whoever sat there first has no advantage.

    Sensitivity: in one half only, a workload that is badly placed once stays there: its way out is too dear.
    """
    left = search_module._cooler(40.0)[::-1]
    luck, dear = zip(*left, strict=True)
    assert len(left) == search_module.SWEEPS - 1
    half = search_module.SWEEPS // 2
    assert list(dear[: half - 1]) == [1.0] * (half - 1)
    assert dear[half - 1] == pytest.approx(search_module.DEAR / search_module.TOO_DEAR)
    assert dear[-1] == pytest.approx(1.0)
    assert list(dear[half - 1 :]) == sorted(dear[half - 1 :])
    assert luck[half - 1] == pytest.approx(search_module.WARMEST)
    assert luck[half - 2] == pytest.approx(luck[-1]) == pytest.approx(search_module.COLDEST)
