"""Replicas without those that nobody needs: a GPU that is paid for anyway tempts the search to fill it.

With everything else as it is, a replica goes where what is served stays what it was: its role carries more on its link
than the other one does, or there is more than the demand. The ones with most GPUs go first. Cost does not change.
"""

from __future__ import annotations

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.plain import Plain, Ways, carried

SAME = 1e-9


def needed(program: Program, plain: Plain, values: Floats) -> Floats:
    """The values with fewer replicas, and shares of links that suit them.

    Args:
        program: the program.
        plain: its arrays.
        values: a plan.
    """
    found = values.copy()
    for ways in plain.ways:
        counts = np.rint(ways.replicas(values))
        there = ways.column >= 0
        found[ways.column[there]] = _fewer(ways, counts)[there]
    found[plain.split] = carried(program, plain.split, found)[plain.split]
    return found


def _fewer(ways: Ways, counts: Floats) -> Floats:
    """Replicas that serve as much of the demand, or all of it: (times, options)."""
    counts = counts.copy()
    served = sum(_served(ways, counts, link) for link in ways.links)
    spare = np.maximum(served - 1.0, 0.0)
    for option in np.argsort(-ways.gpus, kind="stable").tolist():
        for link in ways.links:
            for role in link:
                if option in role:
                    spare = _without(ways, counts, option, (role, link), spare)
    return counts


def _without(ways: Ways, counts: Floats, option: int, where: tuple[Ints, tuple[Ints, ...]], spare: Floats) -> Floats:
    """Takes away what an option has too much at each time; what may go beyond that is left."""
    role, link = where
    part = ways.part[:, option]
    before = _served(ways, counts, link)
    free = (counts[:, role] * ways.part[:, role]).sum(axis=1) - before + spare
    most = np.floor(np.divide(free, part, out=np.zeros_like(part), where=part > 0) + SAME)
    counts[:, option] -= np.minimum(counts[:, option], np.maximum(most, 0.0))
    return np.maximum(spare - (before - _served(ways, counts, link)), 0.0)


def _served(ways: Ways, counts: Floats, link: tuple[Ints, ...]) -> Floats:
    """The part of the demand that a link serves: what the weaker of its roles carries."""
    return np.asarray(np.min([(counts[:, role] * ways.part[:, role]).sum(axis=1) for role in link], axis=0))
