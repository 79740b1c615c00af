"""Goals other than cost by the method for large cases: it is told nothing of them, and ends where one program does."""

from __future__ import annotations

from random import Random

import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.goals import Goal, Reached, least
from fleetopt.optimizer.solve import Method, SolveOptions
from tests.oracle.draw import Draw

SEEDS = range(12)


def reached(seed: int, method: Method, goal: str) -> Reached | None:
    scenario = Draw(Random(seed)).scenario()
    case = build_case(scenario, derive(scenario))
    goals = {
        "nodes": Goal(per_node=dict.fromkeys(case.pool_of, 1.0)),
        "types": Goal(per_gpu_type=1.0),
        "regret": Goal(best_usd=dict.fromkeys(case.probability, 100.0)),
    }
    return least(case, goals[goal], 1e9, SolveOptions(gap=0.0, method=method))


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["nodes", "types", "regret"])
def test_both_methods_reach_the_same_of_any_goal(goal: str) -> None:
    """Proves on random questions that by patterns a goal ends at what the textbook program reaches, with a bound
    that is not above it. Sensitivity: a method that priced cost instead of the goal would end elsewhere."""
    for seed in SEEDS:
        one, other = (reached(seed, method, goal) for method in ("mip", "patterns"))
        assert (one is None) == (other is None), seed
        if one is not None and other is not None:
            assert other.amount == pytest.approx(one.amount, rel=1e-6, abs=1e-4), seed
            assert other.bound is not None
            assert other.bound <= one.amount + 1e-4 + 1e-6 * abs(one.amount), seed
