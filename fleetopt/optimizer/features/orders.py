"""Orders: in lots that suppliers accept, and no more in a period than they deliver.

    ordered[l,t]  >=  min[l] PLACED[l,t]                                               (order_is_large_enough)
    ordered[l,t]  <=  most[l] PLACED[l,t]                                              (order_is_placed)
    sum of ordered[l',t] over the lots l' of l  <=  max[l]                             (order_is_small_enough)
    sum of ordered[l',t] over the lots l' of l  <=  delivery[l]                        (delivery_is_possible)

Symbols  min[l], max[l] nodes in an order, delivery[l] nodes that enter service in a period (the lead time is the same
         for all orders of a line; scenario.supply.offers.terms); most[l] nodes that the demand can use, or max[l].
         Lots of l: the line itself and its volume prices, which share its limits.
Ledgers  reads ordered.     Shape  up to four rows per supply line with such terms and period.
Dual     USD per node: what a larger delivery is worth.
"""

from __future__ import annotations

from typing import Any

from fleetopt.optimizer.case import Commitment, PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import Ledgers, OrderKey
from fleetopt.optimizer.rules import Limit, Rules


class OrderTerms(Feature):
    def declare(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        from pyomo.core import Binary, Var

        keys = [
            OrderKey(commitment.line.name, period.name)
            for commitment in case.commitments
            if commitment.line.terms.min_order > 1
            for period in case.periods
            if case.is_open(commitment.line, period.name)
        ]
        model.PLACED = Var(keys, within=Binary)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for commitment in case.commitments:
            terms = commitment.line.terms
            lots = case.lots_of(commitment.line)
            for period in case.periods:
                key = OrderKey(commitment.line.name, period.name)
                ordered = ledgers.ordered.total(key)
                if isinstance(ordered, int | float):
                    continue
                if key in model.PLACED:
                    placed = model.PLACED[key]
                    rules.at_least("order_is_large_enough", key, ordered - terms.min_order * placed, 0.0)
                    rules.at_most("order_is_placed", key, ordered - _most(case, commitment) * placed, 0.0)
                for sentence, what, most in (
                    ("order_is_small_enough", "order", terms.max_order),
                    ("delivery_is_possible", "delivery", terms.max_delivery),
                ):
                    if most is not None:
                        limit = Limit(f"largest {what} of {commitment.line.name}", "supply", period.name, "nodes", most)
                        together = sum(ledgers.ordered.total(OrderKey(lot.line.name, period.name)) for lot in lots)
                        rules.at_most(sentence, key, together, most, limit)


def _most(case: PlanningCase, commitment: Commitment) -> int:
    """Nodes beyond which a larger order is of no use, and at least the smallest order."""
    line = commitment.line
    useful = case.most_nodes((line.offer.node_type, line.site))
    granted = case.first_lot(line).max_nodes
    most = useful if granted is None else min(useful, granted)
    return max(most, line.terms.min_order)
