"""A piece of a program that is being worked on, with the best that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.solve import Reason, Solution


@dataclass(slots=True, eq=False)
class Piece:
    """Columns of the whole, the program of these, a cost it is not expected to go below, and its best plan."""

    columns: Ints
    program: Program
    floor: float = -np.inf
    best: Solution | None = None

    @property
    def missing(self) -> float:
        """How much the piece may still be too dear, next to its bound or, before it has one, to the floor."""
        if self.best is None or self.best.objective is None:
            return np.inf
        return max(0.0, self.best.objective - (self.floor if self.best.bound is None else self.best.bound))

    def take(self, values: Floats) -> None:
        """Takes a plan of the piece's columns, if it is cheaper."""
        self.better(Solution(Reason.FEASIBLE, float(self.program.cost @ values), None, values, 0.0))

    def better(self, new: Solution | None) -> None:
        """Keeps the cheaper values and the higher bound."""
        old = self.best
        if old is None or new is None:
            self.best = new if old is None else old
            return
        dearer = new.objective is None or (old.objective is not None and old.objective <= new.objective)
        bounds = [bound for bound in (old.bound, new.bound) if bound is not None]
        self.best = replace(old if dearer else new, bound=max(bounds, default=None))
