"""Which groups of GPUs models may share, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Swapping:
    """How weights come from host memory: bytes/s into each GPU, and who says so.

    `host_memory_bytes` is what a node of a type has for weights; a type that is not there has none.
    """

    most_models: int
    host_link_bytes_per_s: float
    host_memory_bytes: tuple[tuple[str, float], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Spatial:
    """Members side by side, each on the share of the GPUs that its profiles were measured on.

    Beside others everything takes `1 + slowdown` times as long as on an otherwise idle GPU; `source` says so.
    """

    slowdown: float
    source: str


@dataclass(frozen=True, slots=True)
class Bundling:
    """Which shared groups may be tried.

    A decode step of one model lengthens by `interference` times the steps of the others; with one they take turns.
    """

    most_models: int
    interference: float
    most_bundles: int
    source: str
    swapping: Swapping | None = None
    spatial: Spatial | None = None
