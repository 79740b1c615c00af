"""Writes factors into a model's calibration table, so that writing the same ones again changes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from fleetopt.catalog.calibration import CALIBRATION, CALIBRATION_COLUMNS, Calibration, read_calibration
from fleetopt.catalog.domain import Llm
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.documents import read_text, shown, stands
from fleetopt.documents.tables import TABLE_LIMIT_BYTES
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.calibrate import Fit
from fleetopt.ingest.filing import CARD
from fleetopt.ingest.sheets import Sheet, figure

_COMMENT = "latency of a modelled profile x factor (1 + margin); error: median absolute relative residual"
_SAME = 1e-5


def uncalibrated(model: str, folder: Path, *, copy: bool) -> tuple[Llm, dict[str, str]]:
    """A model of a catalog folder without its factors, and the texts to start its folder with if it is new.

    Raises:
        InputError: the folder does not have the model, and `copy` is not set or the shipped catalog has none.
    """
    gpu_types = load_hardware((folder, shipped("models")))[0].gpu_types
    if stands(folder / model / CARD, "file"):
        return load_model(model, (folder,), gpu_types, calibrate=False)[0], {}
    if not copy:
        fix = "Name another folder with --folder, or add --copy to start from the shipped one"
        raise InputError([Issue("unknown-model", shown(folder / model), "is no model's folder", fix)])
    llm, _ = load_model(model, (shipped("models"),), gpu_types, calibrate=False)
    files = sorted((shipped("models") / model).glob("*.*"))
    return llm, {path.name: read_text(path, TABLE_LIMIT_BYTES)[0] for path in files}


def calibration_text(folder: Path, fits: Sequence[Fit], *, replace_old: bool) -> str | None:
    """The whole new table of a model's folder, None where nothing changes.

    Raises:
        InputError: the table is malformed, or has another factor and `replace_old` is not set.
    """
    sheet = Sheet.read(folder / CALIBRATION, CALIBRATION_COLUMNS, ("margin",), _COMMENT)
    old = {_key(one): (row, one) for row in sheet.rows for one in [read_calibration(row)]}
    issues = []
    news = [fit.calibration for fit in fits]
    if any(new.margin for new in news):
        sheet = sheet.widened(("margin",))
    added = []
    for new in news:
        if _key(new) not in old:
            added.append(_cells(new))
            continue
        row, known = old[_key(new)]
        if _is_equal(known, new):
            continue
        sheet = sheet.replaced(row, {"margin": "", **_cells(new)})
        if not replace_old:
            what = f"has factor {known.factor:.4g} on {known.points} points; "
            what += f"the new one is {new.factor:.4g} on {new.points}"
            issues.append(Issue("other-value", row.where("factor"), what, "Add --replace to take the new one"))
    if issues:
        raise InputError(issues)
    changed = added or any(_key(new) in old and not _is_equal(old[_key(new)][1], new) for new in news)
    return sheet.with_rows(added).text if changed else None


def _key(one: Calibration) -> tuple[str, ...]:
    return one.gpu_type, one.engine, one.role


def _is_equal(one: Calibration, other: Calibration) -> bool:
    pairs = ((one.factor, other.factor), (one.error, other.error), (one.margin, other.margin))
    return (one.points, one.provenance) == (other.points, other.provenance) and all(
        math.isclose(a, b, rel_tol=_SAME, abs_tol=1e-9) for a, b in pairs
    )


def _cells(one: Calibration) -> dict[str, str]:
    cells = {"gpu_type": one.gpu_type, "engine": one.engine, "role": one.role, "factor": figure(one.factor)}
    cells |= {"error": figure(round(one.error, 6)), "points": str(one.points)}
    cells |= {"evidence": one.provenance.evidence, "source": one.provenance.source}
    return cells | ({"margin": figure(one.margin)} if one.margin else {})
