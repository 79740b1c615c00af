"""The records of a solution, tidied where that is any better.

Tidying solves pieces within a limit of effort, and what whole replicas really achieve may be more than the program
counted. So both are read out, and the one stays that costs least, then serves most, then runs fewest GPUs.
"""

from __future__ import annotations

import math

from fleetopt.optimizer.formulation import Problem
from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.readout import Readout, read_out
from fleetopt.optimizer.tidy import tidy

CENTS = 2
SHARES = 9


def settled(problem: Problem, matrix: Matrix, values: Floats, time_limit_s: float = math.inf) -> Readout:
    """The better of a solution as it was found and as it is tidied, which takes a small part of the time limit."""
    tidied = tidy(problem, matrix, values, time_limit_s)
    found = read_out(problem, matrix, values)
    return found if tidied is values else min(read_out(problem, matrix, tidied), found, key=_rank)


def _rank(readout: Readout) -> tuple[float, float, float]:
    unserved = sum(o.shortfall_rps / o.planned_rps for o in readout.workloads if o.planned_rps > 0)
    gpus = sum(p.replicas * p.node_gpus_per_replica for p in readout.placements)
    return round(readout.objective_usd, CENTS), round(unserved, SHARES), gpus
