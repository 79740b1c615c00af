"""What makes problems smaller and plans tidier costs nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fleetopt.capacity.table import derive
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.formulation import formulate
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.readout import Readout, read_out
from fleetopt.optimizer.settled import settled
from fleetopt.optimizer.solve import solve
from fleetopt.scenario.domain import Scenario
from tests.oracle.draw import has_odd_sizes
from tests.properties.asked import EXACT, PROOF, cost, no_more, questions, same

pytestmark = pytest.mark.slow


@PROOF
@given(questions)
def test_dropping_dominated_options_loses_nothing(asked: Scenario) -> None:
    """Proves that the options that dominance drops are in no best plan: with all of them the cost is the same.

    Odd sizes that are gone need no rounding any more, so that there the cost may only fall. Sensitivity: dominance
    across roles, pools or KV formats would make some plans dearer or impossible.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleetopt.optimizer.options.undominated", list)
        everything = cost(asked)
    kept = cost(asked)
    assert no_more(kept, everything)
    assert same(kept, everything) or has_odd_sizes(asked)


@PROOF
@given(questions)
def test_tidying_costs_nothing(asked: Scenario) -> None:
    """Proves that tidying keeps the cost, leaves no more unserved, and runs no more GPUs unless it serves more.
    Sensitivity: minimising GPUs alone would leave demand unserved wherever that is free."""
    problem = formulate(build_case(asked, derive(asked)))
    matrix = compile_matrix(problem)
    found = solve(matrix, EXACT).values
    if found is None:
        return
    before, after = read_out(problem, matrix, found), settled(problem, matrix, found)
    assert same(after.objective_usd, before.objective_usd)
    assert unserved(after) <= unserved(before) + 1e-6
    if unserved(after) >= unserved(before) - 1e-6:
        assert gpus(after) <= gpus(before)


def unserved(readout: Readout) -> float:
    """Shares of demand that go unserved, summed over workloads and times."""
    return float(np.sum([o.shortfall_rps / o.planned_rps for o in readout.workloads if o.planned_rps > 0]))


def gpus(readout: Readout) -> float:
    return sum(p.replicas * p.node_gpus_per_replica for p in readout.placements)
