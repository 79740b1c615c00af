"""The views of a plan: what a planner, an engineer and a controller look at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fleetopt.plan.domain import Binding, Order, Placement, Plan, RoleOutcome, Verdict, WorkloadOutcome
from fleetopt.report.money import (
    Spend,
    expected_cost,
    is_discounted,
    periods_of,
    present_values,
    spend,
    totals,
)
from fleetopt.report.purchase_orders import beyond_sentence, owed_beyond
from fleetopt.report.shown_times import ALL_TIMES, MOST_COLUMNS, Columns, columns_of, peaks_of, time_of
from fleetopt.report.view import BINDS, View, count, known_to, number, percent, time, usd, view
from fleetopt.report.work_views import undone_sentences
from fleetopt.scenario.domain import Scenario

ALL_BINDING = "Of a limit that is used up at many times the first is shown; plan.json has all."


def headline(plan: Plan) -> str:
    """The plan in one sentence."""
    periods = list(dict.fromkeys(w.period for w in plan.workloads))
    span = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
    expected = "expected " if len({w.outlook for w in plan.workloads}) > 1 else ""
    return f"{plan.scenario}: {usd(expected_cost(plan))} USD {expected}for {span}, {quality(plan)}"


def quality(plan: Plan) -> str:
    """The gap in words."""
    best = "the best possible" if plan.objective is None else "the cheapest that reaches its goals"
    if plan.gap is None:
        return "with no proof of how good it is: the solver had no bound yet"
    if plan.gap <= 1e-9:
        return f"proven to be {best}"
    proven = f"within {percent(plan.gap)} of {best}"
    return proven if plan.status == "OPTIMAL" else f"{proven}; the solver stopped before it reached the gap asked for"


def fleet_view(plan: Plan) -> View:
    """Nodes in service by supply line, with what they cost an hour."""
    columns, first = columns_of(plan), {f.supply: f for f in reversed(plan.fleet)}
    nodes = {f.supply: [0] * len(columns.titles) for f in plan.fleet}
    gpus = dict.fromkeys(columns.of, 0)
    for f in plan.fleet:
        time = f.period, f.slot, f.outlook
        nodes[f.supply][columns.of[time]] = max(f.nodes, nodes[f.supply][columns.of[time]])
        gpus[time] += f.gpus
    rows = [
        [name, f.gpu_type, f.node_type, f.site, f.kind, usd(f.usd_per_node_h), *_cells(nodes[name])]
        for name, f in ((name, first[name]) for name in nodes)
    ]
    if rows:
        total = [max(gpus[t] for t, place in columns.of.items() if place == n) for n in range(len(columns.titles))]
        rows.append(["GPUs in all", "", "", "", "", "", *(f"{most:,}" for most in total)])
    titles = ["supply", "GPU type", "node type", "site", "kind", "USD/node/h", *columns.titles]
    note = f"The most at any time of a period, GPUs in all at one time; {ALL_TIMES}." if columns.summed_up else ""
    return view("Fleet: nodes in service", titles, rows, text=5, note=note)


def _cells(nodes: list[int]) -> list[str]:
    return [f"{n:,}" if n else "-" for n in nodes]


def order_view(plan: Plan, scenario: Scenario | None = None) -> View:
    """What to order when; with the scenario, also what is owed after the horizon."""
    rows = [
        [
            *(o.supply, o.kind, o.provider, o.node_type, o.site, o.order_by, _in_service(o), o.last_period),
            *(f"{o.nodes:,}", usd(o.upfront_usd), usd(o.usd_per_node_h)),
        ]
        for o in plan.orders
    ]
    rows += [
        [*(s.supply, "sell", "", s.node_type, s.site, s.period, "", ""), f"-{s.nodes:,}", usd(-s.usd), ""]
        for s in plan.sales
    ]
    titles = ["supply", "kind", "provider", "node type", "site", "order in", "in service", "until"]
    note = "" if scenario is None else beyond_sentence(owed_beyond(plan, scenario))
    return view("Orders", [*titles, "nodes", "upfront USD", "USD/node/h"], rows, text=8, note=note)


def _in_service(order: Order) -> str:
    """When the nodes enter service, and by how many periods that may slip."""
    return order.in_service + (f" (up to +{order.periods_late})" if order.periods_late else "")


def placement_view(plan: Plan) -> View:
    """Replicas by workload, role and serving config: "4 x 8 H200" is four replicas of eight GPUs."""
    columns = columns_of(plan)
    rank = {name: place for place, name in enumerate(dict.fromkeys(w.workload for w in plan.workloads))}
    placed: dict[tuple[str, ...], list[Placement | None]] = {}
    for p in plan.placements:
        key = (p.workload, p.role, p.config, p.node_type, p.site, p.shared or "", p.pattern or "")
        cells = placed.setdefault(key, [None] * len(columns.titles))
        place = columns.of[p.period, p.slot, p.outlook]
        most = cells[place]
        if most is None or p.replicas > most.replicas:
            cells[place] = p
    rows = [
        [*key[:2], key[2] + (", paired" if key[6] else ""), key[4], *_capacity_words(cells)]
        + [_replicas(cell) for cell in cells]
        for key, cells in sorted(placed.items(), key=lambda item: _workload_order(rank, item[0]))
    ]
    titles = ["workload", "role", "config", "site", "bound by", "capacity known to", *columns.titles]
    said = (
        "n x g GPU type: n replicas of g GPUs each; then how busy they are. Capacity known to: as the profile's points "
    )
    most_said = f"The most at any time of a period; {ALL_TIMES}." if columns.summed_up else ""
    return view("Replicas", titles, rows, text=6, note=f"{said}foretell one another. {most_said}".strip())


def _capacity_words(cells: Iterable[Placement | None]) -> tuple[str, str]:
    """What limits one replica and how well that is known; the capacity is the same at all times."""
    one = next(cell for cell in cells if cell is not None)
    bound = f"{one.bundle} in {one.shared}" if one.bundle is not None else BINDS.get(one.binds, one.binds)
    return bound, known_to(one.capacity_error)


def _replicas(placement: Placement | None) -> str:
    if placement is None:
        return "-"
    size = f"{count(placement.replicas)} x {placement.gpus_per_replica} {placement.gpu_type}"
    return f"{size} {100 * placement.utilization:.0f} %"


_ROLES = ("prefill", "decode", "aggregated")


def _workload_order(rank: Mapping[str, int], key: tuple[str, ...]) -> tuple[int | str, ...]:
    return rank[key[0]], _ROLES.index(key[1]), *key[2:]


def workload_view(plan: Plan) -> View:
    """What each workload asked for and what the whole replicas achieve."""
    columns, peaks = columns_of(plan), peaks_of(plan)
    longest = {what: _longest(plan, columns, what) for what in ("ttft", "tpot")}
    rows = []
    for w in plan.workloads:
        if (when := peaks.words.get((w.workload, time_of(w)))) is not None:
            key = w.workload, columns.of[time_of(w)]
            promises = [_promises(longest[what][key], what) for what in ("ttft", "tpot")]
            rows.append([w.workload, when, number(w.asked_rps), number(w.achieved_rps), _short(w), _per_gpu(w)])
            rows[-1] += promises
    titles = ["workload", "when", "asked req/s", "achieved", "to spare", "per GPU", "TTFT (limit)", "TPOT (limit)"]
    said = "Achieved: what the whole replicas carry inside the SLO; per GPU: its goodput. "
    worst = " TTFT and TPOT: the longest at any time of the period." if columns.summed_up else ""
    note = f"{said}{peaks.note}{worst}".strip()
    return view("Workloads: asked and achieved", titles, rows, text=2, note=note)


def _longest(plan: Plan, columns: Columns, what: str) -> dict[tuple[str, int], WorkloadOutcome]:
    """By workload and column, the outcome with the longest latency."""
    found: dict[tuple[str, int], WorkloadOutcome] = {}
    for w in plan.workloads:
        key = w.workload, columns.of[time_of(w)]
        if key not in found or _latency_s(w, what) > _latency_s(found[key], what):
            found[key] = w
    return found


def _latency_s(w: WorkloadOutcome, what: str) -> float:
    value = w.ttft_s if what == "ttft" else w.tpot_s
    return -1.0 if value is None else value


def _promises(w: WorkloadOutcome, what: str) -> str:
    """What is delivered of TTFT or TPOT, and promised."""
    ttft = what == "ttft"
    one = _promise(*((w.ttft_s, w.ttft_limit_s, w.ttft_at) if ttft else (w.tpot_s, w.tpot_limit_s, w.tpot_at)))
    return ", ".join([one, *_further(w, what)])


def _per_gpu(w: WorkloadOutcome) -> str:
    return "-" if w.goodput_rps_per_gpu is None else number(w.goodput_rps_per_gpu)


_ROUNDING = 1e-9
"""Relative differences below this come from adding up shares."""


def _short(w: WorkloadOutcome) -> str:
    if w.asked_rps == 0:
        return "-"
    if w.achieved_rps < w.asked_rps * (1.0 - _ROUNDING):
        return f"short {percent(1 - w.achieved_rps / w.asked_rps)}"
    return percent(w.headroom if w.headroom > _ROUNDING else 0.0)


def _promise(value: float | None, limit: float | None, at: str | None) -> str:
    if limit is None:
        return f"{time(value)} (none)" if value is not None else "-"
    return f"{time(value)} ({time(limit)} {at})"


def _further(w: WorkloadOutcome, what: str) -> list[str]:
    return [_promise(one.delivered_s, one.limit_s, one.at) for one in w.further if one.what == what]


def role_view(plan: Plan) -> View:
    """Fractional need against whole replicas, by workload and role."""
    peaks = peaks_of(plan)
    rows = [
        [w.workload, role.role, when, *_role_cells(role)]
        for w in plan.workloads
        if (when := peaks.words.get((w.workload, time_of(w)))) is not None
        for role in w.roles
    ]
    titles = ["workload", "role", "when", "replicas", "needed", "GPUs", "carried req/s", "of req/s"]
    return view("Roles: needed and deployed", [*titles, "tok/s", "busy"], rows, text=3, note=peaks.note)


def _role_cells(role: RoleOutcome) -> list[str]:
    return [
        count(role.replicas),
        f"{role.needed_replicas:.2f}",
        count(role.gpus),
        number(role.carried_rps),
        number(role.capacity_rps),
        number(role.tokens_per_s),
        percent(role.utilization),
    ]


def cost_view(plan: Plan) -> View:
    """Nominal dollars by line and period, expected over outlooks, and their present value where they are discounted."""
    periods, entries = periods_of(plan), spend(plan)
    lines: dict[tuple[str, str], list[Spend]] = {}
    for entry in entries:
        lines.setdefault((entry.line, entry.item), []).append(entry)
    rows = [[*name, *_money(_by_period(own), periods)] for name, own in lines.items()]
    rows.append(["total", "", *_money(_by_period(entries), periods)])
    if is_discounted(plan):
        rows.append(
            ["present value", "", *_money(dict(zip(periods, present_values(plan, periods), strict=True)), periods)]
        )
    titles = ["line", "for", *periods, *(["all periods"] if len(periods) > 1 else [])]
    return view("Cost by line, USD", titles, rows, text=2, note=_paid_sentence(entries))


def _paid_sentence(entries: Sequence[Spend]) -> str:
    """What is paid, where the total counts more than that."""
    by_kind = totals(entries, lambda entry: entry.kind)
    counted = list(dict.fromkeys(entry.line for entry in entries if entry.kind == "unpaid"))
    paid = by_kind.get("capex", 0.0) + by_kind.get("opex", 0.0)
    return f"Cash, capex and opex: {usd(paid)}. Counted, not paid: {', '.join(counted)}." if counted else ""


def _by_period(entries: Iterable[Spend]) -> dict[str, float]:
    return totals(entries, lambda entry: entry.period)


def _money(by_period: dict[str, float], periods: list[str]) -> list[str]:
    cells = [usd(by_period.get(p, 0.0)) for p in periods]
    return [*cells, usd(sum(by_period.values()))] if len(periods) > 1 else cells


def workload_cost_view(plan: Plan) -> View:
    """Each workload's share of the cost, and what a million of its tokens costs."""
    rows = []
    for name in dict.fromkeys(c.workload for c in plan.workload_costs):
        own = [c for c in plan.workload_costs if c.workload == name]
        total, million = sum(c.usd for c in own), sum(c.million_tokens for c in own)
        per_million = f"{total / million:,.4f}" if million else "-"
        hours = sum(c.gpu_hours for c in own)
        rows.append([name, own[0].model, usd(total), f"{hours:,.0f}", f"{million:,.0f}", per_million])
    titles = ["workload", "model", "USD", "GPU-hours", "million tokens", "USD per million tokens"]
    note = "Fleet cost shared by GPUs in use; tokens are input and output together."
    return view("Cost by workload", titles, rows, text=2, note=note)


def binding_view(plan: Plan) -> View:
    """Limits that are used up, with the rows of a limit at many times put together."""
    limits: dict[tuple[str, str], list[Binding]] = {}
    for one in plan.binding:
        limits.setdefault((one.limit.partition(" (")[0], f"{number(one.available)} {one.unit}"), []).append(one)
    rows = []
    for (name, available), found in limits.items():
        if len(found) <= MOST_COLUMNS:
            rows += [[one.limit, f"{number(one.used)} of {available}"] for one in found]
        else:
            used = list(dict.fromkeys(number(f(one.used for one in found)) for f in (min, max)))
            where = f"{name} ({len(found):,} times, first {found[0].limit.partition(' (')[2]}"
            rows.append([where, f"{' to '.join(used)} of {available}"])
    return view(
        "Limits used up", ["limit", "used"], rows, text=2, note=ALL_BINDING if len(rows) < len(plan.binding) else ""
    )


def check_view(verdict: Verdict) -> View:
    """The second computation, check by check."""
    rows = [[check_title(c.name), "holds" if c.passed else "BROKEN", c.detail] for c in verdict.checks]
    title = "Verified" if verdict.passed else "Does not hold"
    return view(title, ["promise", "verdict", "closest call"], rows, text=3)


def check_title(name: str) -> str:
    """A check's name as words.

    >>> check_title("gpus_pack_into_nodes"), check_title("demand_is_met")
    ('GPUs pack into nodes', 'demand is met')
    """
    return " ".join(_SPELLED.get(word, word) for word in name.split("_"))


_SPELLED = {"slo": "SLO", "gpus": "GPUs", "kv": "KV", "types": "GPU types"}


def shortfall_sentences(plan: Plan) -> list[str]:
    """What the plan falls short by, in words, worst first."""
    batch = {row.workload for row in plan.work}
    arriving = [w for w in plan.workloads if w.workload not in batch]
    short = [w for w in arriving if w.shortfall_rps > 1e-9 * max(1.0, w.planned_rps)]
    sentences = list(undone_sentences(plan))
    for w in short:
        limiting = min(w.roles, key=lambda r: r.capacity_rps).role if w.roles else "nothing"
        sentence = f"{w.workload} in {w.period}, {w.slot}, {w.outlook}: {_shortfall(w)}; limited by {limiting}"
        sentences.append((w.shortfall_rps / w.planned_rps, sentence))
    return [sentence for _, sentence in sorted(sentences, key=lambda one: one[0], reverse=True)]


def _shortfall(w: WorkloadOutcome) -> str:
    """What is missing: of the demand, as the table of workloads says it, or of the headroom above it."""
    spared = w.planned_rps - w.asked_rps
    if spared > 0.0 and w.achieved_rps >= w.asked_rps * (1.0 - _ROUNDING):
        kept = max(0.0, w.achieved_rps - w.asked_rps)
        return (
            f"achieves all of {number(w.asked_rps)} requests/s, and {number(kept)} of {number(spared)} requests/s "
            f"of its headroom, short by {percent(1.0 - kept / spared)} of that"
        )
    more = f" and has none of its headroom of {number(spared)} requests/s" if spared > _ROUNDING * w.asked_rps else ""
    return (
        f"achieves {number(w.achieved_rps)} of {number(w.asked_rps)} requests/s, "
        f"short by {percent(1.0 - w.achieved_rps / w.asked_rps)}{more}"
    )
