"""Programs written in parts: the same program, and the same plan read out of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import PlanningCase, build_case
from fleetopt.optimizer.formulation import FEATURES, Problem, formulate
from fleetopt.optimizer.matrix import EMPTY, Floats, Matrix, compile_matrix
from fleetopt.optimizer.patterns import parts as parts_module
from fleetopt.optimizer.patterns.parts import Parts, at_times, joins_times, written
from fleetopt.optimizer.patterns.parts_readout import read_parts
from fleetopt.optimizer.patterns.plain import carried, plain_of
from fleetopt.optimizer.patterns.stack import Stack, portion_of
from fleetopt.optimizer.patterns.structure import key_of, time_of_columns
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.readout import read_out
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.supply_domain import Budget, Carbon, Facility
from tests.optimizer.patterns.test_method import growing
from tests.optimizer.patterns.test_narrowing import grown
from tests.oracle.draw import Draw

CASES = 80


def drawn(seed: int) -> PlanningCase:
    scenario = Draw(Random(seed)).scenario()
    return build_case(scenario, derive(scenario))


def in_parts(case: PlanningCase) -> Parts | None:
    return written(Watch(SolveOptions()), case, FEATURES)


def values_of(problem: Problem, matrix: Matrix, parts: Parts, values: Floats) -> Floats:
    """The same values, column by column of the program that was written whole."""
    case, split = parts.case, carried(parts.program, parts.plain.split, values)
    place = {time: index for index, time in enumerate(case.times)}
    ways = {one.workload: one for one in parts.plain.ways}

    def value(variable: Any) -> float:
        index = variable.index()
        if variable.parent_component() is problem.model.REPLICAS and index[0] in ways:
            names = [option.name for option in case.options[index[0]]]
            return float(values[ways[index[0]].column[place[index[2:]], names.index(index[1])]])
        column = parts.names.get(key_of(variable))
        return 0.0 if column is None else float(values[column])

    assert (values[parts.plain.split] <= split[parts.plain.split] + 1e-6).all()
    return np.array([value(variable) for variable in matrix.variables])


@pytest.mark.slow
def test_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: over random questions, a time to a part, the program has the rows, columns, entries and optimum of the
    one that is written at once, and its plan reads the same: every dollar, node, replica and latency.

    Sensitivity: an order's cost counted once a part, a coefficient in a neighbour's column, or a line of money that
    parts share and that is added up changes one of them.
    """
    monkeypatch.setattr(parts_module, "REPLICAS_A_PART", 1)
    met = 0
    for seed in range(CASES):
        case = drawn(seed)
        parts = in_parts(case)
        problem = formulate(case)
        matrix = compile_matrix(problem)
        if parts is None:
            plain = plain_of(problem, matrix, time_of_columns(problem, matrix))
            assert not (plain.replicas | plain.tied).any()
            continue
        program = parts.program
        assert (program.rows.count, program.cost.size) == (matrix.rows.count, matrix.cost.size)
        assert sorted(program.rows.coefficient) == pytest.approx(sorted(matrix.rows.coefficient))
        assert sorted(program.cost) == pytest.approx(sorted(matrix.cost), abs=1e-6)
        whole, found = (solve(one, SolveOptions(gap=0.0)) for one in (matrix, program))
        assert found.reason == whole.reason
        if found.values is None or found.objective is None:
            continue
        assert found.objective == pytest.approx(whole.objective, rel=1e-6, abs=1e-6)
        assert_same(read_out(problem, matrix, values_of(problem, matrix, parts, found.values)), parts, found.values)
        met += len(parts.times) > 1
    assert met > CASES // 4


def assert_same(whole: Any, parts: Parts, values: Floats) -> None:
    """Compares a readout with that of the parts, without regard to order."""
    found = read_parts(parts, values, FEATURES)
    assert found.objective_usd == pytest.approx(whole.objective_usd, rel=1e-9, abs=1e-6)
    for name in ("fleet", "orders", "sales", "placements", "workloads", "binding"):
        assert sorted(map(repr, getattr(found, name))) == sorted(map(repr, getattr(whole, name))), name
    lines = [
        {(c.line, c.period, c.slot, c.outlook, c.site, c.item): c.usd for c in one.costs} for one in (found, whole)
    ]
    assert lines[0] == pytest.approx(lines[1])


def test_two_processes_write_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: parts that copies of the process wrote make the same arrays, bit for bit, in the same order.

    Sensitivity: parts taken in the order in which they are done, or rows told apart by what differs between processes,
    give another program or none.
    """
    monkeypatch.setattr(parts_module, "REPLICAS_A_PART", 1)
    alone = in_parts(grown())
    monkeypatch.setattr(parts_module, "LARGE", 1)
    beside = in_parts(grown())
    assert alone is not None
    assert beside is not None
    assert alone.names == beside.names
    for one, other in zip(arrays(alone), arrays(beside), strict=True):
        assert np.array_equal(one, other)


def arrays(parts: Parts) -> list[Any]:
    program = parts.program
    rows = program.rows
    return [rows.start, rows.column, rows.coefficient, program.cost, program.row_upper, program.integer, parts.time]


def test_a_case_whose_times_are_joined_is_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a cap on the carbon of all hours joins them; the sample shows it, and the case stays one part with the
    cap in it.

    Sensitivity: parts of their own would each be held to the whole cap, or to none.
    """
    monkeypatch.setattr(parts_module, "REPLICAS_A_PART", 1)
    free = grown()
    sites = tuple(Facility(site=site, carbon_g_per_kwh=400.0) for site in free.sites)
    case = replace(free, facilities=sites, carbon=Carbon(usd_per_tonne=0.0, max_tonnes=1e9))
    problem = formulate(case)
    matrix = compile_matrix(problem)
    assert joins_times(matrix, time_of_columns(problem, matrix))
    parts, apart = in_parts(case), in_parts(free)
    assert parts is not None
    assert apart is not None
    assert len(parts.times) == 1 < len(apart.times)
    assert parts.program.rows.count == matrix.rows.count


def test_a_row_that_comes_up_twice_is_not_taken() -> None:
    """Proves: a part with a row that another part has, beside those of the orders, is refused.

    Sensitivity: a promise over two times would be made twice, each time about half of them.
    """
    case = grown()
    first = at_times(case, case.times[:1])
    problem = formulate(first)
    matrix = compile_matrix(problem)
    time = time_of_columns(problem, matrix)
    plain = plain_of(problem, matrix, time)
    stack = Stack(EMPTY, 2)
    assert stack.add(portion_of(matrix, plain, time), 1)
    assert not stack.add(portion_of(matrix, plain, time), 1)


def test_nothing_is_written_once_time_is_up() -> None:
    """Proves: without time there is no program.

    Sensitivity: a program that is written to its end takes minutes that were not given.
    """
    assert written(Watch(SolveOptions(time_limit_s=0.0)), grown(), FEATURES) is None


def test_a_rule_over_times_that_the_sample_misses_makes_them_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a budget of the second quarter, where the sample has the first alone, is met when parts are put together;
    they are written at once then, with the budget, and the program is that of the case.

    Sensitivity: without writing it again there is none, and such large cases are written with all options.
    """
    monkeypatch.setattr(parts_module, "REPLICAS_A_PART", 1)
    monkeypatch.setattr(parts_module, "SAMPLE", 1)
    asked = growing()
    second = asked.calendar.periods[1].name
    for budgets, parts_written in ((), 8), ((Budget("end", "opex", second, 1e6),), 1):
        scenario = replace(asked, supply=replace(asked.supply, budgets=budgets))
        case = build_case(scenario, derive(scenario))
        parts, problem = in_parts(case), formulate(case, FEATURES)
        matrix = compile_matrix(problem)
        assert parts is not None
        assert len(parts.times) == parts_written
        assert parts.program.rows.count == matrix.rows.count
        assert joins_times(matrix, time_of_columns(problem, matrix)) == bool(budgets)
