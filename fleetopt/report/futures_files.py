"""What not knowing the future costs, in a folder: futures.json, regret.csv, and each choice of orders as a plan."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fleetopt.documents import inert, write_files
from fleetopt.report.files import write_plan
from fleetopt.study.futures import Choice, Futures

COLUMNS = ("orders", "nodes", "outlook", "usd", "regret_usd", "impossible", "plan")


def write_futures(found: Futures, folder: Path) -> None:
    """Writes the figures, the regret of each choice by outlook, and each choice that has a plan as a folder by number.

    Raises:
        InputError: the folder cannot be written to.
    """
    write_files(folder, {"futures.json": found.model_dump_json(indent=2) + "\n", "regret.csv": regret_csv(found)})
    for index, one in enumerate(found.choices, 1):
        if one.plan is not None:
            write_plan(one.plan, folder / str(index))


def regret_csv(found: Futures) -> str:
    """A row for each choice of orders and outlook; `plan` is the folder of the choice."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, one in enumerate(found.choices, 1):
        writer.writerows([[inert(cell) for cell in row] for row in _rows(one, index)])
    return out.getvalue()


def _rows(one: Choice, index: int) -> list[list[object]]:
    return [
        [
            ", ".join(one.names),
            one.nodes,
            cell.outlook,
            cell.usd,
            cell.regret_usd,
            "true" if cell.impossible else "false",
            None if one.plan is None else index,
        ]
        for cell in one.outlooks
    ]
