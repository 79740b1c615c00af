"""What an import understood, what looked wrong in the files, and what became of their points."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from fleetopt.documents import shown
from fleetopt.ingest.merge import Change
from fleetopt.ingest.reading import Reading
from fleetopt.report.view import View, view


def sentences(readings: Sequence[Reading], names: Sequence[str], changes: Sequence[Change]) -> Iterator[str]:
    """What was understood of each file, then which models they are of, then what was assumed."""
    for reading in readings:
        yield f"{shown(reading.path)}: {reading.format}"
        yield from (f"  {sentence}" for sentence in reading.understood)
    yield from (f"models: {sentence}" for sentence in names)
    for change in changes:
        yield from (f"{change.book.model}: {sentence}" for sentence in change.said)


def change_view(changes: Sequence[Change]) -> View:
    """The profiles that the points went into."""
    titles = ["model", "config", "role", "GPUs", "evidence", "points", "new", "replaced", "as before"]
    rows = [
        [
            change.book.model,
            tally.config.name,
            tally.role,
            f"{tally.config.gpus_per_replica} {tally.config.gpu_type}",
            tally.provenance.evidence,
            str(tally.added + tally.replaced + tally.unchanged),
            str(tally.added),
            str(tally.replaced),
            str(tally.unchanged),
        ]
        for change in changes
        for tally in change.tallies
    ]
    return view("Profiles", titles, rows, text=5)


def outcome(changes: Sequence[Change], *, written: bool) -> Iterator[str]:
    """Which files were written, or would be."""
    word = "written" if written else "would be written"
    for change in changes:
        yield from (f"{word}: {shown(change.book.folder / file)}" for file in change.texts)
        if not change.texts:
            yield f"nothing new for {change.book.model}"


def _status(changes: Sequence[Change], *, written: bool) -> str:
    if not any(change.texts for change in changes):
        return "UNCHANGED"
    return "WRITTEN" if written else "WOULD_WRITE"


def to_json(readings: Sequence[Reading], names: Sequence[str], changes: Sequence[Change], *, written: bool) -> str:
    """The same for programs."""
    record = {
        "schema_version": "1",
        "status": _status(changes, written=written),
        "files": [
            {
                "path": shown(reading.path),
                "sha256": reading.sha256,
                "format": reading.format,
                "understood": reading.understood,
                "flags": [asdict(flag) for flag in reading.flags],
            }
            for reading in readings
        ],
        "profiles": [
            {
                "model": change.book.model,
                "config": tally.config.name,
                "role": tally.role,
                "evidence": tally.provenance.evidence,
                "source": tally.provenance.source,
                "added": tally.added,
                "replaced": tally.replaced,
                "unchanged": tally.unchanged,
            }
            for change in changes
            for tally in change.tallies
        ],
        "models": names,
        "said": [f"{change.book.model}: {sentence}" for change in changes for sentence in change.said],
        "written": [shown(change.book.folder / file) for change in changes for file in change.texts if written],
    }
    return json.dumps(record, indent=2) + "\n"
