"""Replicas that nobody needs go, and what is served stays."""

from __future__ import annotations

import numpy as np
import pytest

from fleetopt.optimizer import tidy as tidy_module
from fleetopt.optimizer.matrix import Floats
from fleetopt.optimizer.patterns.needed import needed
from fleetopt.optimizer.patterns.plain import Ways, carried
from fleetopt.optimizer.solve import SolveOptions, solve
from tests.optimizer.patterns.test_method import growing
from tests.optimizer.patterns.test_search import program


def served(ways: Ways, values: Floats) -> Floats:
    """The part of the demand that is served at each time."""
    counts = ways.replicas(values)
    by_role = [[(counts[:, role] * ways.part[:, role]).sum(axis=1) for role in link] for link in ways.links]
    return np.asarray(np.sum([np.min(roles, axis=0) for roles in by_role], axis=0))


@pytest.mark.parametrize("seed", range(8))
def test_no_replica_is_left_that_could_go(seed: int) -> None:
    """Proves: of replicas thrown together at random, as much is served afterwards, or all of the demand; there are no
    more of any option, and none can go without something going unserved; shares of links are what both roles carry.

    Sensitivity: a role looked at without its partner, or spare demand given away twice, serves less; an option or time
    forgotten leaves a replica too many.
    """
    _, matrix, plain = program(growing())
    values = np.where(plain.replicas, np.random.default_rng(seed).integers(0, 4, matrix.cost.size), 0).astype(float)
    found = needed(matrix, plain, values)
    assert (found[plain.replicas] <= values[plain.replicas]).all()
    assert found[plain.replicas].sum() < values[plain.replicas].sum()
    for ways in plain.ways:
        before, after = np.minimum(served(ways, values), 1.0), served(ways, found)
        assert (after >= before - 1e-7).all()
        for time, option in zip(*np.nonzero(ways.replicas(found) > 0.5), strict=True):
            fewer = found.copy()
            fewer[ways.column[time, option]] -= 1.0
            assert served(ways, fewer)[time] < before[time] - 1e-9
    most = carried(matrix, plain.split, found)[plain.split]
    assert found[plain.split] == pytest.approx(most)


def test_a_plan_with_nothing_to_spare_stays() -> None:
    """Proves: what is needed already is left alone.

    Sensitivity: taking away by rounding errors breaks the demand.
    """
    _, matrix, plain = program(growing())
    values = np.where(plain.replicas, 3.0, 0.0)
    once = needed(matrix, plain, values)
    assert np.array_equal(needed(matrix, plain, once), once)


def test_large_plans_are_tidied_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: beyond the size at which programs are no longer solved to tidy them, a plain one loses its idle replicas.

    Sensitivity: left as it was found, every option would keep its three replicas.
    """
    problem, matrix, plain = program(growing())
    monkeypatch.setattr(tidy_module, "LARGE", 0)
    values = np.where(plain.replicas, 3.0, 0.0)
    assert np.array_equal(tidy_module.tidy(problem, matrix, values), needed(matrix, plain, values))


def test_tidying_is_over_when_time_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what is not tidied within a part of the time limit stays as it was found; with time it does not.

    Sensitivity: a second's question would be tidied for ten.
    """
    problem, matrix, _ = program(growing())
    values = solve(matrix, SolveOptions(gap=0.05, time_limit_s=60.0)).values
    assert values is not None
    monkeypatch.setattr(tidy_module, "SHORTEST_S", 0.0)
    assert np.array_equal(tidy_module.tidy(problem, matrix, values, 0.0), values)
    assert not np.array_equal(tidy_module.tidy(problem, matrix, values, 600.0), values)
