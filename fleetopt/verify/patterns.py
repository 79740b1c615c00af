"""Node patterns, put together again from their two placements: what stands in one node and serves whole requests.

    requests/s of a pattern  =  min(prefill replicas in it x capacity, decode replicas in it x capacity)

Two placements belong together if they are of one workload, time, node type and site and name the same pattern.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from fleetopt.plan.domain import Placement
from fleetopt.verify.facts import Facts
from fleetopt.verify.tally import Tally


def joined(rows: Iterable[Placement]) -> list[Placement]:
    """The placements with each node pattern as one, as if of aggregated serving, in whole patterns."""
    found, pairs = [], defaultdict[Hashable, list[Placement]](list)
    for row in rows:
        # What was joined before stays as it is.
        if row.pattern is None or row.role == "aggregated":
            found.append(row)
        else:
            pairs[_key(row)].append(row)
    return found + [_one(pair) for pair in pairs.values()]


def _key(row: Placement) -> Hashable:
    return row.workload, row.pattern, row.node_type, row.site, row.period, row.slot, row.outlook


def _one(pair: list[Placement]) -> Placement:
    """A pattern as a replica: the lesser of its roles, where both are there."""
    row, there = pair[0], {one.role for one in pair} == {"prefill", "decode"}
    gpus = sum(_each(one) * one.gpus_per_replica for one in pair)
    return row.model_copy(
        update={
            "role": "aggregated",
            "config": row.pattern,
            "replicas": max(count_of(one) for one in pair),
            "lost_replicas": max(one.lost_replicas / max(1, _each(one)) for one in pair),
            "gpus_per_replica": gpus,
            "node_gpus_per_replica": row.pattern_gpus or gpus,
            "capacity_rps": min(_each(one) * one.capacity_rps for one in pair) if there else 0.0,
        }
    )


def _each(row: Placement) -> int:
    return row.pattern_replicas or 0


def count_of(row: Placement) -> int:
    """How many patterns a placement's replicas are of; one too many where they do not come out even."""
    return -(-round(row.replicas) // row.pattern_replicas) if row.pattern_replicas else 0


def patterns_are_whole(facts: Facts, tally: Tally) -> None:
    """Each pattern has both roles, as many of each as it says, of one KV format, and fits one node."""
    pairs: dict[Hashable, list[Placement]] = defaultdict(list)
    for row in facts.plan.placements:
        if row.pattern is not None:
            pairs[_key(row)].append(row)
        elif row.pattern_replicas is not None or row.pattern_gpus is not None:
            tally.fail(f"{row.workload} {row.config}: it says how it stands in a pattern, and names none")
    for pair in pairs.values():
        where = f"{pair[0].workload} in pattern '{pair[0].pattern}' at {pair[0].site}"
        for fault in _faults(facts, pair):
            tally.fail(f"{where}: {fault}")


def _faults(facts: Facts, pair: list[Placement]) -> Iterator[str]:
    if sorted(row.role for row in pair) != ["decode", "prefill"]:
        yield f"it has {', '.join(row.role for row in pair)}, and needs one placement of prefill and one of decode"
        return
    if any(_each(row) < 1 or row.replicas != _each(row) * count_of(row) for row in pair):
        yield "its replicas do not come out as whole patterns"
    if len({count_of(row) for row in pair}) > 1:
        yield "there are more of one role than of the other"
    yield from _size_faults(facts, pair)
    formats = {_kv_format(facts, row) for row in pair}
    if len(formats) > 1:
        yield f"its KV caches are of different formats: {', '.join(sorted(formats))}"
    fabric = next((one for one in facts.scenario.supply.fabrics if one.site == pair[0].site), None)
    if fabric is None or fabric.inside_bytes_per_s is None:
        yield "the site's fabric has no speed inside a node"


def _size_faults(facts: Facts, pair: list[Placement]) -> Iterator[str]:
    node = facts.gpus_per_node(pair[0].node_type)
    gpus, aside = sum(_each(row) * row.gpus_per_replica for row in pair), {row.pattern_gpus for row in pair}
    if aside != {pair[0].pattern_gpus} or not gpus <= (pair[0].pattern_gpus or 0) <= node:
        yield f"{gpus} GPUs do not fit into {pair[0].pattern_gpus} set aside of a node's {node}"
        return
    for row in pair:
        share = (row.pattern_gpus or 0) * row.gpus_per_replica / gpus if gpus else 0.0
        if abs(row.node_gpus_per_replica - share) > 1e-9 * node:
            yield f"a replica of {row.config} sets aside {share:.6g} GPUs, not {row.node_gpus_per_replica:.6g}"


def _kv_format(facts: Facts, row: Placement) -> str:
    candidate = facts.candidates.get((row.model, row.config, row.role))
    return "" if candidate is None else f"{candidate.config.engine.split()[0]} {candidate.config.precision}"
