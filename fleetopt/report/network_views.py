"""What shares a node, and what goes from node to node: for plans whose scenario states fabrics."""

from __future__ import annotations

from fleetopt.plan.domain import Plan
from fleetopt.report.shown_times import peaks_of, time_of
from fleetopt.report.view import View, number, view


def pattern_view(plan: Plan) -> View:
    """Node patterns in use: how many of each, and the GPUs of a node that one sets aside."""
    peaks, rows = peaks_of(plan), []
    for p in plan.placements:
        when = peaks.words.get((p.workload, (p.period, p.slot, p.outlook)))
        if p.pattern is not None and p.role == "prefill" and p.pattern_replicas and when is not None:
            count = round(p.replicas) // p.pattern_replicas
            rows.append([p.workload, p.pattern, p.node_type, p.site, when, str(count), str(p.pattern_gpus)])
    titles = ["workload", "prefill + decode replicas in one node", "node type", "site", "when", "patterns", "GPUs each"]
    return view("Node patterns: prefill and decode side by side", titles, rows, text=5, note=peaks.note)


def traffic_view(plan: Plan) -> View:
    """KV caches on the network between nodes."""
    peaks = peaks_of(plan)
    rows = [
        [w.workload, when, number(w.kv_gbit_s)]
        for w in plan.workloads
        if w.kv_gbit_s is not None and (when := peaks.words.get((w.workload, time_of(w)))) is not None
    ]
    said = "What prefill sends to decode on other nodes; inside node patterns nothing leaves the node. "
    note = (said + peaks.note).strip()
    return view("KV caches between nodes", ["workload", "when", "Gbit/s"], rows, text=2, note=note)
