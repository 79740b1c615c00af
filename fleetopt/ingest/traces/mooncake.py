"""Mooncake traces: JSON lines of timestamp (ms), input_length, output_length, hash_ids.

Source: kvcache-ai/Mooncake, Apache-2.0; Qin et al., FAST 2025. One hour of Kimi. Times count from the start of the
trace, in ticks of about 3 s; a hash id stands for a block of 512 tokens and all that goes before it in the prompt.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

from fleetopt.documents import Record
from fleetopt.ingest.traces.clock import clock_of
from fleetopt.ingest.traces.format import Content, Stream
from fleetopt.ingest.traces.lines import Keys, first_record, line_chunks, names_keys, time_text
from fleetopt.ingest.traces.options import TraceOptions

BLOCK_TOKENS = 512
KEYS = Keys("timestamp", "input_length", "output_length", blocks="hash_ids")


class Mooncake:
    """The format's reader."""

    name = "mooncake"
    title = "Mooncake trace"

    def recognises(self, head: bytes) -> bool:
        """A first line with its keys."""
        return names_keys(head, "input_length", "output_length")

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its requests."""
        first = first_record(path)
        clock = clock_of(time_text(first, KEYS.timestamp), path, 1, options, "ms")
        chunks, another = line_chunks(path, KEYS, clock), _another_size(first)
        if another:
            return Stream((clock.said, another), chunks)
        return Stream(
            (clock.said, f"a hash id stands for a prefix block of {BLOCK_TOKENS} tokens"), chunks, BLOCK_TOKENS
        )


def _another_size(first: Record) -> str | None:
    """What to say where the blocks of the first request are not of the size that Mooncake publishes."""
    blocks = first.cells.get("hash_ids")
    if not isinstance(blocks, list) or not blocks:
        return None
    tokens = first.number("input_length", least=0)
    if tokens // BLOCK_TOKENS <= len(blocks) <= ceil(tokens / BLOCK_TOKENS):
        return None
    what = f"{len(blocks)} hash ids for {tokens:g} input tokens are no blocks of {BLOCK_TOKENS}"
    return f"{what}, so prefix hits are not worked out"
