"""What is tied: found by its rules, made whole at prices of GPUs, and chosen beside what is plain."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import Matrix, Program, Rows, compile_matrix
from fleetopt.optimizer.patterns import relaxed as relaxed_module
from fleetopt.optimizer.patterns.choosing import choosing
from fleetopt.optimizer.patterns.counted import counted
from fleetopt.optimizer.patterns.fixing import Bench, Market, fixed
from fleetopt.optimizer.patterns.plain import Plain, plain_of
from fleetopt.optimizer.patterns.relaxed import Ground, relaxed
from fleetopt.optimizer.patterns.search import searching
from fleetopt.optimizer.patterns.structure import NO_TIME, time_of_columns
from fleetopt.optimizer.patterns.tied import knots, sharing
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.pieces import allowed, program_of
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Scenario
from tests.optimizer.patterns.questions import QUESTIONS
from tests.optimizer.patterns.test_method import feasible, growing

CASES = 12
TIED = ("Spares", "Survival", "LeastReplicas", "BatchWork", "ServiceClasses", "SharingFeature")


def arrays(scenario: Scenario) -> tuple[Matrix, Plain, Ground | None, Watch]:
    """A program, its arrays, and the ground that plans are looked for on, with tied columns as they are relaxed."""
    problem = formulate(build_case(scenario, derive(scenario)))
    matrix = compile_matrix(problem)
    time, watch = time_of_columns(problem, matrix), Watch(SolveOptions(gap=1e-4, time_limit_s=60.0))
    plain = plain_of(problem, matrix, time)
    shared = int((time == NO_TIME).sum())
    found = relaxed(watch, plain, plain.loosened(matrix), time, np.zeros(shared)) if plain.pools.row.size else None
    if found is None:
        return matrix, plain, None, watch
    found = found.pricing(watch, plain.loosened(matrix), plain, time)
    begin, rules = found.with_whole_orders(watch), counted(matrix, time)
    rows = [*found.rows, *found.priced]
    return matrix, plain, Ground(matrix, plain, time, found.apart, rows, found.point, begin, rules), watch


def two_pools(there: list[float], more: list[float]) -> tuple[Program, Market]:
    """Three replicas of a GPU each, on one pool at 1 USD or another at 2."""
    one = Program(
        rows=Rows(np.array([0, 2], np.int32), np.array([0, 1], np.int32), np.ones(2)),
        cost=np.zeros(2),
        offset=0.0,
        column_lower=np.zeros(2),
        column_upper=np.full(2, np.inf),
        integer=np.ones(2, dtype=bool),
        row_lower=np.array([3.0]),
        row_upper=np.array([np.inf]),
    )
    return one, Market(np.array([1.0, 2.0]), np.array(there), np.array(more))


@pytest.mark.parametrize(
    ("there", "more", "chosen"),
    [([9.0, 9.0], [0.0, 0.0], [3.0, 0.0]), ([1.0, 9.0], [5.0, 0.0], [1.0, 2.0]), ([1.0, 0.0], [0.5, 5.0], [3.0, 0.0])],
)
def test_a_knot_takes_no_more_cheap_gpus_than_there_are(
    there: list[float], more: list[float], chosen: list[float]
) -> None:
    """Proves by hand: three replicas stand where GPUs are cheapest, one of them where there is one and the next would
    cost 6, and all where more of them cost 1.5 and the others 7.

    Sensitivity: at a price alone everybody stands on GPUs that are idle, however few they are.
    """
    one, market = two_pools(there, more)
    bench = Bench(np.array([0, 1], np.int32), np.ones(2))
    found = bench.cheapest(one, np.arange(2, dtype=np.int32), market)
    assert found is not None
    assert found.tolist() == pytest.approx(chosen)
    assert bench.used(np.arange(2, dtype=np.int32), found, 2).tolist() == pytest.approx(chosen)


def test_a_knot_without_whole_numbers_has_none() -> None:
    """Proves: where a knot's rows leave it no plan, nothing is given out.

    Sensitivity: relaxed numbers taken for whole ones would be replicas that do not exist.
    """
    one, market = two_pools([9.0, 9.0], [0.0, 0.0])
    none = replace(one, column_upper=np.array([1.0, 1.0]))
    bench = Bench(np.array([0, 1], np.int32), np.ones(2))
    assert bench.cheapest(none, np.arange(2, dtype=np.int32), market) is None


def test_work_that_is_shared_among_times_is_one_knot() -> None:
    """Proves: of work with a deadline the shares of times join the knots of its times, each of which is a knot by
    itself where they are held; orders and GPUs are in none.

    Sensitivity: a share that is held at its relaxed value is rounded up at every time.
    """
    scenario = fleetopt.load("batch-by-night")
    problem = formulate(build_case(scenario, derive(scenario)))
    matrix = compile_matrix(problem)
    time = time_of_columns(problem, matrix)
    plain = plain_of(problem, matrix, time)
    shares = sharing(matrix, plain.tied, time)
    names = {matrix.variables[column].parent_component().local_name for column in np.flatnonzero(shares)}
    assert names == {"DONE"}
    none = np.zeros_like(shares)
    joined = knots(matrix, plain.tied, time, shares, beneath_orders=True)
    apart = knots(matrix, plain.tied, time, none, beneath_orders=True)
    assert all(len({*time[one.columns]}) == 1 for one in apart)
    assert any(len({*time[one.columns]} - {NO_TIME}) > 1 for one in joined)
    fits = set(plain.pools.row[plain.pools.row >= 0].tolist())
    assert all(fits.isdisjoint(one.rows.tolist()) for one in (*joined, *apart))


def test_workloads_that_are_tied_are_still_asked_for_in_whole_replicas() -> None:
    """Proves: of a workload with spares or least numbers the demand is known, so that its rows are rounded; of buckets
    that share replicas, whose parts are not whole, and of work without a demand at a time it is not.

    Sensitivity: rows rounded for parts of replicas cut plans off.
    """
    random = Random(3)
    first, *others = growing().workloads
    for more in ({"spares": (("decode", 1),)}, {"least_replicas": (("prefill", 2),)}):
        one = replace(growing(), workloads=(replace(first, **more), *others))  # type: ignore[arg-type]
        assert [ways.workload for ways in arrays(one)[1].asking] == [first.name]
    shared = arrays(QUESTIONS["SharingFeature"](random))[1]
    assert shared.tied.any()
    assert shared.asking == ()
    assert "bulk" not in {ways.workload for ways in arrays(QUESTIONS["BatchWork"](random))[1].asking}


@pytest.mark.slow
@pytest.mark.parametrize("feature", TIED)
def test_what_is_fixed_keeps_its_rules(feature: str) -> None:
    """Proves: over random questions of every feature that ties workloads, what is fixed is whole and keeps all rules in
    which nothing else stands, beneath the orders to begin from.

    Sensitivity: a knot without one of its rows, or put into another's columns, breaks one.
    """
    met = 0
    for seed in range(CASES):
        matrix, plain, ground, watch = arrays(QUESTIONS[feature](Random(seed)))
        after = None if ground is None else fixed(watch, ground)
        if after is None or not plain.tied.any():
            continue
        assert ground is not None
        values = after.begin.columns
        whole = values[plain.tied & matrix.integer]
        assert np.abs(whole - np.rint(whole)).max(initial=0.0) == 0.0
        none = np.zeros_like(plain.tied)
        for one in knots(matrix, plain.tied, ground.time, none, beneath_orders=True):
            assert allowed(program_of(matrix, values, one.rows, one.columns), values[one.columns])
        met += 1
    assert met > 0


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, relaxed_module.FEW])
def test_plans_around_what_is_tied_are_near_the_optimum(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Proves: with spares for one of three workloads of a few replicas, choosing finds cheaper plans than searching did
    around the first patterns, feasible, whole and within 10 % of the best, by patterns and by replicas.

    Sensitivity: patterns that prices ask for and that stand on other columns break rows; without further patterns the
    first ones are kept at any price.
    """
    monkeypatch.setattr(relaxed_module, "FEW", few)
    first, *others = growing().workloads
    spared = replace(first, spares=(("decode", 1),))
    matrix, plain, ground, watch = arrays(replace(growing(), workloads=(spared, *others)))
    assert ground is not None
    assert plain.tied.any()
    after = fixed(watch, ground)
    assert after is not None
    replicas, before = searching(watch, after, after.begin, 1), watch.incumbent
    choosing(watch, after, replicas)
    assert watch.values is not None
    assert watch.incumbent is not None
    assert before is not None
    assert watch.incumbent < 0.99 * before
    assert feasible(matrix, watch.values)
    assert watch.incumbent == pytest.approx(float(matrix.cost @ watch.values) + matrix.offset)
    exact = solve(matrix, SolveOptions(gap=0.005, time_limit_s=120.0))
    assert exact.bound is not None
    assert exact.bound * (1.0 - 1e-6) <= watch.incumbent <= 1.1 * (exact.objective or 0.0)


def test_patterns_that_do_not_fit_are_not_the_end() -> None:
    """Proves: where the GPUs that the first patterns of a tied workload stand on cannot be had, prices at which they
    would be lent ask for others, and there is a first plan.

    Sensitivity: a time without patterns that fit has no prices either, and there is no plan at all.
    """
    first, *others = growing().workloads
    _, plain, ground, watch = arrays(replace(growing(), workloads=(replace(first, spares=(("decode", 1),)), *others)))
    after = None if ground is None else fixed(watch, ground)
    assert after is not None
    pools = plain.pools
    times = pools.row.shape[1]
    tied = plain.tied[pools.orders]
    taken = np.zeros(pools.row.size)
    np.add.at(taken, pools.order_place[tied], -pools.order_gpus[tied] * after.begin.columns[pools.orders[tied]])
    barred = int(taken.reshape(pools.row.shape).sum(axis=1).argmax())
    upper, columns = after.program.column_upper.copy(), after.begin.columns.copy()
    for nodes, place in ((pools.nodes, pools.node_place), (pools.orders[~tied], pools.order_place[~tied])):
        upper[nodes[place // times == barred]] = 0.0
        columns[nodes[place // times == barred]] = 0.0
    program, begin = replace(after.program, column_upper=upper), replace(after.begin, columns=columns)
    choosing(watch, replace(after, program=program, begin=begin), np.where(plain.tied, columns, 0.0))
    assert watch.values is not None
    assert allowed(program, watch.values)
