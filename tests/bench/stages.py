"""Where the time goes from the shell: start-up, and every stage of planning the quickstart.

Run by `make bench`. Each command runs several times in a fresh process; medians are shown beside the time that a
bare interpreter takes in the same run, so that a slow machine is told from a slow program.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7
FLEETOPT = str(Path(sys.executable).with_name("fleetopt"))
STAGE = re.compile(r"^\s*(\w+)\s+([\d.]+) s$", re.MULTILINE)


def timed(command: list[str]) -> tuple[float, str]:
    """Wall seconds of a command and what it said on stderr."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stderr


def median_of(command: list[str]) -> float:
    """Median wall seconds over the runs, after one run that warms the disk cache."""
    timed(command)
    return statistics.median(timed(command)[0] for _ in range(RUNS))


def stages_of(command: list[str]) -> dict[str, float]:
    """Median seconds by stage of a command that was asked for its timings."""
    found: dict[str, list[float]] = {}
    for _ in range(RUNS):
        for stage, seconds in STAGE.findall(timed(command)[1]):
            found.setdefault(stage, []).append(float(seconds))
    return {stage: statistics.median(seconds) for stage, seconds in found.items()}


def main() -> None:
    """Prints the table."""
    bare = median_of([sys.executable, "-c", "pass"])
    rows = [("bare python", bare), ("fleetopt --help", median_of([FLEETOPT, "--help"]))]
    with tempfile.TemporaryDirectory() as folder:
        plan = [FLEETOPT, "plan", "quickstart", "-o", f"{folder}/out", "--force", "--timings"]
        rows.append(("fleetopt plan quickstart -o", median_of(plan)))
        stages = stages_of(plan)
    print(f"median of {RUNS} runs, each in a fresh process\n")
    for name, seconds in rows:
        print(f"{name:32} {seconds:7.3f} s {seconds / bare:7.1f} x bare python")
    print("\nplan quickstart, by stage")
    total = stages.pop("total")
    for stage, seconds in stages.items():
        print(f"{stage:>32} {seconds:7.3f} s {100 * seconds / total:6.1f} %")


if __name__ == "__main__":
    main()
