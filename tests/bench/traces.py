"""How long a large trace takes to import, and how much memory: `python tests/bench/traces.py [ROWS ...]`.

Traces are made up: in the manner of the Azure one of 2024, with a daily cycle, log-normal lengths and a second model.
Every import runs in a fresh process, whose largest resident size is shown.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS = (10_000_000, 25_000_000)
DAYS = 14
SECOND_US = 1_000_000
START_US = 1_715_299_200 * SECOND_US
PART = 1_000_000


def write_trace(path: Path, rows: int, seed: int = 0) -> None:
    """A CSV file of so many requests, in order of time."""
    import pyarrow as pa
    from pyarrow import csv

    draw = np.random.default_rng(seed)
    schema = pa.schema(
        [("timestamp", pa.timestamp("us", "UTC")), ("model", pa.string())]
        + [(name, pa.int64()) for name in ("input_tokens", "output_tokens")]
    )
    span_us = DAYS * 86_400 * SECOND_US
    with csv.CSVWriter(path, schema, write_options=csv.WriteOptions(quoting_style="none")) as writer:
        for first in range(0, rows, PART):
            count = min(PART, rows - first)
            position = (first + np.sort(draw.random(count)) * count) / rows * DAYS
            # The phase shift makes a daily cycle and keeps the order.
            days = position + 0.1 * np.sin(2 * np.pi * position) / 2
            times = START_US + np.clip(days / DAYS, 0, 1) * span_us
            tokens = [np.ceil(draw.lognormal(mean, sigma, count)) for mean, sigma in ((6.5, 1.2), (5.0, 1.0))]
            names = np.where(draw.random(count) < 0.8, "chat", "code")
            columns = [times.astype(np.int64), names, *(column.astype(np.int64) for column in tokens)]
            writer.write(
                pa.table(
                    [pa.array(column).cast(kind.type) for column, kind in zip(columns, schema, strict=True)], schema
                )
            )


def measure(path: Path) -> None:
    """Imports one trace and prints its figures."""
    from fleetopt.ingest.traces.options import TraceOptions
    from fleetopt.ingest.traces.read import read_trace

    begun = time.perf_counter()
    reading = read_trace(path, TraceOptions())
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = sum(one.requests for one in reading.traffic)
    print(f"{rows:12,.0f} requests {path.stat().st_size / 1e6:8.0f} MB {seconds:7.1f} s {peak_mb:8.0f} MiB at most")


def main() -> None:
    """Makes and imports each trace."""
    if sys.argv[1:2] == ["--file"]:
        measure(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in [int(word) for word in sys.argv[1:]] or ROWS:
            path = Path(folder) / "trace.csv"
            write_trace(path, rows)
            subprocess.run([sys.executable, __file__, "--file", str(path)], check=True)


if __name__ == "__main__":
    main()
