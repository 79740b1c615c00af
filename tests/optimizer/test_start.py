"""A start from an earlier plan helps where it can, changes nothing that is proven, and hides nothing that it lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns, solve_narrowed
from fleetopt.optimizer.repair import keeps
from fleetopt.optimizer.solve import Method, Reason, SolveOptions, solve
from fleetopt.optimizer.start import solve_from
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import Began
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import load
from fleetopt.study.once import optimize
from fleetopt.study.stretch import scaled
from tests.oracle.draw import Draw

ANY_PLAN = 1e9
CASES = 30
FACTORS = (1.0, 1.3, 0.8)


def began(plan: Plan) -> Began:
    assert plan.began is not None
    return plan.began


def counts(plan: Plan) -> dict[str, tuple[float, float, float]]:
    return {one.decision: (one.last, one.placed, one.kept) for one in began(plan).carried}


def planned(scenario: Scenario, **options: Any) -> Plan | None:
    try:
        return optimize(scenario, SolveOptions(**options))
    except (Infeasible, InputError):
        return None


@pytest.fixture
def rented(build: Any) -> Callable[..., Scenario]:
    """Ten requests/s, of which a replica on one GPU carries two; nodes of two GPUs at 1 USD/h, of four at 1.9."""

    def ask(rps: float = 10.0, config: str = "c", lines: tuple[str, ...] = ("pair", "four")) -> Scenario:
        offers = {"pair": build.line("pair", "Ax2", 1.0), "four": build.line("four", "Ax4", 1.9)}
        return build.scenario(  # type: ignore[no-any-return]
            build.workload(rps=rps), [build.rate(config, 2.0)], [offers[name] for name in lines]
        )

    return ask


@pytest.mark.parametrize("method", ["mip", "patterns"])
def test_a_plan_of_the_same_question_is_the_start_as_it_was(rented: Any, method: Method) -> None:
    """Proves: where nothing has changed all of the last plan is held, and where any plan will do it is what comes back.
    Sensitivity: a decision read into the wrong column costs something else, or does not serve.
    """
    last = optimize(rented())
    again = optimize(rented(), SolveOptions(gap=ANY_PLAN, method=method, start=last))
    assert (again.placements, again.fleet, again.objective_usd) == (last.placements, last.fleet, last.objective_usd)
    assert (began(again).held, began(again).last_usd) == ("everything", last.objective_usd)
    assert began(again).start_usd == pytest.approx(last.objective_usd)
    assert counts(again)["replicas"] == (5, 5, 5)
    assert counts(again)["nodes rented"] == (2, 2, 2)


def test_more_demand_grows_the_replicas_that_were_there(rented: Any) -> None:
    """Proves: where the replicas no longer suffice, the start has them and more, on the cheapest nodes for them.

    Hand: five replicas and six stand on a node of two GPUs and one of four, 24 h x (1.0 + 1.9) USD; eight, at
    least two of them on nodes of two and three on nodes of four as before, on two and one: 24 h x (2 x 1.0 + 1.9) USD.
    Two nodes of four would do, for 24 h x 3.8 USD, and that is what is planned from there.
    """
    last = optimize(rented())
    more = optimize(rented(rps=12.0), SolveOptions(start=last))
    assert (began(more).held, counts(more)["replicas"]) == ("replicas", (5, 5, 5))
    assert began(more).start_usd == pytest.approx(24 * 2.9)
    most = optimize(rented(rps=15.0), SolveOptions(start=last))
    assert began(most).start_usd == pytest.approx(24 * 3.9)
    assert most.objective_usd == pytest.approx(24 * 3.8)


def test_what_has_no_place_is_counted(rented: Any) -> None:
    """Proves: nodes of a supply line that is gone, and replicas of a config that is, are told as such.
    Sensitivity: counted by what was found in the program, they would be lost in silence.
    """
    last = optimize(rented())
    fewer = optimize(rented(lines=("pair",)), SolveOptions(start=last))
    assert counts(fewer)["nodes rented"][:2] == (2, 1)
    assert counts(fewer)["replicas"][:2] == (5, sum(p.replicas for p in last.placements if p.node_type == "Ax2"))
    renamed = optimize(rented(config="d"), SolveOptions(start=last))
    assert (began(renamed).held, began(renamed).start_usd) == ("nothing", None)
    assert counts(renamed)["replicas"] == (5, 0, 0)


def test_orders_are_held_where_no_replica_can_be(build: Any) -> None:
    """Proves: with every config under another name the orders are what the start keeps."""

    def ask(config: str) -> Scenario:
        over = build.calendar(2, months=1)
        line = build.line("buy", "Ax2", 0.0, kind="purchase", upfront=100.0, term=36)
        rent = build.line("rent", "Ax2", 50.0)
        return build.scenario(  # type: ignore[no-any-return]
            build.workload(rps=6.0, over=over), [build.rate(config, 2.0)], [line, rent], over=over
        )

    last = optimize(ask("c"))
    assert sum(order.nodes for order in last.orders) == 2
    found = optimize(ask("d"), SolveOptions(start=last))
    assert began(found).held == "orders"
    assert counts(found)["nodes ordered"] == (2, 2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("factor", FACTORS)
def test_a_start_changes_neither_the_optimum_nor_the_bounds(factor: float) -> None:
    """Proves: on random questions whose demand has changed since the last plan, both methods end at the cost that they
    have without a start, every bound is at most that, and the plan is never dearer than the start.

    Sensitivity: a start that broke a row, or whose cost was miscounted, would end as a plan below the optimum.
    """
    started = 0
    for seed in range(CASES):
        scenario = Draw(Random(seed)).scenario()
        last = planned(scenario, gap=0.0)
        asked = scaled(scenario, factor)
        cold = None if last is None else planned(asked, gap=0.0, method="mip")
        for method in ("mip", "patterns") if last is not None else ():
            warm = planned(asked, gap=0.0, method=method, start=last)
            assert (warm is None) == (cold is None), f"seed {seed}"
            if warm is None or cold is None:
                continue
            assert warm.objective_usd == pytest.approx(cold.objective_usd, rel=1e-6, abs=1e-6), f"seed {seed}"
            assert warm.bound_usd is not None
            assert warm.bound_usd <= cold.objective_usd + 1e-6 * max(1.0, abs(cold.objective_usd)), f"seed {seed}"
            usd = began(warm).start_usd
            started += usd is not None
            assert usd is None or warm.objective_usd <= usd + 1e-6 * max(1.0, abs(usd)), f"seed {seed}"
    assert started >= CASES


@pytest.mark.slow
@pytest.mark.parametrize("name", ["melange", "llm-inferno-small", "spad", "stock-limited"])
def test_shipped_scenarios_begin_from_their_own_plans(name: str) -> None:
    """Proves: shares of replicas, sizes of pools, owned nodes and all roles are found again: a plan serves as it was.
    Sensitivity: a share taken for whole replicas, or a size for its neighbour, breaks a row or costs another node.
    """
    scenario = load(name)
    last = optimize(scenario)
    for method in ("mip", "patterns"):
        again = optimize(scenario, SolveOptions(gap=ANY_PLAN, method=method, start=last))
        assert began(again).held == "everything"
        assert began(again).start_usd == pytest.approx(last.objective_usd)
        assert again.objective_usd <= last.objective_usd * (1.0 + 1e-9)
        assert all(one.last == one.placed == one.kept for one in began(again).carried)


@pytest.mark.slow
def test_a_narrow_program_keeps_the_options_of_the_plan_it_begins_from() -> None:
    """Proves: where only some options are looked at, those of the earlier plan are among them, and all of it is held.
    Sensitivity: without them a plan of the whole program has no place in the narrow one.
    """
    narrower = 0
    for seed in range(CASES):
        scenario = Draw(Random(seed)).scenario()
        last = planned(scenario, gap=0.0)
        case = build_case(scenario, derive(scenario))
        found = None if last is None else solve_narrowed(case, FEATURES, SolveOptions(gap=ANY_PLAN, start=last))
        if found is None or last is None:
            continue
        parts, solution = found
        assert solution.began is not None
        assert solution.began.held == "everything", f"seed {seed}"
        assert all(one.last == one.placed for one in solution.began.carried), f"seed {seed}"
        assert solution.objective == pytest.approx(last.objective_usd, rel=1e-6), f"seed {seed}"
        narrower += sum(map(len, parts.case.options.values())) < sum(map(len, case.options.values()))
    assert narrower > 0


def test_values_that_break_a_row_are_no_start(rented: Any) -> None:
    """Proves: a start is checked against every row, also where nothing was left for a solver to look at.
    Sensitivity: with one replica too few the values would pass for a plan.
    """
    matrix = compile_matrix(formulate(build_case(rented(), derive(rented()))))
    values = solve(matrix, SolveOptions()).values
    assert values is not None
    assert keeps(matrix, values)
    assert not keeps(matrix, np.maximum(values - 1.0, 0.0))


@pytest.mark.slow
def test_any_plan_is_no_dearer_than_a_feasible_start() -> None:
    """Proves: a solve that ends at its first plan, and one whose time is up, still return the start or better.
    Sensitivity: handing the start to the solver and hoping would lose it when the clock runs out.
    """
    for seed in range(CASES):
        scenario = Draw(Random(seed)).scenario()
        last = planned(scenario, gap=0.0)
        if last is None:
            continue
        problem = formulate(build_case(scenario, derive(scenario)))
        matrix = compile_matrix(problem)
        best = solve(matrix, SolveOptions(gap=0.0)).objective
        assert best is not None
        for way in (solve_from, solve_by_patterns):
            found = way(problem, matrix, SolveOptions(gap=ANY_PLAN, start=last))
            usd = found.began.start_usd if found.began is not None else None
            assert usd is not None, f"seed {seed}"
            assert found.objective is not None
            slack = 1e-6 * max(1.0, abs(best))
            assert best - slack <= found.objective <= usd + slack, f"seed {seed}"


def test_a_clock_that_has_run_out_leaves_the_start(rented: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a solver that finds nothing in its time leaves the start as the plan, and calls it feasible, not best."""
    last = optimize(rented())
    problem = formulate(build_case(rented(), derive(rented())))
    matrix = compile_matrix(problem)
    nothing = replace(solve(matrix, SolveOptions()), reason=Reason.NO_SOLUTION_FOUND, objective=None, values=None)
    monkeypatch.setattr("fleetopt.optimizer.start.solve", lambda *_: replace(nothing, bound=1.0))
    found = solve_from(problem, matrix, SolveOptions(start=last))
    assert (found.reason, found.bound) == (Reason.FEASIBLE, 1.0)
    assert found.objective == pytest.approx(last.objective_usd)


def test_a_start_makes_nothing_feasible(rented: Any) -> None:
    """Proves: what no plan can serve stays infeasible, whatever the last plan did."""
    last = optimize(rented())
    tight = rented(rps=100.0)
    supply = replace(tight.supply, lines=tuple(replace(line, max_nodes=1) for line in tight.supply.lines))
    with pytest.raises(Infeasible):
        optimize(replace(tight, supply=supply), SolveOptions(start=last, diagnose=False))
