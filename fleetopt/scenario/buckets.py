"""Length buckets: a workload cut into several by the lengths of its requests (Melange, arXiv 2404.14527)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from fleetopt.scenario.domain import Family, LengthBin, Sharing, Workload


def cut(
    workload: Workload, input_edges: Sequence[float], output_edges: Sequence[float], sharing: Sharing
) -> tuple[Workload, ...]:
    """One workload for each bucket that has requests, in rising order of lengths; a length on an edge is below it."""
    cells: dict[tuple[int, int], list[LengthBin]] = {}
    for one in workload.mix:
        cell = bisect_left(input_edges, one.input_tokens), bisect_left(output_edges, one.output_tokens)
        cells.setdefault(cell, []).append(one)
    family = Family(workload.name, sharing, workload.mix)
    return tuple(
        _bucket(workload, family, cells[cell], _label(cell, input_edges, output_edges)) for cell in sorted(cells)
    )


def _bucket(workload: Workload, family: Family, bins: list[LengthBin], label: str) -> Workload:
    share = sum(one.share for one in bins)
    mix = tuple(replace(one, share=one.share / share) for one in bins)
    return replace(
        workload,
        name=f"{workload.name} {label}",
        input_tokens=sum(one.share * one.input_tokens for one in mix),
        output_tokens=sum(one.share * one.output_tokens for one in mix),
        demand_rps={time: rps * share for time, rps in workload.demand_rps.items()},
        batch=None if workload.batch is None else workload.batch.scaled(share),
        lengths=mix if len(mix) > 1 else (),
        family=family,
    )


def _label(cell: tuple[int, int], input_edges: Sequence[float], output_edges: Sequence[float]) -> str:
    """'(1000-4000 in, 0-200 out)'."""
    named = ((cell[0], input_edges, "in"), (cell[1], output_edges, "out"))
    return "(" + ", ".join(f"{_range(index, edges)} {side}" for index, edges, side in named if edges) + ")"


def _range(index: int, edges: Sequence[float]) -> str:
    low = edges[index - 1] if index else 0
    return f"{low:g}-{edges[index]:g}" if index < len(edges) else f"{low:g}+"
