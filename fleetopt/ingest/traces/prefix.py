"""What an ideal prefix cache would find in a trace whose requests name the blocks of their prompts.

A block's id stands for the block and all before it, so a request finds its leading blocks up to the first one that is
not in the cache. The last block is counted with the tokens it really has. Without a limit the cache never forgets;
with one it forgets the block used longest ago. Blocks of the answer are not cached, transfer and lifetime play no part:
the ratio is an upper bound for one cache that sees the whole trace.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import takewhile

from fleetopt.ingest.traces.domain import PrefixCache

MOST_BLOCKS = 10_000_000
"""Different blocks that are remembered; beyond, the ratio is not worked out."""


class PrefixTracker:
    """A cache that requests pass through in the order of the file."""

    def __init__(self, block_tokens: int, cache_tokens: int | None) -> None:
        self._block = block_tokens
        self._size = cache_tokens
        self._recent: OrderedDict[int, None] | None = None if cache_tokens is None else OrderedDict()
        self._seen: set[int] = set()
        self._found = 0
        self._asked = 0
        self.overflown = False

    def add(self, blocks: tuple[int, ...], input_tokens: int) -> None:
        """One request."""
        if self.overflown:
            return
        self._asked += input_tokens
        cached = self._seen if self._recent is None else self._recent
        hits = sum(1 for _ in takewhile(cached.__contains__, blocks))
        self._found += min(hits * self._block, input_tokens)
        self._seen.update(blocks)
        self.overflown = len(self._seen) > MOST_BLOCKS
        if self._recent is not None and self._size is not None:
            self._keep(self._recent, blocks, max(1, self._size // self._block))

    @staticmethod
    def _keep(recent: OrderedDict[int, None], blocks: tuple[int, ...], capacity: int) -> None:
        for block in reversed(blocks):
            # From the end, so that a prompt's first block is forgotten last.
            recent[block] = None
            recent.move_to_end(block)
        while len(recent) > capacity:
            recent.popitem(last=False)

    def result(self) -> PrefixCache | None:
        """The hit ratio; None where no request names a block, or too many did."""
        if self.overflown or not self._seen or not self._asked:
            return None
        return PrefixCache(self._found / self._asked, self._block, self._size, len(self._seen))
