"""Azure LLM inference traces of 2023 (one hour) and 2024 (one week): TIMESTAMP, ContextTokens, GeneratedTokens.

Source: Azure/AzurePublicDataset, CC BY 4.0; Patel et al., Splitwise, ISCA 2024. Times are UTC, of 2023 without saying
so, of 2024 with +00:00. One service a file, hence one model.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.ingest.traces.clock import clock_of
from fleetopt.ingest.traces.format import Content, Stream, first_cells, header_of, need_columns
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.streams import Shape, csv_chunks

SHAPE = Shape("TIMESTAMP", "ContextTokens", "GeneratedTokens")


class Azure:
    """The format's reader."""

    name = "azure"
    title = "Azure LLM inference trace"

    def recognises(self, head: bytes) -> bool:
        """Its header and no other."""
        return header_of(head) == SHAPE.names

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests."""
        header = header_of(head)
        need_columns(path, header, SHAPE.names)
        clock = clock_of(first_cells(head, header, path)[SHAPE.timestamp], path, 2, options)
        understood = (clock.said, "input tokens are ContextTokens, output tokens are GeneratedTokens")
        return Stream(understood, csv_chunks(path, header, SHAPE, clock))
