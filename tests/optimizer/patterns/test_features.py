"""Both methods solve one problem with every feature in it: plans of one cost, no bound above the other's plan."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from fleetopt.capacity.table import derive
from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import Method, Progress, SolveOptions, solve
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from tests.optimizer.patterns.questions import QUESTIONS, drawn, uses

PLANNED = 2
"""Questions of each feature that have a plan; those before them that have none are compared as well."""

MOST_SEEDS = 200
GAP = 1e-6

NAMES = [type(feature).__name__ for feature in FEATURES]


def asked(feature: str) -> Iterator[tuple[int, Scenario]]:
    """Questions that use a feature; there are others between them."""
    for seed in range(MOST_SEEDS):
        scenario = QUESTIONS[feature](Random(f"{feature} {seed}"))
        if uses(scenario, feature):
            yield seed, scenario
    pytest.fail(f"not {PLANNED} of {MOST_SEEDS} questions use {feature} and have a plan")


def planned(scenario: Scenario, method: Method) -> tuple[Plan | None, list[float]]:
    """The plan, and every bound that was told on the way."""
    told: list[Progress] = []
    try:
        plan = optimize(scenario, SolveOptions(gap=GAP, method=method, on_progress=told.append, diagnose=False))
    except (Infeasible, InputError):
        return None, []
    bounds = [progress.bound for progress in told] + [plan.bound_usd]
    return plan, [bound for bound in bounds if bound is not None]


def test_every_feature_has_a_question() -> None:
    """Proves: a feature that is added to the problem has questions here on which the methods are compared.
    Sensitivity: a feature that the pattern method takes apart wrongly would be found by a user.
    """
    assert set(QUESTIONS) == set(NAMES)


@pytest.mark.slow
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("feature", NAMES)
def test_both_methods_end_at_one_cost(feature: str) -> None:
    """Proves: on questions that use a feature both methods find a verified plan of one cost, or none; no bound of
    either is above the plan of the other, and neither is away from the optimum of the textbook program.

    Sensitivity: a row of patterns, or a part, that leaves out what the feature links would be a bound above the plan.
    """
    count = 0
    for seed, scenario in asked(feature):
        if count == PLANNED:
            break
        (one, bounds), (other, others) = planned(scenario, "mip"), planned(scenario, "patterns")
        assert (one is None) == (other is None), f"seed {seed}"
        if one is None or other is None:
            continue
        count += 1
        allowed = 2.0 * GAP * max(1.0, abs(one.objective_usd))
        assert one.verdict.passed
        assert other.verdict.passed
        assert (one.provenance.solver.method, other.provenance.solver.method) == ("mip", "patterns")
        assert other.objective_usd == pytest.approx(one.objective_usd, abs=allowed), f"seed {seed}"
        assert max(bounds) <= other.objective_usd + allowed, f"seed {seed}"
        assert max(others) <= one.objective_usd + allowed, f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("feature", [name for name in NAMES if QUESTIONS[name] is not drawn])
def test_patterns_end_at_the_optimum_of_the_textbook_program(feature: str) -> None:
    """Proves: before anything is tidied or read out, the pattern method's values cost what those of the one program do.
    Sensitivity: two methods that are wrong in the same way, as both may take a program apart. What is only drawn is
    compared so in `test_equality`.
    """
    count = 0
    for seed, scenario in asked(feature):
        if count == PLANNED:
            break
        problem = formulate(build_case(scenario, derive(scenario)))
        matrix = compile_matrix(problem)
        exact = solve(matrix, SolveOptions(gap=0.0))
        found = solve_by_patterns(problem, matrix, SolveOptions(gap=GAP))
        assert (exact.objective is None) == (found.objective is None), f"seed {seed}"
        if exact.objective is not None:
            count += 1
            assert found.objective == pytest.approx(exact.objective, rel=2.0 * GAP, abs=2.0 * GAP), f"seed {seed}"
