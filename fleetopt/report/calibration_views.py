"""Factors that were fitted, how well they predict, and the points they rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fleetopt.documents import shown
from fleetopt.ingest.calibrate import Fit
from fleetopt.report.flag_view import flag_view
from fleetopt.report.view import View, percent, view


def sections(fits: Sequence[Fit]) -> list[View]:
    """Factors, points and flags."""
    titles = ["GPU type", "engine", "role", "factor", "margin", "points", "median error", "P90 error"]
    factors = [
        [
            fit.calibration.gpu_type,
            fit.calibration.engine,
            fit.calibration.role,
            f"{fit.calibration.factor:.4g}",
            percent(fit.calibration.margin),
            str(fit.calibration.points),
            percent(fit.calibration.error),
            percent(fit.p90_error),
        ]
        for fit in fits
    ]
    points = [[one.config, one.point, f"{one.ratio:.4g}", percent(one.error)] for fit in fits for one in fit.residuals]
    return [
        view("Latency factors", titles, factors, text=3),
        view("Measured over modelled", ["config", "at", "ratio", "error"], points, text=2),
        flag_view(flag for fit in fits for flag in fit.flags),
    ]


def outcome(model: str, written: Sequence[Path], *, dry_run: bool) -> Iterator[str]:
    """Which files were written, or would be."""
    word = "would be written" if dry_run else "written"
    yield from (f"{word}: {shown(path)}" for path in written)
    if not written:
        yield f"nothing new for {model}"


def to_json(model: str, fits: Sequence[Fit], written: Sequence[Path]) -> str:
    """The same for programs."""
    record = {
        "schema_version": "1",
        "status": "WRITTEN" if written else "UNCHANGED",
        "model": model,
        "factors": [
            asdict(fit.calibration)
            | {"p90_error": fit.p90_error, "residuals": [asdict(one) for one in fit.residuals]}
            | {"flags": [asdict(flag) for flag in fit.flags]}
            for fit in fits
        ],
        "written": [shown(path) for path in written],
    }
    return json.dumps(record, indent=2) + "\n"
