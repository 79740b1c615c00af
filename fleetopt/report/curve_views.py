"""The points behind drawn curves as records, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from fleetopt.catalog.domain import Candidate
from fleetopt.documents import inert
from fleetopt.report.curves import LABELS, Panel

COLUMNS = (
    *("chart", "config", "gpu_type", "gpus_per_replica", "role", "evidence", "source"),
    *("what", "line", "x_is", "x", "y_is", "y"),
)


def records(panels: Sequence[Panel]) -> Iterator[dict[str, object]]:
    """Every point of a profile that is drawn, every promise and every operating point."""
    for panel in panels:
        _, x_is, y_is = LABELS[panel.kind]
        axes = {"x_is": x_is, "y_is": y_is}
        for line in panel.lines:
            for x, y in line.points:
                yield _of(panel, line.candidate) | {"what": "point", "line": line.label, "x": x, "y": y} | axes
        if panel.promise is not None:
            label, y = panel.promise
            yield _of(panel, panel.lines[0].candidate) | {"what": "promise", "line": label, "x": None, "y": y} | axes
        for mark in panel.marks:
            spot = {"what": "operating point", "line": mark.label, "x": mark.x, "y": mark.y}
            yield _of(panel, mark.candidate) | spot | axes


def _of(panel: Panel, one: Candidate) -> dict[str, object]:
    provenance = one.profile.provenance
    return {
        "chart": panel.kind,
        "config": one.config.name,
        "gpu_type": one.config.gpu_type,
        "gpus_per_replica": one.config.gpus_per_replica,
        "role": one.role,
        "evidence": provenance.evidence,
        "source": provenance.source,
    }


def to_json(model: str, panels: Sequence[Panel], hidden: str) -> str:
    """The records, with what is not shown."""
    record = {"schema_version": "1", "model": model, "points": list(records(panels)), "not_shown": hidden}
    return json.dumps(record, indent=2) + "\n"


def to_csv(panels: Sequence[Panel]) -> str:
    """The records as a table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records(panels):
        writer.writerow({key: inert(value) for key, value in record.items()})
    return out.getvalue()
