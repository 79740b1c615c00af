"""Do slots follow one another as the scenario allows: what starts, how long that takes, and how much of it there is?

    started      flipped + loaded = replicas then - replicas before + stopped,  stopped <= replicas before
    flips        of one config and pool: flipped, all roles together, <= stopped
    seconds      flipped x role flip + loaded x (model load + weights / (GPUs x speed of loading))
    lost         seconds / seconds of the slot, each at most all of it: what `lost_replicas` must say
    roles        for each workload and pool the most GPUs set aside in any slot; all workloads together fit every slot
    static       as many replicas of everything in every slot

Replicas are counted from the placements, those of a workload cut by slot together, a node pattern as one; the plan is
only asked what stopped and what flipped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from fleetopt.catalog.domain import ServingConfig
from fleetopt.plan.domain import Check, Placement, SlotChange
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.supply_domain import Stock
from fleetopt.verify.facts import Facts, Time, named, node_type_of
from fleetopt.verify.patterns import joined
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.weights import weight_bytes


class Kind(NamedTuple):
    """What changes as one: the replicas of a config in a role, or of a node pattern, on a pool."""

    workload: str
    role: str
    config: str
    node_type: str
    site: str


Stands: TypeAlias = dict[tuple[Kind, Time], Placement]
"""What there is of each kind at each time, as one placement."""


def changes_are_possible(facts: Facts) -> Check:
    """Every start is counted, takes its time, and is within the limits; what must stay does."""
    tally = Tally("changes_are_possible", "replicas or GPUs", nothing="no changes are stated")
    changes = facts.scenario.changes
    moves = {_key(row): row for row in facts.plan.changes}
    if changes is None:
        if moves or any(row.lost_replicas for row in facts.plan.placements):
            tally.fail("changes are told, and the scenario states none")
        return tally.check()
    if len(moves) < len(facts.plan.changes):
        tally.fail("a change stands twice")
    stands = _stands(facts)
    kinds = sorted({kind for kind, _ in (*stands, *moves)})
    for before, time in _steps(facts):
        for kind in kinds:
            _one(tally, changes, stands, moves.get((kind, time)), (kind, before, time))
        _flips(tally, [row for (_, at), row in moves.items() if at == time], time)
    steps = {time: before for before, time in _steps(facts)}
    for (kind, time), row in moves.items():
        if steps.get(time, ("", "", ""))[1] != row.after:
            tally.fail(f"{kind.workload} in {named(time)}: {row.after} is not the slot before")
    _losses(facts, changes, tally, stands, moves)
    if changes.counts:
        _limits(changes, tally, moves, stands)
    if changes.mode == "roles":
        _held(facts, tally)
    return tally.check()


def _stands(facts: Facts) -> Stands:
    found: Stands = {}
    for row in joined(facts.plan.placements):
        role = "prefill" if row.pattern is not None else row.role
        name = row.config if row.bundle is None else row.shared or ""
        key = Kind(_whole(facts, row), role, name, row.node_type, row.site), (row.period, row.slot, row.outlook)
        if key in found:
            more = {n: getattr(found[key], n) + getattr(row, n) for n in ("replicas", "lost_replicas")}
            found[key] = found[key].model_copy(update=more)
        else:
            found[key] = row
    # Shares of whole replicas add up to whole ones but for the last digits.
    return {key: row.model_copy(update={"replicas": round(row.replicas, 6)}) for key, row in found.items()}


def _whole(facts: Facts, row: Placement) -> str:
    """Whose replicas these are over the day: those of a bundle, or of a workload planned as parts or buckets."""
    if row.shared is not None:
        return row.shared
    return facts.workloads[row.workload].part_of or row.workload


def _key(row: SlotChange) -> tuple[Kind, Time]:
    kind = Kind(row.workload, row.role, row.config, row.node_type, row.site)
    return kind, (row.period, row.slot, row.outlook)


def _steps(facts: Facts) -> Iterator[tuple[Time, Time]]:
    calendar = facts.scenario.calendar
    slots = [slot.name for slot in calendar.slots]
    for period in calendar.periods:
        for outlook in calendar.outlooks:
            for index, slot in enumerate(slots if len(slots) > 1 else ()):
                yield (period.name, slots[index - 1], outlook.name), (period.name, slot, outlook.name)


def _one(tally: Tally, changes: Changes, stands: Stands, row: SlotChange | None, at: tuple[Kind, Time, Time]) -> None:
    kind, before, time = at
    stood, stand = (stands[kind, t].replicas if (kind, t) in stands else 0.0 for t in (before, time))
    where = f"{kind.workload}, {kind.config} {kind.role} on {kind.node_type}@{kind.site} in {named(time)}"
    stopped, started = (0, 0) if row is None else (row.stopped, row.flipped + row.loaded)
    if changes.mode == "static":
        tally.hold(-abs(stand - stood), 0.0, f"{where}: {stood:g} replicas before, {stand:g} then")
    tally.same(started - stopped, stand - stood, allowance(0.0), f"{where}: what starts less what stops")
    tally.hold(stood - stopped, 0.0, f"{where}: {stopped} replicas stop, of {stood:g}")


def _flips(tally: Tally, rows: list[SlotChange], time: Time) -> None:
    flipped, stopped = Counter[tuple[str, str, str, str]](), Counter[tuple[str, str, str, str]]()
    for row in rows:
        key = row.workload, row.config, row.node_type, row.site
        flipped[key] += row.flipped
        stopped[key] += row.stopped
    for key, count in flipped.items():
        tally.hold(stopped[key] - count, 0.0, f"{key} in {named(time)}: {count} flip, of {stopped[key]} that stop")


def _losses(
    facts: Facts, changes: Changes, tally: Tally, stands: Stands, moves: dict[tuple[Kind, Time], SlotChange]
) -> None:
    loaded = _loaded(facts)
    hours = {slot.name: slot.hours_per_day for slot in facts.scenario.calendar.slots}
    for key, stand in stands.items():
        move, seconds = moves.get(key), 3600.0 * hours[key[1][1]]
        lost = 0.0
        if move is not None and changes.counts:
            each = [_load_s(facts, changes, *one) for one in sorted(loaded[key[0]], key=str)]
            load_s = sum(each) - (len(each) - 1) * changes.model_load_s if stand.bundle else max(each, default=0.0)
            lost = move.flipped * min(1.0, changes.role_flip_s / seconds)
            lost += move.loaded * min(1.0, load_s / seconds)
        where = f"{key[0].workload}, {key[0].config} {key[0].role} in {named(key[1])}"
        if stand.bundle is None:
            tally.same(stand.lost_replicas, lost, allowance(lost), f"{where}: replicas lost to starting")
        else:
            # Members that the plan never uses are loaded all the same.
            tally.hold(stand.lost_replicas - lost, allowance(lost), f"{where}: groups lost to starting, of {lost:g}")


def _loaded(facts: Facts) -> dict[Kind, set[tuple[str, ServingConfig]]]:
    """What a start of each kind loads: models with their configs, of a bundle and of a node pattern several."""
    configs = {(m, c.config.name): c.config for m, llm in facts.scenario.models.items() for c in llm.candidates}
    found = defaultdict[Kind, set[tuple[str, ServingConfig]]](set)
    for row in facts.plan.placements:
        role, name = (row.role, row.config) if row.pattern is None else ("prefill", row.pattern)
        name = name if row.bundle is None else row.shared or ""
        kind = Kind(_whole(facts, row), role, name, row.node_type, row.site)
        if (row.model, row.config) in configs:
            found[kind].add((row.model, configs[row.model, row.config]))
    return found


def _load_s(facts: Facts, changes: Changes, model: str, config: ServingConfig) -> float:
    if changes.load_bytes_per_s is None:
        return changes.model_load_s
    weights = weight_bytes(config, facts.scenario.models[model].card)
    return changes.model_load_s + weights / config.gpus_per_replica / changes.load_bytes_per_s


def _limits(changes: Changes, tally: Tally, moves: dict[tuple[Kind, Time], SlotChange], stands: Stands) -> None:
    sizes = {kind: row.pattern_gpus or row.gpus_per_replica for (kind, _), row in stands.items()}
    slots, days = Counter[Time](), Counter[tuple[str, str]]()
    for (kind, time), row in moves.items():
        if kind in sizes and sizes[kind] != row.gpus:
            tally.fail(f"{kind.workload} in {named(time)}: {row.gpus} GPUs a replica, of {sizes[kind]}")
        slots[time] += (row.flipped + row.loaded) * row.gpus
        days[time[0], time[2]] += (row.flipped + row.loaded) * row.gpus
    for time, gpus in slots.items() if changes.per_change_gpus is not None else ():
        most = changes.per_change_gpus or 0
        tally.hold(most - gpus, 0.0, f"{named(time)}: {gpus} GPUs start something, of {most}")
    for day, gpus in days.items() if changes.per_day_gpus is not None else ():
        most = changes.per_day_gpus or 0
        tally.hold(most - gpus, 0.0, f"{'/'.join(day)}: {gpus} GPUs start something in a day, of {most}")


def _held(facts: Facts, tally: Tally) -> None:
    """What workloads keep fits the nodes that can be counted on, at every time."""
    used: dict[tuple[str, str, str, Time], float] = defaultdict(float)
    for row in facts.plan.placements:
        aside = row.node_gpus_per_replica * row.replicas
        used[_whole(facts, row), row.node_type, row.site, (row.period, row.slot, row.outlook)] += aside
    most: dict[tuple[str, str, str, str, str], float] = {}
    for (workload, node_type, site, time), gpus in used.items():
        key = (workload, node_type, site, time[0], time[2])
        most[key] = max(gpus, most.get(key, 0.0))
    counted: dict[tuple[str, str, Time], float] = defaultdict(float)
    for (key_, time), nodes in facts.nodes.items():
        source = facts.sources[key_]
        share = source.availability if isinstance(source, Stock) else source.terms.availability
        counted[node_type_of(source), key_[1], time] += share * nodes * facts.gpus_per_node(node_type_of(source))
    for time in facts.times:
        kept: dict[tuple[str, str], float] = defaultdict(float)
        for (_, node_type, site, period, outlook), gpus in most.items():
            if (period, outlook) == (time[0], time[2]):
                kept[node_type, site] += gpus
        for (node_type, site), gpus in kept.items():
            there = counted[node_type, site, time]
            detail = f"{node_type} at {site} in {named(time)}: workloads keep {gpus:g} of {there:g} GPUs"
            tally.hold(there - gpus, allowance(gpus), detail)
