"""Commitments: reserved, leased and purchased nodes, ordered ahead of knowing the future and held for their term.

    held[l,t,o]  +=  sum ORDERS[l,t'] over t' with  t'+lead[l]+slip[l,o] <= t < t'+lead[l]+slip[l,o]+term[l]
    fielded[l,t,h,o]  +=  held[l,t,o]                                in every slot and outlook
    ordered[l,t']  +=  ORDERS[l,t']                                     t' within the window of l
    cost[reserved | lease | purchase_running,t,o,l]  +=  hours[t] usd[l] sum change[l,t'] ORDERS[l,t']  of orders held
    cost[upfront,t',l]  +=  upfront[l] change[l,t'] ORDERS[l,t']
    cost[residual_value,T,o,l]  -=  upfront[l] change[l,t'] unexpired[l,t',o] ORDERS[l,t']    l is no lease
    sum of held[l',t,o] over the lots l' of l  <=  max_nodes[l]       (commitment_is_not_exhausted)

    Where no outlook delays l, held and what is paid by the hour or left are the same in all, and posted once.

Symbols  lead[l], term[l] periods, slip[l,o] periods by which an outlook delays deliveries: payments by the hour and
         the term begin with service, the upfront price is due with the order; usd[l] USD per node-hour, upfront[l] USD
         per node; change[l,t'] the announced change of the price when ordered; unexpired[l,t',o] the share of the term
         beyond the last period T, straight-line. What is paid upfront on a lease is a fee: it buys nothing that is
         left. ORDERS carry no outlook: they are first-stage.
Ledgers  posts ordered, held, fielded, cost.     Shape  one variable per committed supply line and period of ordering.
Dual     USD per node: what one more node of the offer is worth.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import Commitment, PlanningCase, unexpired_share
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, HeldKey, Ledgers, OrderKey, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.plan.domain import ALL

RUNNING = {"reserved": "reserved", "lease": "lease", "purchase": "purchase_running"}
"""The cost line of an ordered node's price by the hour."""


class Commitments(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import NonNegativeIntegers, Var

        last = len(case.periods) - 1
        model.ORDERS = Var(
            [
                (commitment.line.name, period.name)
                for commitment in case.commitments
                for index, period in enumerate(case.periods)
                if index + commitment.lead_periods <= last and case.is_open(commitment.line, period.name)
            ],
            within=NonNegativeIntegers,
        )
        for (name, period), order in model.ORDERS.items():
            ledgers.ordered.post(OrderKey(name, period), order)
        for commitment in case.commitments:
            for index, period in enumerate(case.periods):
                for outlook in _told_apart(case, commitment):
                    held = [order for order, _ in held_orders(model, case, commitment, index, outlook)]
                    if held:
                        ledgers.held.post(HeldKey(commitment.line.name, period.name, outlook), sum(held))
                for t, h, o in (time for time in case.times if time[0] == period.name):
                    held = [order for order, _ in held_orders(model, case, commitment, index, o)]
                    if held:
                        ledgers.fielded.post(SupplyKey(commitment.line.name, t, h, o), sum(held))

    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for commitment in case.commitments:
            line, offer = commitment.line, commitment.line.offer
            for index, period in enumerate(case.periods):
                usd = case.period_hours(period.name) * offer.usd_per_node_h
                for outlook in _told_apart(case, commitment) if usd > 0 else ():
                    held = held_orders(model, case, commitment, index, outlook)
                    if held:
                        paid = usd * sum(case.price_factor(line, ordered) * order for order, ordered in held)
                        key = CostKey(RUNNING[offer.kind], period.name, ALL, outlook, line.site, line.name)
                        ledgers.cost.post(key, paid)
            if offer.upfront_usd_per_node > 0:
                self._price_upfront(model, case, ledgers, commitment)

    def _price_upfront(self, model: Any, case: PlanningCase, ledgers: Ledgers, commitment: Commitment) -> None:
        line, offer = commitment.line, commitment.line.offer
        for index, period in enumerate(case.periods):
            if (line.name, period.name) not in model.ORDERS:
                continue
            order = model.ORDERS[line.name, period.name]
            paid = CostKey("upfront", period.name, ALL, ALL, line.site, line.name)
            upfront_usd = offer.upfront_usd_per_node * case.price_factor(line, period.name)
            ledgers.cost.post(paid, upfront_usd * order)
            for outlook in _told_apart(case, commitment) if offer.kind != "lease" else ():
                left = unexpired_share(offer, months_in_service(case, commitment, index, outlook))
                if left > 0:
                    back = CostKey("residual_value", case.periods[-1].name, ALL, outlook, line.site, line.name)
                    ledgers.cost.post(back, -upfront_usd * left * order)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for commitment in case.commitments:
            line = commitment.line
            if line.max_nodes is None:
                continue
            for index, period in enumerate(case.periods):
                for outlook in _told_apart(case, commitment):
                    lots = case.lots_of(line)
                    held = [order for lot in lots for order, _ in held_orders(model, case, lot, index, outlook)]
                    when = (period.name,) if outlook == ALL else (period.name, outlook)
                    limit = Limit(f"offer {line.name}", "supply", "/".join(when), "nodes", line.max_nodes)
                    if held:
                        key = (line.name, *when)
                        rules.at_most("commitment_is_not_exhausted", key, sum(held), line.max_nodes, limit)


def _told_apart(case: PlanningCase, commitment: Commitment) -> tuple[str, ...]:
    """The outlooks, where some of them delay deliveries; ALL where none does."""
    return tuple(case.probability) if commitment.line.terms.slips else (ALL,)


def service_span(case: PlanningCase, commitment: Commitment, ordered: int, outlook: str = ALL) -> tuple[int, int]:
    """First and last period index in which nodes ordered in period `ordered` are held, within the horizon.

    The first is beyond it where they come too late; without an outlook they come as planned.
    """
    first = ordered + commitment.lead_periods + commitment.line.terms.late(outlook)
    return first, min(first + commitment.term_periods, len(case.periods)) - 1


def months_in_service(case: PlanningCase, commitment: Commitment, ordered: int, outlook: str = ALL) -> int:
    """Months of the term that lie within the horizon."""
    first, last = service_span(case, commitment, ordered, outlook)
    return sum(period.months for period in case.periods[first : last + 1])


def held_orders(
    model: Any, case: PlanningCase, commitment: Commitment, index: int, outlook: str = ALL
) -> list[tuple[Any, str]]:
    """The order variables whose nodes are held in a period, with the period of the order."""
    found = []
    for ordered, period in enumerate(case.periods):
        first, last = service_span(case, commitment, ordered, outlook)
        key = commitment.line.name, period.name
        if first <= index <= last and key in model.ORDERS:
            found.append((model.ORDERS[key], period.name))
    return found
