"""The answer in sentences: what to order and rent, what it costs, how good and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.plan.domain import FleetLine, Order, Plan, Sale
from fleetopt.report.began_words import began_sentences
from fleetopt.report.goal_words import goal_sentences
from fleetopt.report.money import KINDS, Kind, expected_cost, is_discounted, periods_of, spend, totals
from fleetopt.report.plan_views import quality, shortfall_sentences
from fleetopt.report.purchase_orders import PurchaseOrder, beyond_sentence
from fleetopt.report.view import usd

_DO = {
    "purchase": "Buy",
    "reserved": "Reserve",
    "lease": "Lease",
    "on_demand": "Rent on demand",
    "spot": "Rent on the spot market",
    "owned": "Use what is owned:",
}
"""What to do with nodes of each kind of supply; a kind that is not here is named."""

KIND_NAMES = {"on_demand": "on demand", "owned": "owned"}


def kind_name(kind: str) -> str:
    """A kind of supply for people."""
    return KIND_NAMES.get(kind, kind.replace("_", " "))


def summary(plan: Plan, orders: Iterable[PurchaseOrder]) -> list[str]:
    """A few sentences for those who read nothing else."""
    placed = list(orders)
    said = [*_ordered(placed), *_sold(plan), *_held(plan), _money(plan)]
    said += [sentence] if (sentence := beyond_sentence([one.beyond for one in placed])) else []
    said.append(f"The cost is {quality(plan)}." if plan.gap is not None else f"The plan is {quality(plan)}.")
    said += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in goal_sentences(plan)]
    held = sum(check.passed for check in plan.verdict.checks)
    said.append(f"A second computation of every promise and dollar: {held} of {len(plan.verdict.checks)} checks hold.")
    said += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in began_sentences(plan)[:1]]
    return [*said, _short(plan), *_used_up(plan)]


def by_kind(plan: Plan) -> dict[Kind, float]:
    """Dollars that are capex, opex, and counted but not paid."""
    found = totals(spend(plan), lambda entry: entry.kind)
    return {kind: found.get(kind, 0.0) for kind in KINDS}


def _ordered(orders: list[PurchaseOrder]) -> Iterable[str]:
    for kind in dict.fromkeys(one.order.kind for one in orders):
        own = [one for one in orders if one.order.kind == kind]
        what = f"{_do(kind)} {_nodes(sum(one.order.nodes for one in own))} ({_gpus(one.order for one in own)})"
        first = min(own, key=lambda one: one.order_by)
        day = first.order_by.isoformat()
        many = f" in {len(own)} orders, the first {_nodes(first.order.nodes)} by {day} at the latest."
        yield what + (many if len(own) > 1 else f"; order by {day} at the latest.")


def _sold(plan: Plan) -> Iterable[str]:
    if plan.sales:
        nodes, usd_in_all = sum(one.nodes for one in plan.sales), sum(one.usd for one in plan.sales)
        first = min(plan.sales, key=lambda one: periods_of(plan).index(one.period))
        yield f"Sell {_nodes(nodes)} ({_gpus(plan.sales)}) for {usd(usd_in_all)} USD, the first in {first.period}."


def _held(plan: Plan) -> Iterable[str]:
    """What is used without an order: rented by the hour, or owned."""
    ordered = {order.supply for order in plan.orders}
    loose = [line for line in plan.fleet if line.supply not in ordered]
    for kind in dict.fromkeys(line.kind for line in loose):
        own = [line for line in loose if line.kind == kind]
        most = max(_by_time(own).values())
        types = ", ".join(dict.fromkeys(line.gpu_type for line in own))
        yield f"{_do(kind)} up to {_nodes(most)} at a time ({types})."


def _by_time(fleet: Iterable[FleetLine]) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for line in fleet:
        key = (line.period, line.slot, line.outlook)
        found[key] = found.get(key, 0) + line.nodes
    return found


def _money(plan: Plan) -> str:
    kinds = by_kind(plan)
    expected = ", expected over the outlooks" if len({w.outlook for w in plan.workloads}) > 1 else ""
    worth = " at present value" if is_discounted(plan) else ""
    of_their_day = " in dollars of their day" if worth else ""
    said = f"This costs {usd(expected_cost(plan))} USD{worth}{expected}: {usd(kinds['capex'])} USD of capex"
    said += f" and {usd(kinds['opex'])} USD of opex{of_their_day}"
    unpaid = totals([entry for entry in spend(plan) if entry.kind == "unpaid"], lambda entry: entry.title)
    if unpaid:
        counted = ", ".join(f"{_low(title)} {usd(value)} USD" for title, value in unpaid.items())
        said += f". Counted, but not paid: {counted}"
    return f"{said}."


def _short(plan: Plan) -> str:
    short = shortfall_sentences(plan)
    if not short:
        return "Nothing falls short: all demand is planned for, with its headroom."
    more = f" It falls short at {len(short) - 1} more times." if len(short) > 1 else ""
    return f"It falls short: {short[0]}.{more}"


def _used_up(plan: Plan) -> Iterable[str]:
    limits = list(dict.fromkeys(one.limit.partition(" (")[0] for one in plan.binding))
    if limits:
        more = f" and {len(limits) - 5} more" if len(limits) > 5 else ""
        yield f"Limits that are used up at some time: {', '.join(limits[:5])}{more}."


def _low(title: str) -> str:
    return title[:1].lower() + title[1:]


def _do(kind: str) -> str:
    return _DO.get(kind) or f"{kind.replace('_', ' ').capitalize()}:"


def _nodes(count: int) -> str:
    return f"{count:,} node" if count == 1 else f"{count:,} nodes"


def _gpus(orders: Iterable[Order | Sale]) -> str:
    found: dict[str, int] = {}
    for order in orders:
        found[order.gpu_type] = found.get(order.gpu_type, 0) + order.gpus
    return ", ".join(f"{gpus:,} {name}" for name, gpus in found.items())
