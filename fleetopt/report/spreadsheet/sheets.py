"""The sheets of plan.xlsx whose totals others refer to: cost lines, orders, workloads, fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fleetopt.plan.domain import Plan
from fleetopt.report.cost_views import carried
from fleetopt.report.money import KIND_WORDS, spend
from fleetopt.report.purchase_orders import NodeSale, PurchaseOrder
from fleetopt.report.spreadsheet.book import Cell, Ref, Sheet, Style
from fleetopt.report.token_prices import token_costs
from fleetopt.report.words import kind_name
from fleetopt.scenario.domain import Scenario

TOTAL, HEAD = 2, 4
"""Rows: totals stand above a table, so that it can grow."""

MOST_NAMES = 40
"""Workloads named for an order."""


ORDER_WIDTHS = {0: 10, 1: 10, 2: 10, 3: 11, 4: 15, 5: 9, 6: 13, 7: 10, 8: 10, 9: 9, 17: 24}
"""Columns of days and words in the order table: words wrap, so that it prints on one page across and can be read."""


class CostCells(NamedTuple):
    """Columns of the cost lines."""

    kinds: Ref
    expected: Ref
    present: Ref


def cost_sheet(sheet: Sheet, plan: Plan) -> CostCells:
    """Every cost line; returns the cells that the summary is made of."""
    note = "Expected: dollars of their day times probability. Present: times discount; they sum to the expected cost."
    _title(sheet, "Cost lines, USD", note)
    columns = [
        *_styled("text", "line", "kind", "period", "slot", "outlook", "site", "for"),
        *_styled("share", "probability"),
        *_styled("usd", "USD", "expected USD"),
        *_styled("price", "discount"),
        *_styled("usd", "present USD"),
    ]
    entries = spend(plan)
    rows: list[list[Cell]] = [
        [
            *(e.title, KIND_WORDS[e.kind], c.period, c.slot, c.outlook, c.site, c.item),
            *(c.probability, c.usd, None, c.discount, None),
        ]
        for c, e in zip(plan.costs, entries, strict=True)
    ]
    first, last = sheet.records(HEAD, "CostLines", columns, rows)
    for row, entry in enumerate(entries, first):
        sheet.formula(row, 9, f"H{row + 1}*I{row + 1}", entry.usd, "usd")
        sheet.formula(row, 11, f"J{row + 1}*K{row + 1}", entry.present_usd, "usd")
    _totals(sheet, {9: "usd", 11: "usd"}, first, last)
    return CostCells(*(sheet.block(first, column, last, column) for column in (1, 9, 11)))


def order_sheet(sheet: Sheet, orders: tuple[PurchaseOrder, ...], sales: tuple[NodeSale, ...] = ()) -> None:
    """The purchase-order table, with nodes to sell below the orders."""
    note = "Order by: the latest date. USD by the hour: until the end of the horizon, as the plan counts it."
    _title(sheet, "Purchase orders", note)
    columns = [
        *_styled("day", "order by", "in service", "until"),
        *_styled("wrap", "supply", "offer", "kind", "provider", "site", "node type", "GPU type"),
        *_styled("count", "nodes", "GPUs"),
        *_styled("usd", "USD per node", "USD per node-hour", "USD with the order", "USD by the hour", "USD in all"),
        *_styled("wrap", "carries"),
    ]
    rows: list[list[Cell]] = [*map(_order, orders), *map(_sale, sales)]
    # These columns are there only where they say something.
    nothing: list[Cell] = [None] * len(sales)
    if any(one.latest > one.in_service for one in orders):
        columns += _styled("day", "latest in service")
        _widened(rows, [*(one.latest for one in orders), *nothing])
    if any(one.bound_until is not None for one in orders):
        columns += [*_styled("day", "bound until"), *_styled("usd", "USD after the horizon")]
        _widened(rows, [*(one.bound_until for one in orders), *nothing])
        _widened(rows, [*(one.beyond_usd or None for one in orders), *nothing])
    first, last = sheet.records(HEAD, "Orders", columns, rows)
    for row, sold in enumerate(sales, first + len(orders)):
        sheet.formula(row, 14, f"K{row + 1}*M{row + 1}", -sold.sale.usd, "usd")
        sheet.formula(row, 16, f"O{row + 1}+P{row + 1}", -sold.sale.usd, "usd")
    for row, (one, cells) in enumerate(zip(orders, rows, strict=False), first):
        sheet.formula(row, 14, f"K{row + 1}*M{row + 1}", one.upfront_usd, "usd")
        sheet.formula(row, 16, f"O{row + 1}+P{row + 1}", one.total_usd, "usd")
        sheet.fit(row, cells, ORDER_WIDTHS)
    sheet.narrow(ORDER_WIDTHS)
    _totals(sheet, {10: "count", 11: "count", 14: "usd", 15: "usd", 16: "usd"}, first, last)


def _order(one: PurchaseOrder) -> list[Cell]:
    order = one.order
    what: list[Cell] = [order.supply, order.offer, kind_name(order.kind), order.provider, order.site]
    size: list[Cell] = [order.node_type, order.gpu_type, order.nodes, order.gpus]
    money: list[Cell] = [one.unit_usd, order.usd_per_node_h, None, one.use_usd, None]
    return [one.order_by, one.in_service, one.until, *what, *size, *money, carried(one.carries, MOST_NAMES)]


def _widened(rows: Sequence[list[Cell]], cells: Sequence[Cell]) -> None:
    """Adds a cell to every row."""
    for row, cell in zip(rows, cells, strict=True):
        row.append(cell)


def _sale(one: NodeSale) -> list[Cell]:
    sale = one.sale
    what: list[Cell] = [one.gone_by, None, None, sale.supply, "", "sell", "", sale.site, sale.node_type, sale.gpu_type]
    return [*what, -sale.nodes, -sale.gpus, sale.usd_per_node, 0.0, None, 0.0, None, ""]


def workload_sheet(sheet: Sheet, plan: Plan, scenario: Scenario) -> Ref:
    """Cost by workload and period; returns the cell with the sum of million tokens."""
    note = "Accrual at present value: fleet cost by GPUs set aside over the hours they serve."
    _title(sheet, "Workloads", note)
    columns = [
        *_styled("text", "workload", "model", "period"),
        *_styled("usd", "USD"),
        *_styled("number", "GPU-hours", "million tokens"),
        *_styled("price", "USD per million tokens", "USD per million input", "USD per million output"),
    ]
    tokens = token_costs(plan, scenario)
    rows: list[list[Cell]] = [
        [
            *(c.workload, c.model, c.period, c.usd, c.gpu_hours, c.million_tokens, None),
            *(tokens[c.workload, c.period].input_price, tokens[c.workload, c.period].output_price),
        ]
        for c in plan.workload_costs
    ]
    first, last = sheet.records(HEAD, "Workloads", columns, rows)
    for row, c in enumerate(plan.workload_costs, first):
        if c.million_tokens > 0:
            sheet.formula(row, 6, f"D{row + 1}/F{row + 1}", c.usd / c.million_tokens, "price")
    _totals(sheet, {3: "usd", 4: "number", 5: "number"}, first, last)
    return sheet.block(TOTAL, 5, TOTAL, 5)


def fleet_sheet(sheet: Sheet, plan: Plan, scenario: Scenario) -> None:
    """Nodes in service at every time, with the GPU-hours they make."""
    _title(sheet, "Fleet", "GPU-hours are expected: over the hours of the slot in the period, times probability.")
    columns = [
        *_styled("text", "supply", "kind", "provider", "GPU type", "node type", "site", "period", "slot", "outlook"),
        *_styled("count", "nodes", "GPUs"),
        *_styled("usd", "USD per node-hour"),
        *_styled("number", "GPU-hours"),
    ]
    hours = {slot.name: slot.hours_per_day for slot in scenario.calendar.slots}
    days = {period.name: period.days for period in scenario.calendar.periods}
    weight = {outlook.name: outlook.probability for outlook in scenario.calendar.outlooks}
    rows: list[list[Cell]] = [
        [
            *(f.supply, kind_name(f.kind), f.provider, f.gpu_type, f.node_type, f.site, f.period, f.slot, f.outlook),
            *(f.nodes, f.gpus, f.usd_per_node_h, f.gpus * hours[f.slot] * days[f.period] * weight[f.outlook]),
        ]
        for f in plan.fleet
    ]
    first, last = sheet.records(HEAD, "Fleet", columns, rows)
    _totals(sheet, {12: "number"}, first, last)


def _styled(style: Style, *names: str) -> list[tuple[str, Style]]:
    return [(name, style) for name in names]


def _title(sheet: Sheet, title: str, note: str) -> None:
    sheet.put(0, 0, title, "title")
    sheet.put(1, 0, note, "note")


def _totals(sheet: Sheet, columns: dict[int, Style], first: int, last: int) -> None:
    sheet.put(TOTAL, 0, "total", total=True)
    for column, style in columns.items():
        sheet.sum(TOTAL, column, sheet.block(first, column, last, column), style)
