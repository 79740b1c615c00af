"""Qwen-Bailian traces: Mooncake's keys beside chat_id and parent_chat_id, with seconds for ms and blocks of 16 tokens.

Source: alibaba-edu/qwen-bailian-usagetraces-anon, Apache-2.0; Wang et al., USENIX ATC 2025. Two hours of one serving
instance. Times are seconds from the start of the trace, with a fraction.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.ingest.traces.clock import clock_of
from fleetopt.ingest.traces.format import Content, Stream
from fleetopt.ingest.traces.lines import first_record, line_chunks, names_keys, time_text
from fleetopt.ingest.traces.mooncake import KEYS
from fleetopt.ingest.traces.options import TraceOptions

BLOCK_TOKENS = 16


class Bailian:
    """The format's reader."""

    name = "bailian"
    title = "Qwen-Bailian trace"

    def recognises(self, head: bytes) -> bool:
        """A first line that names the chat and its parent beside the lengths."""
        return names_keys(head, "chat_id", "parent_chat_id", "input_length", "output_length")

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests."""
        clock = clock_of(time_text(first_record(path), KEYS.timestamp), path, 1, options, "s")
        understood = (clock.said, f"a hash id stands for a prefix block of {BLOCK_TOKENS} tokens")
        return Stream(understood, line_chunks(path, KEYS, clock), BLOCK_TOKENS)
