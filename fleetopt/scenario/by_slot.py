"""Lengths by slot of the day: a workload cut into the parts that its slots ask for (DOPD, arXiv 2511.20982, section 4).

A part is planned as a workload of its own and asks for nothing outside its slots. As no two are asked for at once, the
replicas of all of them stand under one name over the day (`Workload.whole`), where changes between slots are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from fleetopt.scenario.domain import Workload
from fleetopt.scenario.workload_schema import WorkloadFile


def part(workload: Workload, label: str, slots: Collection[str]) -> Workload:
    """The workload in some slots only."""
    rates = {time: rps if time[1] in slots else 0.0 for time, rps in workload.demand_rps.items()}
    return replace(workload, name=f"{workload.name} ({label})", part_of=workload.name, demand_rps=rates)


def usual_label(slots: Sequence[str]) -> str:
    """What the part is called whose lengths are those of the workload itself.

    >>> usual_label(["night"]), usual_label(["night", "evening"])
    ('night', 'other slots')
    """
    return slots[0] if len(slots) == 1 else "other slots"


def named_twice(workloads: Sequence[Workload]) -> Iterator[tuple[str, str]]:
    """Names that a part has and another workload too: the name, and the workload of which it is a part."""
    seen = Counter(one.name for one in workloads)
    yield from {one.name: one.part_of for one in workloads if one.part_of and seen[one.name] > 1}.items()


def conflicts(file: WorkloadFile) -> Iterator[tuple[str, str]]:
    """Fields that speak of the whole workload, which parts of it cannot keep: the field, and what it says."""
    if file.batch is not None:
        yield "batch", "may be done in any slot, whose lengths differ"
    if file.buckets is not None:
        yield "buckets", "cuts lengths that differ by slot"
    if file.pooled:
        yield "pooled", "has pools whose sizes differ by slot"
    if file.most_gpu_types is not None:
        yield "most_gpu_types", "counts over all slots, whose parts are planned apart"
