"""Reads changes between slots out of a solution: what starts and stops, what that loses, and what is kept standing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.changing import Family, Member, families, family_of, gpus_of, same_weights, steps
from fleetopt.optimizer.credit import load_key, lost_shares
from fleetopt.optimizer.ledgers import ServedKey
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.outcomes import Group
from fleetopt.plan.domain import SlotChange
from fleetopt.scenario.demand import TimeKey

NEXT_TO_NOTHING = 1e-9
"""Shares of replicas that come from rounding."""


@dataclass(slots=True)
class Move:
    """What replicas of a family do as a slot begins: so many stop, flip their role, or load their weights."""

    before: TimeKey
    stopped: int
    flipped: int
    loaded: int
    spare: int


Moves = Mapping[tuple[str, ...], Move]
"""By workload, family and the time that begins."""


def moves_of(model: Any, case: PlanningCase) -> Moves:
    """Every move of a solution, in the order of the calendar; none where the scenario states no changes."""
    if case.changes is None:
        return {}
    found, moves = families(case), dict[tuple[str, ...], Move]()
    for before, time in steps(case):
        for one, members in found.items():
            stood, stands = (_stands(model, one, members, at) for at in (before, time))
            moves[*one, *time] = _move(model, (*one, *time), before, stands - stood)
    for those in same_weights(case).values():
        for _, time in steps(case):
            _tidied([moves[*one, *time] for one in those if (*one, *time) in model.FLIPPED])
    return moves


def lost_replicas(moves: Moves, case: PlanningCase, key: ServedKey, option: Option) -> float:
    """How many replicas fewer there are of an option, on average over a slot, because some of them start in it."""
    move = moves.get((*family_of(case, key.workload, option), *key[1:]))
    by_flip, by_load = lost_shares(case, load_key(key.workload, option), key[1:])
    return 0.0 if move is None else by_flip * move.flipped + by_load * move.loaded


def kept_groups(model: Any, case: PlanningCase, moves: Moves) -> Iterator[tuple[ServedKey, Group]]:
    """The replicas that stand where their workload asks for nothing, or shared ones of which nobody takes a part."""
    found = families(case) if case.changes is not None else {}
    for (whole, family, *time), replicas in _kept(model, found):
        sizes = found[whole, family]
        workload, option = next((m for m in sizes if m[1].least <= replicas <= m[1].most), sizes[0])
        key = ServedKey(workload, *time)
        if option.part is not None:
            option = replace(option, capacity_rps=option.capacity_rps * option.part)
        yield key, Group(option, replicas, case.capability[key.outlook], lost_replicas(moves, case, key, option))


def _kept(model: Any, found: Mapping[Family, list[Member]]) -> Iterator[tuple[tuple[str, ...], int]]:
    """What stands and is in nobody's use, by family and time."""
    yield from ((key, count) for key in model.RESTING if (count := _count(model.RESTING, key)))
    for key in model.STANDING if found else ():
        count, (owner, name, *time) = _count(model.STANDING, key), key
        shares = [
            model.REPLICAS[w, name, *time].value for w, _ in found[owner, name] if (w, name, *time) in model.REPLICAS
        ]
        if count and max(shares, default=0.0) <= NEXT_TO_NOTHING:
            yield key, count


def changes_of(case: PlanningCase, moves: Moves) -> tuple[SlotChange, ...]:
    """The records of all moves."""
    found = families(case) if moves else {}
    return tuple(
        _record(key, found[key[0], key[1]][0], case, move)
        for key, move in moves.items()
        if move.stopped or move.flipped or move.loaded
    )


def _move(model: Any, key: tuple[str, ...], before: TimeKey, more: int) -> Move:
    """What stops is at least what is missing; of what is counted as started, only what then stands did start."""
    stopped = max(_count(model.STOPPED, key), -more, 0)
    flipped = min(_count(model.FLIPPED, key), stopped + more)
    return Move(before, stopped, flipped, stopped + more - flipped, stopped - max(0, -more))


def _tidied(moves: Iterable[Move]) -> None:
    """Takes out replicas that change places or stop and load for nobody; what loads beside what stops flips instead."""
    alike = list(moves)
    for move in alike:
        swapped = min(move.spare, move.flipped)
        move.stopped, move.flipped, move.spare = move.stopped - swapped, move.flipped - swapped, move.spare - swapped
    free = sum(move.stopped - move.flipped for move in alike)
    for move in alike:
        idle = min(free, move.spare, move.loaded)
        move.stopped, move.loaded, free = move.stopped - idle, move.loaded - idle, free - idle
    for move in alike:
        more = min(free, move.loaded)
        move.flipped, move.loaded, free = move.flipped + more, move.loaded - more, free - more


def _record(key: tuple[str, ...], member: Member, case: PlanningCase, move: Move) -> SlotChange:
    (part, option), (workload, _, period, slot, outlook) = member, key
    candidate = option.capacity.candidate
    return SlotChange(
        workload=workload,
        model=case.workloads[part].model,
        role=candidate.role,
        config=_named(option),
        node_type=option.pool[0],
        site=option.pool[1],
        period=period,
        slot=slot,
        after=move.before[1],
        outlook=outlook,
        stopped=move.stopped,
        flipped=move.flipped,
        loaded=move.loaded,
        gpus=gpus_of(option),
    )


def _named(option: Option) -> str:
    """What changes as one: replicas of a config, node patterns, or groups of a bundle."""
    if option.part is not None and option.shared is not None:
        return option.shared
    return option.capacity.candidate.config.name if option.pattern is None else option.pattern.name


def _stands(model: Any, one: Family, members: list[Member], time: TimeKey) -> int:
    kept = _count(model.RESTING, (*one, *time))
    if members[0][1].shared is not None:
        return kept + _count(model.STANDING, (*one, *time))
    return kept + sum(_count(model.REPLICAS, (workload, option.name, *time)) for workload, option in members)


def _count(variables: Any, key: tuple[str, ...]) -> int:
    return round(variables[key].value) if key in variables else 0
