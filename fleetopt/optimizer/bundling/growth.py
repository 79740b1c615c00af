"""Grows bundles on one shape of group: from each workload on, the next is added wherever every promise still holds.

A workload asks for a rate: its demand at a time by the fewest groups that carry it alone, by one more than these, or
what full groups leave of it. Sets of n grow from the best sets of n - 1, by the GPUs of dedicated groups that they
stand for (MuxServe places by popularity and gain alike, arXiv 2404.02015), and from the best with each
workload, so that nobody is left out. For swapping, a set takes in one rare workload after the other, the least busy
first. Spatial bundles grow as colocated ones do, until the shares of the GPUs are given away; a share may also be
used as far as it goes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleetopt.capacity.bundles import WHOLE_GPU, Kind, Member, judged
from fleetopt.optimizer.bundling.domain import LEAST_RPS, Bundle, Shape

BREADTH = 32
"""Sets of a size that larger ones grow from."""

EACH = 3
"""Of them, those that are kept for the sake of one workload."""

ROOM = 1.05
"""What a set may ask for, as a multiple of what dedicated groups of the shape carry, and more where steps overlap."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A member at a rate, the part of a dedicated group that it fills, and the GPUs that it would take elsewhere."""

    member: Member
    rps: float
    part: float
    gpus: float

    @property
    def workload(self) -> str:
        return self.member.workload.name

    @property
    def share(self) -> float:
        """Of the GPUs' compute."""
        return self.member.config.gpu_share


@dataclass(frozen=True, slots=True)
class _Grown:
    wishes: tuple[Wish, ...]
    bundle: Bundle


def colocated(shape: Shape, demand_rps: Mapping[str, float], least_gpus: Mapping[str, int]) -> Iterator[Bundle]:
    """Bundles of resident models for a demand; `least_gpus` is the smallest group that each workload can have."""
    alone = shape.alone_rps
    asked = [name for name, rps in demand_rps.items() if rps > LEAST_RPS and alone.get(name)]
    full = [Wish(shape.members[name], alone[name], 1.0, least_gpus[name]) for name in asked]
    wishes = [
        wish for name in asked for wish in _wishes(shape.members[name], alone[name], demand_rps[name], least_gpus[name])
    ]
    room = ROOM + (1.0 - shape.allowed.interference) * (shape.allowed.most_models - 1)
    yield from _grown("colocated", shape, (full, wishes), lambda wish: wish.part, room)


def spatial(shape: Shape, demand_rps: Mapping[str, float], least_gpus: Mapping[str, int]) -> Iterator[Bundle]:
    """Bundles of models side by side, each on its share of the GPUs."""
    full: list[Wish] = []
    wishes: list[Wish] = []
    for one in shape.sliced:
        name = one.member.workload.name
        rps, gpus = demand_rps[name], least_gpus[name]
        if rps <= LEAST_RPS:
            continue
        full.append(Wish(one.member, one.alone_rps, 1.0, gpus))
        if one.beside_rps:
            wishes += _wishes(one.member, one.beside_rps, rps, gpus)
        if one.beside_rps and rps > one.beside_rps and not one.member.workload.isolation:
            wishes.append(Wish(one.member, one.beside_rps, 1.0, gpus))
    yield from _grown("spatial", shape, (full, wishes), lambda wish: wish.share, WHOLE_GPU)


def _grown(
    kind: Kind, shape: Shape, asked: tuple[list[Wish], list[Wish]], takes: Callable[[Wish], float], room: float
) -> Iterator[Bundle]:
    """Groups for one each at its best, and sets of wishes that together take no more than there is room for."""
    full, wishes = asked
    yield from (one.bundle for one in _made(kind, shape, ((wish,) for wish in full)))
    wishes = sorted(wishes, key=lambda one: (-one.part, one.workload, one.rps, one.share))
    sets: list[tuple[Wish, ...]] = [(wish,) for wish in wishes]
    for _ in range(1, shape.allowed.most_models):
        found = list(_made(kind, shape, _larger(sets, wishes, takes, room)))
        yield from (one.bundle for one in found)
        sets = [one.wishes for one in _best(found)]


def swapped(shape: Shape, demand_rps: Mapping[str, float], least_gpus: Mapping[str, int]) -> Iterator[Bundle]:
    """Bundles of models in host memory: from each workload on, all that still fit, the least asked for first."""
    how = shape.allowed.swapping
    if how is None:
        return
    wishes = [
        Wish(shape.members[name], rps, 0.0, least_gpus.get(name, shape.group.gpus))
        for name, rps in sorted(demand_rps.items(), key=lambda one: (one[1], one[0]))
        if rps > LEAST_RPS and name in shape.members and not shape.members[name].workload.isolation
    ]
    for first in wishes:
        chosen: tuple[Wish, ...] = ()
        for wish in (first, *(one for one in wishes if one is not first)):
            found = next(_made("swapped", shape, [(*chosen, wish)]), None)
            if found is not None:
                chosen = found.wishes
                yield found.bundle
            if len(chosen) == how.most_models:
                break


def _wishes(member: Member, alone: float, rps: float, least_gpus: int) -> Iterator[Wish]:
    groups = max(1, math.ceil(rps / alone - 1e-9))
    rates = {rps / groups, rps / (groups + 1)} | ({rps - (groups - 1) * alone} if groups > 1 else set())
    for rate in sorted(rates):
        if rate > LEAST_RPS and not member.workload.isolation:
            yield Wish(member, rate, rate / alone, least_gpus * (1.0 if rate == rps else rate / alone))


def _larger(
    sets: Sequence[tuple[Wish, ...]], wishes: Sequence[Wish], takes: Callable[[Wish], float], room: float
) -> Iterator[tuple[Wish, ...]]:
    """Each set with each later wish of another workload, unless it clearly asks for too much."""
    place = {wish: index for index, wish in enumerate(wishes)}
    for one in sets:
        taken, filled = {wish.workload for wish in one}, sum(takes(wish) for wish in one)
        for wish in wishes[place[one[-1]] + 1 :]:
            if wish.workload not in taken and filled + takes(wish) <= room:
                yield (*one, wish)


def _made(kind: Kind, shape: Shape, sets: Iterable[tuple[Wish, ...]]) -> Iterator[_Grown]:
    """The sets that keep every promise."""
    for wishes in sets:
        members = tuple(wish.member for wish in wishes)
        outcomes = judged(kind, members, [wish.rps for wish in wishes], shape.group, shape.allowed)
        if outcomes is not None:
            yield _Grown(wishes, Bundle(kind, shape, members, outcomes, sum(wish.gpus for wish in wishes)))


def _best(found: Sequence[_Grown]) -> list[_Grown]:
    """The best of all, and the best few with each workload."""
    ranked = sorted(found, key=lambda one: one.bundle.order)
    kept = dict.fromkeys(ranked[:BREADTH])
    seen: Counter[str] = Counter()
    for one in ranked:
        if any(seen[wish.workload] < EACH for wish in one.wishes):
            kept[one] = None
        seen.update(wish.workload for wish in one.wishes)
    return list(kept)
