"""Do KV caches get through: do nodes send and take what their links carry, and sites what their fabrics do?

    bytes        = KV bytes a token (model card) x input tokens, the mean over the mix
    transfer     = bytes a token x part that is not hidden / speed of the hop            s per input token, in TTFT
    a replica    load x bytes  <=  fill x between x GPUs set aside / GPUs of a node    sent by prefill, taken by decode
    a site       sum of load x bytes over prefill replicas outside node patterns  <=  total

Replicas are packed once more by the GPUs set aside for them: where they fit so, and each keeps to its share of the
link, there is a packing in which no node sends or takes more than its link carries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.supply_domain import Fabric
from fleetopt.verify.allowed import place
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.packing import first_fit_decreasing, standing
from fleetopt.verify.tally import RELATIVE, Tally
from fleetopt.verify.traffic import Traffic

GBIT = 1e9 / 8.0


def kv_caches_get_through(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> Check:
    """Every replica within its share of its node's link, every site within its fabric, at every time."""
    tally = Tally("kv_caches_get_through", "fraction of the limit", nothing="no fabric is stated")
    fabrics = {fabric.site: fabric for fabric in facts.scenario.supply.fabrics}
    sent: dict[tuple[str, Time], float] = defaultdict(float)
    for row in facts.plan.placements:
        if row.role != "aggregated" and row.site in fabrics:
            time = row.period, row.slot, row.outlook
            bytes_per_s = flows[row.workload, time].load_rps(row) * kv_bytes(facts, row.workload)
            _within_link(facts, fabrics[row.site], row, bytes_per_s, tally)
            if row.role == "prefill" and row.pattern is None:
                sent[row.site, time] += bytes_per_s * row.replicas
    for (site, time), bytes_per_s in sent.items():
        most = fabrics[site].total_gbit_s
        if most is not None:
            _hold(tally, bytes_per_s, most * GBIT, f"{site} in {named(time)}")
    _shares_pack(facts, fabrics, tally)
    return tally.check()


def kv_bytes(facts: Facts, workload: str) -> float:
    """Bytes of the KV cache of a mean request when prefill hands it over."""
    asked = facts.workloads[workload]
    mean = sum(one.share * one.input_tokens for one in asked.mix)
    return facts.scenario.models[asked.model].card.kv_bytes_per_token * mean


def sending(facts: Facts, workload: Workload, row: Placement) -> Workload:
    """The workload with the transfer that a placement's hop makes of each input token."""
    fabric = next((one for one in facts.scenario.supply.fabrics if one.site == row.site), None)
    if fabric is None or row.role != "prefill":
        return workload
    speed = fabric.between_bytes_per_s if row.pattern is None else fabric.inside_bytes_per_s
    seen = facts.scenario.models[workload.model].card.kv_bytes_per_token * workload.kv_seen
    return replace(workload, kv_transfer_s_per_token=seen / speed if speed else 0.0)


def _within_link(facts: Facts, fabric: Fabric, row: Placement, bytes_per_s: float, tally: Tally) -> None:
    if row.pattern is not None:
        inside = fabric.inside_bytes_per_s or 0.0
        _hold(tally, bytes_per_s, fabric.fill * inside, f"{place(row)}, inside its node")
        return
    if fabric.between_bytes_per_s is None:
        if row.replicas:
            tally.fail(f"{place(row)}: no link leads from node to node at {row.site}")
        return
    share = row.node_gpus_per_replica / facts.gpus_per_node(row.node_type)
    _hold(tally, bytes_per_s, fabric.fill * fabric.between_bytes_per_s * share, f"{place(row)}, its share of a link")


def _shares_pack(facts: Facts, fabrics: dict[str, Fabric], tally: Tally) -> None:
    """Shares of links are there only if replicas pack at the sizes that the shares go by."""
    for (node_type, site, time), rows in facts.placements_by_pool.items():
        if site in fabrics:
            aside = Counter[int]()
            for (_, _, _, gpus, set_aside), replicas in standing(rows).items():
                aside[max(set_aside, gpus)] += replicas
            nodes = facts.pools.get((node_type, site, time), 0)
            needed = first_fit_decreasing(aside, facts.gpus_per_node(node_type))
            if needed > nodes:
                where = f"{node_type} at {site} in {named(time)}"
                tally.fail(f"{where}: {needed} nodes at the sizes set aside, of {nodes}: shares of links do not add up")


def _hold(tally: Tally, used: float, limit: float, where: str) -> None:
    slack = 1.0 - used / limit if limit > 0 else float(used <= 0) - 1.0
    tally.hold(slack, RELATIVE, f"{where}: {used / GBIT:.6g} of {limit / GBIT:.6g} Gbit/s")
