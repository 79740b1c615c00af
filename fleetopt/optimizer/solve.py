"""Runs HiGHS on a matrix and says exactly what came of it: a solution or none, a bound or none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from fleetopt.optimizer.aside import aside
from fleetopt.optimizer.matrix import Floats, Program
from fleetopt.plan.domain import Plan
from fleetopt.plan.provenance import Began

PROGRESS_EVERY_S = 0.5

_SMALL: dict[str, bool | int | float] = {
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_allow_restart": False,
    "mip_allow_cut_separation_at_nodes": False,
    "mip_detect_symmetry": False,
    "mip_pscost_minreliable": 2,
}
"""Settings for programs of a hundred columns or so, by the hundred: a tree of a few nodes, and little beside it."""

Method: TypeAlias = Literal["auto", "mip", "patterns"]
"""How to look for a plan: the whole program at once, pattern by pattern, or whichever suits its size."""


class Reason(Enum):
    """Why the solver stopped, and with what. A clock that ran out is never called optimal."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"
    NO_SOLUTION_FOUND = "NO_SOLUTION_FOUND"


EXPLAINING = "explaining"
"""The phase in which it is found out why there is no plan."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running solve stands. `incumbent` and `bound` in the objective's unit, None while unknown."""

    seconds: float
    incumbent: float | None
    bound: float | None
    phase: str = "searching"


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to try: relative gap to stop at, seconds to spend, where to log, whom to tell, by which method.

    `diagnose` is whether to find out why, where there is no plan. `start` is a plan of this or a similar scenario to
    begin from.
    """

    gap: float = 1e-4
    time_limit_s: float = 300.0
    log_file: Path | None = None
    on_progress: Callable[[Progress], None] | None = field(default=None, compare=False)
    method: Method = "auto"
    diagnose: bool = True
    start: Plan | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What came of a solve. `values` has one number per column, None where there is no solution.

    `began` tells of the plan that it was begun from, if any.
    """

    reason: Reason
    objective: float | None
    bound: float | None
    values: Floats | None
    seconds: float
    began: Began | None = None


def solver_version() -> str:
    """The version of HiGHS in use."""
    import highspy

    return str(highspy.Highs().version())


def solve(
    program: Program, options: SolveOptions, start: Floats | None = None, max_nodes: int | None = None
) -> Solution:
    """Minimises the matrix's cost.

    Args:
        program: the program.
        options: gap, time limit, log and progress.
        start: values to begin from, one per column, feasible or not.
        max_nodes: branch-and-bound nodes to stop after, for a limit that does not depend on the machine.
    """
    if not program.cost.size:
        return Solution(Reason.OPTIMAL, program.offset, program.offset, np.zeros(0), 0.0)
    highs = configured(options, max_nodes)
    highs.passModel(model_of(program))
    if start is not None:
        _set_start(highs, start)
    if options.on_progress is not None:
        _report_to(highs, options.on_progress)
    _run(highs)
    return _outcome(highs, program)


def solve_here(
    program: Program,
    options: SolveOptions,
    start: Floats | None = None,
    max_nodes: int | None = None,
    stop: Callable[[], bool] | None = None,
    *,
    small: bool = False,
) -> Solution:
    """As `solve`, in the calling thread, so that several programs run beside one another.

    Args:
        program: the program.
        options: gap, time limit, log and progress.
        start: values to begin from, one per column, feasible or not.
        max_nodes: branch-and-bound nodes to stop after.
        stop: asked now and then whether to give up, which takes its time where threads run beside one another.
        small: whether the tree is so small that what would make it smaller yet costs more than it saves.
    """
    if not program.cost.size:
        return Solution(Reason.OPTIMAL, program.offset, program.offset, np.zeros(0), 0.0)
    highs = configured(options, max_nodes)
    if small:
        for name, value in _SMALL.items():
            highs.setOptionValue(name, value)
    highs.passModel(model_of(program))
    if start is not None:
        _set_start(highs, start)

    if stop is not None:

        def ask(event: Any) -> None:
            if stop():
                event.interrupt()

        highs.cbMipInterrupt += ask
    if options.on_progress is not None:
        _report_to(highs, options.on_progress)
    highs.run()
    return _outcome(highs, program)


def configured(options: SolveOptions, max_nodes: int | None = None) -> Any:
    """HiGHS with the options set."""
    import highspy

    highs = highspy.Highs()
    log = options.log_file is not None
    settings: dict[str, Any] = {
        "output_flag": log,
        "log_to_console": False,
        "log_file": str(options.log_file) if log else "",
        "mip_rel_gap": options.gap,
        "time_limit": options.time_limit_s,
        # One thread and one seed: the same input gives the same plan on every machine.
        "parallel": "off",
        "threads": 1,
        "random_seed": 1,
    }
    if max_nodes is not None:
        settings["mip_max_nodes"] = max_nodes
    for name, value in settings.items():
        highs.setOptionValue(name, value)
    return highs


def model_of(program: Program) -> Any:
    """The matrix in the words of HiGHS."""
    import highspy

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.rows.count, program.cost.size
    lp.col_cost_, lp.offset_ = program.cost, program.offset
    lp.col_lower_, lp.col_upper_ = program.column_lower, program.column_upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.rows.start
    lp.a_matrix_.index_ = program.rows.column
    lp.a_matrix_.value_ = program.rows.coefficient
    if program.integer.any():
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in program.integer]
    return lp


def _set_start(highs: Any, start: Floats) -> None:
    import highspy

    solution = highspy.HighsSolution()
    solution.col_value = list(start)
    highs.setSolution(solution)


def _run(highs: Any) -> None:
    """Runs the solver aside, so that Ctrl-C stops it with the best plan so far instead of ending the process."""
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True

    def ask(event: Any) -> None:
        if stopped:
            event.interrupt()

    highs.cbMipInterrupt += ask
    highs.cbSimplexInterrupt += ask
    aside([highs.run], 1, stop)


def _report_to(highs: Any, on_progress: Callable[[Progress], None]) -> None:
    last = -math.inf

    def tell(event: Any) -> None:
        nonlocal last
        data = event.data_out
        if data.running_time - last >= PROGRESS_EVERY_S:
            last = data.running_time
            on_progress(Progress(last, _known(data.mip_primal_bound), _known(data.mip_dual_bound)))

    # The logging callback is silent when the log is; the interrupt callback comes by several times a second.
    highs.cbMipInterrupt += tell


def _outcome(highs: Any, program: Program) -> Solution:
    import highspy

    status, info = highs.getModelStatus(), highs.getInfo()
    statuses = highspy.HighsModelStatus
    seconds = float(highs.getRunTime())
    if status in (statuses.kInfeasible, statuses.kUnboundedOrInfeasible):
        return Solution(Reason.INFEASIBLE, None, None, None, seconds)
    mixed = bool(program.integer.any())
    bound = _known(info.mip_dual_bound if mixed else info.objective_function_value)
    has_solution = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    if not has_solution:
        return Solution(Reason.NO_SOLUTION_FOUND, None, bound if mixed else None, None, seconds)
    values = np.array(highs.getSolution().col_value, dtype=float)
    values[program.integer] = np.round(values[program.integer])
    reason = Reason.OPTIMAL if status == statuses.kOptimal else Reason.FEASIBLE
    return Solution(reason, float(info.objective_function_value), bound, values, seconds)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) and abs(value) < 1e200 else None
