"""The optimizer against brute force on random tiny questions in which sites, racks and nodes may be lost."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.patterns.method import solve_by_patterns
from fleetopt.optimizer.solve import SolveOptions, solve
from fleetopt.scenario.domain import Scenario, Survive, Workload
from fleetopt.scenario.supply_domain import Facility
from tests.oracle.brute_force import Oracle
from tests.oracle.draw import Draw
from tests.oracle.test_random_cases import difference, planned

CASES = 80
MOST_TRIED = 4_000


def with_losses(scenario: Scenario, random: Random) -> Scenario:
    """Each workload that no pool serves is to survive something, racks hold two nodes."""

    def promised(workload: Workload) -> Workload:
        share = random.choice((0.3, 0.5, 0.8, 1.0))
        one_site = len(scenario.supply.sites) == 1
        what = random.choice(("rack", "node") if one_site else ("site", "rack", "node", "both"))
        chosen = {"site": share * 0.5, "node": share} if what == "both" else {what: share}
        most = 1.0 - workload.shortfall.allowed
        return replace(workload, survive=Survive(**{name: min(most, value) for name, value in chosen.items()}))

    workloads = tuple(w if w.pooled else promised(w) for w in scenario.workloads)
    racks = tuple(Facility(site, nodes_per_rack=2) for site in scenario.supply.sites)
    lines = tuple(replace(line, max_nodes=None) if random.random() < 0.7 else line for line in scenario.supply.lines)
    supply = replace(scenario.supply, facilities=racks, lines=lines, quotas=())
    return replace(scenario, workloads=workloads, supply=supply)


def tiny_questions() -> list[tuple[int, Oracle]]:
    found: list[tuple[int, Oracle]] = []
    seed = 0
    while len(found) < CASES:
        random = Random(seed)
        scenario = with_losses(Draw(random).scenario(), random)
        if any(w.survive != Survive() for w in scenario.workloads):
            oracle = Oracle(scenario)
            if oracle.effort() <= MOST_TRIED:
                found.append((seed, oracle))
        seed += 1
    return found


@pytest.mark.slow
def test_brute_force_survives_at_the_same_cost() -> None:
    """Proves that the rows of losses are the definitions: on random questions the cost is the one found by trying
    everything, what cannot be done is infeasible in both, and verification's own worst packing agrees.

    Sensitivity: a bite of one replica too few, or whole pools left out of the judgement, changes the cost of several.
    """
    questions = tiny_questions()
    plans = [planned(seed, oracle.scenario) for seed, oracle in questions]
    found = {seed: difference(oracle, plan) for (seed, oracle), plan in zip(questions, plans, strict=True)}
    assert {seed: said for seed, said in found.items() if said} == {}
    assert sum(plan is not None for plan in plans) >= len(questions) / 3


@pytest.mark.slow
def test_patterns_survive_at_the_same_cost() -> None:
    """Proves that the pattern method takes programs with losses apart without cutting off an optimum."""
    for _, oracle in tiny_questions()[::4]:
        problem = formulate(build_case(oracle.scenario, derive(oracle.scenario)))
        matrix = compile_matrix(problem)
        exact = solve(matrix, SolveOptions(gap=0.0))
        found = solve_by_patterns(problem, matrix, SolveOptions(gap=1e-6))
        assert (exact.objective is None) == (found.objective is None)
        if exact.objective is not None:
            assert found.objective == pytest.approx(exact.objective, rel=2e-6, abs=1e-6)
