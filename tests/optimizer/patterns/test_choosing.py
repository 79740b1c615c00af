"""Choosing: what small programs of patterns put together keeps every rule, costs no more and comes near the optimum."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from fleetopt.optimizer.matrix import Matrix
from fleetopt.optimizer.patterns import choosing as choosing_module
from fleetopt.optimizer.patterns import relaxed as relaxed_module
from fleetopt.optimizer.patterns.choosing import choosing
from fleetopt.optimizer.patterns.completing import completed
from fleetopt.optimizer.patterns.counted import counted
from fleetopt.optimizer.patterns.menus import Card, Look, Menu, differing
from fleetopt.optimizer.patterns.relaxation import Point, Relaxation
from fleetopt.optimizer.patterns.relaxed import Ground, relaxed
from fleetopt.optimizer.patterns.search import further, searching
from fleetopt.optimizer.patterns.structure import NO_TIME, SEVERAL, time_of_columns, time_of_rows
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.solve import Reason, SolveOptions, solve
from fleetopt.scenario.domain import Shortfall
from fleetopt.scenario.supply_domain import Budget
from tests.optimizer.patterns.test_equality import difference
from tests.optimizer.patterns.test_method import feasible, growing
from tests.optimizer.patterns.test_search import program
from tests.oracle.draw import Draw

CASES = 60


def grounded(gap: float = 1e-4, opex_usd: float | None = None) -> tuple[Watch, Matrix, Ground]:
    """A question of several times with whole orders to begin from; with a budget for all of them, if one is given."""
    asked = growing()
    if opex_usd is not None:
        asked = replace(asked, supply=replace(asked.supply, budgets=(Budget("year", "opex", None, opex_usd),)))
    problem, matrix, plain = program(asked)
    time, watch = time_of_columns(problem, matrix), Watch(SolveOptions(gap=gap, time_limit_s=60.0))
    found = relaxed(watch, plain, plain.loosened(matrix), time, np.zeros(int((time == NO_TIME).sum())))
    assert found is not None
    begin = found.with_whole_orders(watch)
    return (
        watch,
        matrix,
        Ground(matrix, plain, time, found.apart, found.rows, found.point, begin, counted(matrix, time)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, relaxed_module.FEW])
def test_chosen_plans_are_feasible_and_near_the_optimum(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Proves: by patterns and by replicas alike, what is told keeps every row, only gets cheaper than what the search
    found, and ends within 5 % of the best.

    Sensitivity: GPUs of a pattern put on another pool's row break that row; a workload without a row of its own goes
    unserved; taking the first passes for the last stays further off.
    """
    monkeypatch.setattr(relaxed_module, "FEW", few)
    watch, matrix, ground = grounded()
    replicas = searching(watch, ground, ground.begin, 1)
    before = watch.incumbent
    choosing(watch, ground, replicas)
    assert before is not None
    assert watch.incumbent is not None
    assert watch.values is not None
    assert watch.incumbent < before
    assert watch.incumbent == pytest.approx(float(matrix.cost @ watch.values) + matrix.offset)
    assert feasible(matrix, watch.values)
    exact = solve(matrix, SolveOptions(gap=1e-3, time_limit_s=60.0))
    assert exact.objective is not None
    assert watch.incumbent <= 1.05 * exact.objective


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, relaxed_module.FEW])
def test_a_first_plan_needs_no_other(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Proves: where the search found no plan there is one beneath whole orders all the same, within 8 % of the best,
    and within a budget over all times of which it leaves little.

    Sensitivity: whole orders that leave replicas no room in the budget end in none that keep it, and replicas of a
    first pass that are given up because they break it are no plan either.
    """
    monkeypatch.setattr(relaxed_module, "FEW", few)
    exact = solve(grounded()[1], SolveOptions(gap=1e-3, time_limit_s=60.0))
    assert exact.objective is not None
    for opex_usd in (None, 1.4 * exact.objective):
        watch, matrix, ground = grounded(opex_usd=opex_usd)
        assert ground.apart
        choosing(watch, ground, np.zeros(matrix.cost.size))
        assert watch.values is not None
        assert watch.incumbent is not None
        assert feasible(matrix, watch.values)
        assert watch.incumbent <= 1.08 * exact.objective
    row = np.repeat(np.arange(matrix.rows.count), np.diff(matrix.rows.start))
    budgets = time_of_rows(matrix.rows, ground.time) == SEVERAL
    assert watch.values is not None
    spent = np.bincount(row, matrix.rows.coefficient * watch.values[matrix.rows.column])[budgets]
    shares = spent / matrix.row_upper[budgets]
    assert len(shares) == 2
    assert 0.8 < shares.max() <= 1.0


def test_a_budget_is_no_limit_on_each_node() -> None:
    """Proves: where a budget for all times leaves a few nodes, each time may rent what it may without the budget, and
    chooses without it.

    Sensitivity: what is left over, in equal parts for all nodes, is less than one of most, and the search puts replicas
    on whatever others there are.
    """
    _, matrix, ground = grounded(opex_usd=500_000.0)
    alone = replace(ground, program=ground.counted.lifted(matrix))
    offered, beyond = further(ground, ground.point)
    assert len(ground.counted.rows) == 2
    assert np.array_equal(offered, further(alone, ground.point)[0])
    assert np.array_equal(beyond, further(alone, ground.point)[1])
    limited = replace(ground, counted=replace(ground.counted, rows=ground.counted.loose))
    assert further(limited, ground.point)[0].sum() < offered.sum()
    own = np.concatenate(choosing_module._Choosing(ground)._times.rows)
    assert not np.isin(ground.counted.rows, own).any()
    assert np.isin(ground.counted.rows, np.concatenate(choosing_module._Choosing(limited)._times.rows)).all()


@pytest.mark.slow
def test_choosing_by_patterns_answers_as_the_textbook_program_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: on random questions, taken as large ones, no plan costs less than the optimum and none is beyond the gap.

    Sensitivity: a rule that patterns leave out shows as a plan below the optimum.
    """
    monkeypatch.setattr(relaxed_module, "FEW", 0)
    found = {seed: difference(Draw(Random(seed)).scenario()) for seed in range(CASES)}
    assert {seed: said for seed, said in found.items() if said} == {}


@pytest.mark.slow
def test_what_is_excused_stays_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where demand may go unserved, choices by patterns keep every row as well.

    Sensitivity: a pattern for all of a demand beside what is excused of it may ask for more GPUs than there are, and
    one for less than the rest would break the demand's row.
    """
    monkeypatch.setattr(relaxed_module, "FEW", 0)
    scenario = growing()
    workloads = tuple(replace(one, shortfall=Shortfall(0.2, 5.0)) for one in scenario.workloads)
    problem, matrix, plain = program(replace(scenario, workloads=workloads))
    time, watch = time_of_columns(problem, matrix), Watch(SolveOptions(gap=1e-4, time_limit_s=60.0))
    found = relaxed(watch, plain, plain.loosened(matrix), time, np.zeros(int((time == NO_TIME).sum())))
    assert found is not None
    begin = found.with_whole_orders(watch)
    ground = Ground(matrix, plain, time, True, found.rows, found.point, begin, counted(matrix, time))
    choosing(watch, ground, searching(watch, ground, ground.begin, 1))
    assert watch.values is not None
    assert feasible(matrix, watch.values)


def test_replicas_without_gpus_are_no_plan() -> None:
    """Proves: with orders and replicas held, and too few GPUs for the replicas, there is no plan, even where a row has
    nothing left that could change; with GPUs for them there is.

    Sensitivity: rows of held columns alone, not looked at, would let replicas stand on GPUs that are not there.
    """
    watch, matrix, ground = grounded()
    replicas = searching(watch, ground, ground.begin, 1)
    held = np.ones(matrix.cost.size, dtype=bool)
    assert completed(watch, matrix, ground.plain, replicas, held).reason is Reason.INFEASIBLE
    assert watch.values is not None
    same = completed(watch, matrix, ground.plain, watch.values, held)
    assert same.objective == pytest.approx(watch.incumbent)


def test_workloads_that_the_relaxation_mixes_have_more_to_choose_from() -> None:
    """Proves: of a workload with one pattern in the relaxation the look has that one, of a mixed one its patterns and
    the next cheapest; the same pattern twice is one.

    Sensitivity: with no more for the mixed one, there may be no whole choice near the relaxed one.
    """
    counts = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
    menus = [Menu(np.arange(2, dtype=np.int32), counts[:3]) for _ in range(2)]
    nothing = Relaxation(program(growing())[1]).program
    card = Card(nothing, menus, np.array([True]), np.zeros(0, np.int32))
    relaxed = Point(0.0, np.array([7.0, 0, 1, 0, 0.5, 0, 0.5]), np.zeros(0), np.array([0.0, 1, 0, 2, 0, 9, 0]))
    look = Look(taken=1, mixed=2, slack=1.0)
    assert card.liked(relaxed, look).tolist() == [True, False, True, False, True, False, True]
    more = card.liked(relaxed, look._replace(mixed=3))[1:].reshape(2, 3)
    assert more.sum(axis=1).tolist() == [1, 3]
    assert sorted(differing(counts).tolist()) == [[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]]
