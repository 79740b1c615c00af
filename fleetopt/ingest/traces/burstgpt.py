"""BurstGPT: Timestamp, Model, Request tokens, Response tokens, Total tokens, Log Type.

Source: HPMLL/BurstGPT, CC BY 4.0; Wang et al., arXiv 2401.17644. Whole seconds from midnight of the first day; a
failed request has 0 response tokens. Later releases have further columns, which are not read.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.ingest.traces.clock import clock_of
from fleetopt.ingest.traces.format import Content, Stream, first_cells, header_of, need_columns
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.streams import Shape, csv_chunks

SHAPE = Shape("Timestamp", "Request tokens", "Response tokens", "Model")


class BurstGpt:
    """The format's reader."""

    name = "burstgpt"
    title = "BurstGPT trace"

    def recognises(self, head: bytes) -> bool:
        """Its columns, whatever else there is."""
        return {*SHAPE.names, "Total tokens", "Log Type"} <= set(header_of(head))

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests, of conversations and of the API alike."""
        header = header_of(head)
        need_columns(path, header, SHAPE.names)
        clock = clock_of(first_cells(head, header, path)[SHAPE.timestamp], path, 2, options, "s")
        understood = (
            clock.said,
            "input tokens are Request tokens, output tokens are Response tokens; a request with 0 of them failed",
        )
        return Stream(understood, csv_chunks(path, header, SHAPE, clock))
