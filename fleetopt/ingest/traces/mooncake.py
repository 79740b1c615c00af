"""Mooncake traces: JSON lines of timestamp (ms), input_length, output_length, hash_ids.

Source: kvcache-ai/Mooncake, Apache-2.0; Qin et al., FAST 2025. One hour of Kimi. Times count from the start of the
trace, in ticks of about 3 s; a hash id stands for a block of 512 tokens and all that goes before it in the prompt.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.ingest.traces.clock import clock_of
from fleetopt.ingest.traces.format import Content, Stream
from fleetopt.ingest.traces.lines import Keys, first_record, line_chunks
from fleetopt.ingest.traces.options import TraceOptions

BLOCK_TOKENS = 512
KEYS = Keys("timestamp", "input_length", "output_length", blocks="hash_ids")


class Mooncake:
    """The format's reader."""

    name = "mooncake"
    title = "Mooncake trace"

    def recognises(self, head: bytes) -> bool:
        """A first line with its keys."""
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
        return first.startswith(b"{") and all(f'"{key}"'.encode() in first for key in ("input_length", "output_length"))

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests."""
        clock = clock_of(first_record(path, KEYS), path, 1, options, "ms")
        understood = (clock.said, f"a hash id stands for a prefix block of {BLOCK_TOKENS} tokens")
        return Stream(understood, line_chunks(path, KEYS, clock), BLOCK_TOKENS)
