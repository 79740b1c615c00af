"""Tables of the cost reports: capex and opex, orders with dates, prices of tokens, outlooks, margins, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleetopt.plan.domain import Placement, Plan, WorkloadOutcome
from fleetopt.report.money import (
    KIND_WORDS,
    KINDS,
    expected_cost,
    is_discounted,
    periods_of,
    present_values,
    spend,
    table,
)
from fleetopt.report.purchase_orders import NodeSale, PurchaseOrder, beyond_sentence
from fleetopt.report.risks import OutlookCost
from fleetopt.report.token_prices import TokenCost
from fleetopt.report.view import BINDS, View, known_to, number, percent, time, usd, view
from fleetopt.report.words import kind_name
from fleetopt.study.lifetimes import LifeCost


def spend_view(plan: Plan) -> View:
    """Dollars by kind, line and period, expected over outlooks; the total is nominal."""
    periods, entries = periods_of(plan), spend(plan)
    rows: list[list[str]] = []
    for kind in KINDS:
        own = [entry for entry in entries if entry.kind == kind]
        by_line = table(own, lambda entry: entry.title, lambda entry: entry.period, periods)
        rows += [[KIND_WORDS[kind], title, *_money(values)] for title, values in by_line.items()]
    sums = table(entries, lambda _: "total", lambda entry: entry.period, periods)
    rows.append(["total", "", *_money(sums.get("total", [0.0] * len(periods)))])
    if is_discounted(plan):
        rows.append(["present value", "", *_money(present_values(plan, periods))])
    note = "Cash is capex and opex together. Dollars are those of their day, expected over outlooks."
    return view("Spend by line, USD", ["kind", "line", *periods, "in all"], rows, text=2, note=note)


def kind_view(plan: Plan) -> View:
    """Capex and opex by period, and the cash they make."""
    periods, entries = periods_of(plan), spend(plan)
    by_kind = table(entries, lambda entry: entry.kind, lambda entry: entry.period, periods)
    nothing = [0.0] * len(periods)
    rows = [[KIND_WORDS[kind], *_money(by_kind.get(kind, nothing))] for kind in KINDS]
    cash = [a + b for a, b in zip(by_kind.get("capex", nothing), by_kind.get("opex", nothing), strict=True)]
    return view("Capex and opex, USD", ["", *periods, "in all"], [*rows[:2], ["cash", *_money(cash)], rows[2]])


def purchase_order_view(orders: Sequence[PurchaseOrder], sales: Sequence[NodeSale] = ()) -> View:
    """What to order when, with unit prices, totals and what it is for, narrow enough for a page; and what to sell, with
    amounts below zero.
    """
    rows = sorted([*map(_order_row, orders), *map(_sale_row, sales)], key=lambda row: row[0])
    if rows:
        fetched = sum(s.sale.usd for s in sales)
        gpus = sum(o.order.gpus for o in orders) - sum(s.sale.gpus for s in sales)
        nodes = sum(o.order.nodes for o in orders) - sum(s.sale.nodes for s in sales)
        upfront = sum(o.upfront_usd for o in orders) - fetched
        total = sum(o.total_usd for o in orders) - fetched
        rows.append(["total", "", "", f"{nodes:,}", f"{gpus:,}", "", "", usd(upfront), usd(total), ""])
    titles = ["order by", "in service", "what", "nodes", "GPUs", "USD/node", "USD/node/h"]
    beyond = f"{beyond_sentence([one.beyond for one in orders])} ".lstrip()
    note = (
        "Order by is the latest date. In all: with the order and by the hour until the end of the horizon. "
        f"{beyond}Carries: workloads on these nodes' pool while they are in service, the largest first."
    )
    columns = [*titles, "USD with the order", "USD in all", "carries"]
    return view("Purchase orders", columns, rows, text=3, words=("carries",), note=note)


def life_view(lives: Sequence[LifeCost]) -> View:
    """What a GPU-hour costs under each offer, paid ahead or by the hour, used or not."""
    rows = [
        [
            *(one.supply, kind_name(one.kind), one.gpu_type, "" if one.term_months is None else str(one.term_months)),
            *(price(part) for part in (one.upfront, one.rent, one.upkeep, one.electricity, one.usd_per_gpu_h)),
            "" if one.use is None else percent(one.use) if one.use < 1.0 else "never",
        ]
        for one in lives
    ]
    titles = ["supply", "kind", "GPU type", "months", "paid ahead", "by the hour", "upkeep", "electricity"]
    note = (
        "For each hour of each GPU over the term, used or not. What is paid ahead is an annuity at the discount rate; "
        "by the hour is rent, or what running a purchased node costs. "
        "Pays from: the part of the hours from which on it is cheaper than the GPU type's cheapest on-demand offer."
    )
    return view("Cost of a GPU-hour by offer, USD", [*titles, "in all", "pays from"], rows, text=3, note=note)


def _sale_row(one: NodeSale) -> list[str]:
    sale = one.sale
    return [
        one.gone_by.isoformat(),
        "",
        f"sell {sale.supply} ({sale.node_type}), {sale.site}",
        f"-{sale.nodes:,}",
        f"-{sale.gpus:,}",
        usd(sale.usd_per_node),
        "",
        usd(-sale.usd),
        usd(-sale.usd),
        "",
    ]


def _order_row(one: PurchaseOrder) -> list[str]:
    order = one.order
    late = f", latest {one.latest.isoformat()}" if one.latest > one.in_service else ""
    bound = f", bound until {one.bound_until.isoformat()}" if one.bound_until is not None else ""
    span = f"{one.in_service.isoformat()} to {one.until.isoformat()}{late}{bound}"
    what = f"{order.offer} ({order.node_type}): {kind_name(order.kind)}, {order.provider}, {order.site}"
    money = [usd(one.unit_usd), usd(order.usd_per_node_h), usd(one.upfront_usd), usd(one.total_usd)]
    size = [f"{order.nodes:,}", f"{order.gpus:,}"]
    return [one.order_by.isoformat(), span, what, *size, *money, carried(one.carries)]


def carried(names: Sequence[str], most: int = 6) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def token_view(title: str, first: str, costs: Iterable[tuple[str, TokenCost]]) -> View:
    """Dollars per million tokens, the most expensive in all first."""
    ranked = sorted(costs, key=lambda pair: -pair[1].usd)
    rows = [
        [
            *(name, usd(c.usd), number(c.million_tokens)),
            *(price(c.input_price), price(c.output_price), price(c.mean_price)),
        ]
        for name, c in ranked
    ]
    everything = sum((c for _, c in ranked), TokenCost())
    rows.append(["total", usd(everything.usd), number(everything.million_tokens), "", "", price(everything.mean_price)])
    titles = [first, "USD", "million tokens", "USD per million input", "per million output", "per million, mean"]
    left_out = usd(everything.owners_usd)
    note = f"The mean of all leaves out {left_out} USD that owned nodes are sold for or worth in the end."
    return view(title, titles, rows, note=note if everything.owners_usd else "")


def price(value: float | None) -> str:
    """Dollars of a million tokens, to four decimals."""
    return "-" if value is None else f"{value:,.4f}"


def outlook_view(costs: Sequence[OutlookCost], plan: Plan) -> View:
    """What each outlook would cost, and how far that is from what is expected."""
    expected = expected_cost(plan)
    rows = [
        [
            *(one.name, percent(one.probability), usd(one.total_usd), usd(one.total_usd - expected)),
            *(f"{one.most_gpus:,}", percent(one.shortfall)),
        ]
        for one in costs
    ]
    if plan.cvar_usd is not None:
        rows.append(["mean of the dearest (CVaR)", "", usd(plan.cvar_usd), usd(plan.cvar_usd - expected), "", ""])
    rows.append(["expected", "", usd(expected), "", "", ""])
    titles = ["outlook", "probability", "USD", "above expected", "most GPUs at once", "demand unserved"]
    return view("Cost by outlook", titles, rows, note="At present value." if is_discounted(plan) else "")


def margin_view(plan: Plan) -> View:
    """The narrowest margin of each promise, over all times; the closest call first."""
    closest: dict[tuple[str, str], tuple[float, list[str]]] = {}
    for w in plan.workloads:
        for what, value, limit, at in _promises(w):
            used = value / limit
            if used > closest.get((w.workload, what), (-1.0, []))[0]:
                when = f"{w.period} {w.slot} {w.outlook}"
                row = [w.workload, what, f"{time(limit)} {at}", time(value), time(limit - value), percent(used), when]
                closest[w.workload, what] = (used, row)
    ranked = sorted(closest.values(), key=lambda pair: -pair[0])
    titles = ["workload", "promise", "limit", "delivered", "margin", "of limit", "when"]
    return view("Closest calls", titles, [row for _, row in ranked], text=2, words=("when",))


def _promises(w: WorkloadOutcome) -> Iterable[tuple[str, float, float, str]]:
    for what, value, limit, at in (
        ("TTFT", w.ttft_s, w.ttft_limit_s, w.ttft_at),
        ("TPOT", w.tpot_s, w.tpot_limit_s, w.tpot_at),
        *((one.what.upper(), one.delivered_s, one.limit_s, one.at) for one in w.further),
    ):
        if value is not None and limit:
            yield what, value, limit, at or ""


def capacity_view(plan: Plan) -> View:
    """What one replica of each config in use carries, how well that is known, and on what evidence."""
    used: dict[tuple[str, str, str], Placement] = {}
    for p in plan.placements:
        used.setdefault((p.workload, p.config, p.role), p)
    sources = {(line.model, line.config, line.role): line.source for line in plan.provenance.evidence}
    rows = [
        [
            *(p.workload, p.role, p.config, BINDS.get(p.binds, p.binds), p.evidence),
            *(sources.get((p.model, p.config, p.role), ""), number(p.capacity_rps), known_to(p.capacity_error)),
        ]
        for p in used.values()
    ]
    titles = ["workload", "role", "config", "bound by", "evidence", "source", "req/s of one replica", "known to"]
    note = "Known to: each measured point left out in turn, what 90 % of them keep. Capacities are after margins."
    return view("Capacities in use", titles, rows, text=6, note=note)


def _money(values: Sequence[float]) -> list[str]:
    return [*(usd(value) for value in values), usd(sum(values))]
