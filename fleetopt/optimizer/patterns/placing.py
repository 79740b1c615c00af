"""From a relaxed plan to a whole one: orders first, then each time by itself.

Ordering makes the columns of no single time whole while the rest stays relaxed: a small program, whose bound holds for
every plan. With those columns held the program falls apart, usually into one piece per time, and the pieces are solved
beside one another: each near its relaxed numbers to begin with, then all of it with a little effort, then the ones that
are furthest from their bounds with more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fleetopt.optimizer.matrix import Floats, Ints, Program
from fleetopt.optimizer.patterns.counted import Counted, counted, without
from fleetopt.optimizer.patterns.opened import Piece
from fleetopt.optimizer.patterns.relaxation import Relaxation
from fleetopt.optimizer.patterns.structure import NO_TIME
from fleetopt.optimizer.patterns.watch import THREADS, Watch
from fleetopt.optimizer.pieces import pieces, program_of
from fleetopt.optimizer.solve import Solution, SolveOptions, solve_here

FIRST_NODES = 50
MORE_NODES = 4
"""Branch-and-bound nodes of the first pass over the pieces, and by what they grow from pass to pass."""

ORDERING_SHARE = 0.2

SHARE, SHARE_OF_DAYS, WORTH_SHARING_S = 0.6, 0.2, 3.0
"""Of the time that is left, what pieces may take where the whole program is solved afterwards, which raises the bound;
the same where pieces are whole days, whose orders were made for what stands all day; and from how many seconds on: in
less it proves nothing."""

DISTANCES = (0.0, 1.0, 3.0)
ROUNDING_GAP = 0.02
ROUNDING_NODES = 20
"""How far from the relaxed numbers, and how hard, to look for a first plan of a piece."""

RELAXED = 1e-6
NEAR_GAP = 0.002
NEAR_S = 5.0
"""From where on a relaxed number counts, and how hard to look between a plan and the relaxation."""


def ordering(watch: Watch, matrix: Program, time: Ints) -> Floats | None:
    """Values with everything whole that is of no single time, and the bound that this proves."""
    relaxed = replace(matrix, integer=matrix.integer & (time == NO_TIME))
    seconds = min(watch.left_s, ORDERING_SHARE * watch.options.time_limit_s)
    effort = SolveOptions(gap=watch.options.gap / 4.0, time_limit_s=seconds)
    solution = watch.each(partial(solve_here, options=effort, stop=lambda: watch.interrupted), [relaxed])[0]
    watch.know("ordering", solution.bound)
    return solution.values


def placing(watch: Watch, matrix: Program, time: Ints, values: Floats, share: float = SHARE) -> bool:
    """Makes the values whole, time by time; says whether every piece came to its end.

    Where the best plan so far has these orders, every piece begins from it. Pieces may take a share of the time that is
    left where there is a proof to leave the rest to.
    """
    counting, shared = counted(matrix, time), time == NO_TIME
    found = pieces(matrix.rows, shared, among=without(matrix, counting.rows))
    opened = [Piece(columns, program_of(matrix, values, rows, columns)) for rows, columns in found]
    enough, known = watch.enough(len(opened)), watch.values
    if known is not None and np.array_equal(known[shared], values[shared]):
        for piece in opened:
            piece.take(known[piece.columns])
        near(watch, enough, opened)
    else:
        watch.each(partial(_round, watch, values), opened)
    whole = _Whole(matrix, counting, values, shared.any())
    whole.tell(watch, opened)
    nodes = FIRST_NODES
    proving = watch.left_s >= WORTH_SHARING_S and not watch.narrow
    end = watch.seconds + (share if proving else 1.0) * watch.left_s
    while left := [piece for piece in opened if piece.missing > enough]:
        left.sort(key=lambda piece: -piece.missing)
        seconds = min(watch.left_s, end - watch.seconds) * THREADS / len(left)
        if seconds <= 0.0:
            return False
        effort = partial(_solve, watch, enough, nodes, seconds)
        solved = watch.each(effort, left)
        for piece, solution in zip(left, solved, strict=True):
            piece.better(solution)
        if not whole.tell(watch, opened) or watch.done:
            return False
        nodes *= MORE_NODES
    return True


def _round(watch: Watch, values: Floats, piece: Piece) -> None:
    """A first plan at little cost: whole numbers next to the relaxed ones, further off only where there is none.

    Restricting a program to the neighbours of its relaxation: Berthold, RENS, Math. Prog. Comp. 6, 2014.
    """
    program, relaxed = piece.program, values[piece.columns]
    piece.floor = float(program.cost @ relaxed)
    for distance in DISTANCES:
        lower, upper = np.floor(relaxed + 1e-6) - distance, np.ceil(relaxed - 1e-6) + distance
        near = replace(
            program,
            column_lower=np.where(program.integer, np.maximum(lower, program.column_lower), program.column_lower),
            column_upper=np.where(program.integer, np.minimum(upper, program.column_upper), program.column_upper),
        )
        effort = SolveOptions(gap=ROUNDING_GAP, time_limit_s=watch.left_s)
        found = solve_here(near, effort, None, ROUNDING_NODES, lambda: watch.over)
        if found.values is not None:
            piece.best = replace(found, bound=None)
            return


def near(watch: Watch, enough: float, opened: Sequence[Piece]) -> None:
    """Better plans of pieces at little cost: of the time that is left each has its share, so that all have a turn."""
    seconds = min(NEAR_S, watch.left_s * THREADS / max(1, len(opened)))
    watch.each(partial(_near, watch, enough, seconds), opened)


def _near(watch: Watch, enough: float, seconds: float, piece: Piece) -> None:
    """A better plan of a piece at little cost: what its plan and the relaxation both leave at nothing stays there.

    Searching between a plan and the relaxation: Danna, Rothberg and Le Pape, RINS, Math. Prog. 102, 2005.
    """
    program, best = piece.program, piece.best
    point = None if watch.over else Relaxation(program).optimum(watch.left_s)
    if point is None or best is None or best.values is None:
        return
    piece.floor = point.value
    if piece.missing <= enough:
        return
    kept = (best.values > 0.5) | (point.columns > RELAXED) | ~program.integer
    few = replace(program, column_upper=np.where(kept, program.column_upper, program.column_lower))
    effort = SolveOptions(gap=NEAR_GAP, time_limit_s=min(seconds, watch.left_s))
    found = solve_here(few, effort, best.values, FIRST_NODES, lambda: watch.over)
    if found.values is not None:
        piece.take(found.values)


def _solve(watch: Watch, enough: float, nodes: int, seconds: float, piece: Piece) -> Solution | None:
    """One more look at a piece. Its share of the time keeps one hard piece from leaving the others without a plan."""
    if watch.over:
        return None
    known = None if piece.best is None else piece.best.values
    objective = None if piece.best is None else piece.best.objective
    share = enough / max(abs(objective or watch.bound or 0.0), 1e-9)
    effort = SolveOptions(gap=min(1.0, share), time_limit_s=min(watch.left_s, seconds))
    return solve_here(piece.program, effort, known, nodes, lambda: watch.over)


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """What the pieces are put together in: the program, its rules that count costs, and values of what is shared."""

    program: Program
    counted: Counted
    values: Floats
    shared: bool

    def tell(self, watch: Watch, opened: list[Piece]) -> bool:
        """Puts the pieces together, if each has a plan. Where nothing is shared their bounds add up to one of all."""
        whole, bounds, program = self.values.copy(), 0.0, self.program
        for piece in opened:
            if piece.best is None or piece.best.values is None:
                return False
            whole[piece.columns] = piece.best.values
            bounds += -np.inf if piece.best.bound is None else piece.best.bound
        if not self.shared:
            watch.know("placing", bounds + program.offset)
        settled = self.counted.settled(program, whole)
        if settled is None:
            return False
        watch.keep("placing", float(program.cost @ settled) + program.offset, settled)
        return True
