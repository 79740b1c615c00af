"""How large a fleet can be planned, how fast and how well: `python -m tests.bench.fleets --sizes S,M --seeds 1,2,3`.

Every scenario is made up (`made`), solved by the automatic method within the seconds its size is meant to take, and
then, for as long as that took, by HiGHS on the whole program and by SCIP on the same program as an MPS file; the
paper's formula sizes every workload alone beside them. Each run has a process of its own, whose largest resident size
is shown. Times of one table come from one run on one machine. A size may also be told by its numbers, to see how time
and memory grow with one of them: `--sizes 20x8x8x6x3,40x8x8x6x3 --methods fleetopt --gap 0.015 --seconds 300`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.made import size_of, write

TARGETS = {"S": (1e-4, 1.0), "M": (2e-3, 15.0), "L": (5e-3, 60.0), "XL": (2e-2, 1800.0)}
"""By size: the relative gap to prove, and the seconds to do it in."""

GROWTH = (1.5e-2, 300.0)
"""The same for any other size."""

Row = dict[str, Any]


def ours(folder: Path, gap: float, seconds: float) -> Row:
    """fleetopt's automatic method, as `plan` runs it but for the second computation."""
    from fleetopt.capacity.table import derive
    from fleetopt.errors import NoPlanWithinLimit
    from fleetopt.optimizer.case import build_case
    from fleetopt.optimizer.run import optimize_case
    from fleetopt.optimizer.solve import Progress, SolveOptions
    from fleetopt.scenario.load import load

    begun, laps = perf_counter(), {"build": 0.0, "solve": 0.0}

    def lap(stage: str, seconds: float) -> None:
        laps[stage] += seconds

    scenario = load(folder)
    case = build_case(scenario, derive(scenario))
    read_s = perf_counter() - begun
    row: Row = {}
    plans: list[float] = []

    def tell(progress: Progress) -> None:
        if progress.incumbent is not None:
            plans.append(progress.seconds)

    try:
        found = optimize_case(case, SolveOptions(gap=gap, time_limit_s=seconds, on_progress=tell), lap)
    except NoPlanWithinLimit as late:
        row = _outcome(None, late.bound_usd, perf_counter() - begun - read_s)
    else:
        shape = {"rows": found.shape.rows, "columns": found.shape.columns, "integers": found.shape.integers}
        row = shape | _outcome(found.readout.objective_usd, found.bound_usd, laps["solve"])
    return row | {"build_s": read_s + laps["build"], "first_s": min(plans, default=None)}


def plain(folder: Path, gap: float, seconds: float) -> Row:
    """HiGHS on the whole program."""
    from fleetopt.optimizer.solve import SolveOptions, solve

    _, matrix, row = _built(folder)
    begun = perf_counter()
    found = solve(matrix, SolveOptions(gap=gap, time_limit_s=seconds))
    return row | _outcome(found.objective, found.bound, perf_counter() - begun)


def scip(folder: Path, gap: float, seconds: float) -> Row:
    """SCIP on the program written out as MPS."""
    from pyscipopt import Model

    from fleetopt.optimizer.solve import SolveOptions, configured, model_of

    _, matrix, row = _built(folder)
    path = folder / "program.mps"
    highs = configured(SolveOptions())
    highs.passModel(model_of(matrix))
    highs.writeModel(str(path))
    model = Model()
    model.hideOutput()
    model.readProblem(str(path))
    model.setParam("limits/gap", gap)
    model.setParam("limits/time", seconds)
    begun = perf_counter()
    model.optimize()
    usd = model.getObjVal() if model.getNSols() else None
    return row | _outcome(usd, model.getDualbound(), perf_counter() - begun)


def formula(folder: Path, _gap: float, seconds: float) -> Row:
    """Each workload alone by the paper's ratio formula, rounded up and held all the time."""
    from fleetopt.optimizer.solve import SolveOptions
    from fleetopt.scenario.load import load
    from fleetopt.study.resolve import Resolver
    from fleetopt.study.static import static_plan

    scenario = load(folder)
    desk = Resolver(SolveOptions(gap=1e-3, time_limit_s=10.0))
    begun, usd = perf_counter(), 0.0
    for workload in scenario.workloads:
        plan = static_plan(scenario, workload, desk) if perf_counter() - begun < 10 * seconds else None
        if plan is None:
            return _outcome(None, None, perf_counter() - begun)
        usd += plan.objective_usd
    return _outcome(usd, None, perf_counter() - begun)


METHODS: dict[str, Callable[[Path, float, float], Row]] = {
    "fleetopt": ours,
    "HiGHS": plain,
    "SCIP": scip,
    "formula": formula,
}


def _built(folder: Path) -> tuple[Any, Any, Row]:
    from fleetopt.capacity.table import derive
    from fleetopt.optimizer.case import build_case
    from fleetopt.optimizer.formulation import formulate
    from fleetopt.optimizer.matrix import compile_matrix
    from fleetopt.scenario.load import load

    begun = perf_counter()
    scenario = load(folder)
    problem = formulate(build_case(scenario, derive(scenario)))
    matrix = compile_matrix(problem)
    size = {"rows": matrix.rows.count, "columns": len(matrix.variables), "integers": int(matrix.integer.sum())}
    return problem, matrix, {"build_s": perf_counter() - begun, **size}


def _outcome(usd: float | None, bound: float | None, seconds: float) -> Row:
    gap = None if usd is None or bound is None else (usd - bound) / abs(usd)
    own, copy = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    memory = {"memory_mb": own, "copy_mb": copy}
    return {"solve_s": seconds, "usd": usd, "bound": bound, "gap": gap, **memory}


def measured(method: str, folder: Path, gap: float, seconds: float) -> Row:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.fleets", "--child", method, str(folder), str(gap), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else {"failed": done.stderr.strip()[-300:]}


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    columns = {
        "size": "size", "seed": "seed", "method": "method", "integers": "whole numbers", "build_s": "build s",
        "first_s": "first plan s", "solve_s": "solve s", "usd": "USD", "gap": "gap %", "memory_mb": "MB",
    }  # fmt: skip
    lines = ["| " + " | ".join(columns.values()) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_cell(name, row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "gap":
        return f"{100 * value:.3f}"
    if name in {"build_s", "first_s", "solve_s"}:
        return f"{value:.1f}"
    return f"{value:,.0f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Makes scenarios, measures all methods on each, prints the table and writes it with all figures to a file."""
    if "--child" in sys.argv:
        _, _, method, folder, gap, seconds = sys.argv
        print(json.dumps(METHODS[method](Path(folder), float(gap), float(seconds))))
        return
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--sizes", default="S,M", help="of S, M, L, XL, or numbers as 20x8x8x6x3")
    asked.add_argument("--seeds", default="1", help="of the generator")
    asked.add_argument("--methods", default=",".join(METHODS), help=f"of {', '.join(METHODS)}")
    asked.add_argument("--gap", type=float, help="relative gap to prove, in place of the one of the size")
    asked.add_argument("--seconds", type=float, help="limit, in place of the one of the size")
    asked.add_argument("--out", type=Path, help="file for all figures, as JSON")
    options = asked.parse_args()
    rows: list[Row] = []
    for size in options.sizes.split(","):
        for seed in options.seeds.split(","):
            usual = TARGETS.get(size, GROWTH)
            target = options.gap or usual[0], options.seconds or usual[1]
            rows += _compared(size, int(seed), options.methods.split(","), target)
            print(table(rows[-len(options.methods.split(",")) :]), flush=True)
            if options.out:
                options.out.write_text(json.dumps(rows, indent=1))


def _compared(size: str, seed: int, methods: list[str], target: tuple[float, float]) -> list[Row]:
    gap, seconds = target
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), size_of(size), seed)
        for method in methods:
            row = {"size": size, "seed": seed, "method": method, **measured(method, folder, gap, seconds)}
            rows.append(row)
            if "failed" in row:
                print(f"{size}, seed {seed}, {method}: {row['failed']}", file=sys.stderr)
            # What others get is what the first one took.
            seconds = max(1.0, rows[0].get("solve_s", seconds))
    return rows


if __name__ == "__main__":
    main()
