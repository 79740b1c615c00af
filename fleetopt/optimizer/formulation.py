"""The formulation: which features make up the problem, and how their parts become one program.

    minimize   sum over the cost ledger of  probability[o] * discount[line,t] * usd      (or weighed with `risk`)
               and the price of limits that are raised, where some may be (`raises`)
    subject to every rule that a feature states

A rule becomes one row of the Pyomo constraint named by its sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fleetopt.optimizer import risk
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.features.batch import BatchWork
from fleetopt.optimizer.features.budgets import Budgets
from fleetopt.optimizer.features.changes import SlotChanges
from fleetopt.optimizer.features.classes import ServiceClasses
from fleetopt.optimizer.features.commitments import Commitments
from fleetopt.optimizer.features.demand import Demand
from fleetopt.optimizer.features.facilities import Facilities
from fleetopt.optimizer.features.fleet import Fleet
from fleetopt.optimizer.features.least import LeastReplicas
from fleetopt.optimizer.features.orders import OrderTerms
from fleetopt.optimizer.features.pools import Pools
from fleetopt.optimizer.features.quotas import Quotas
from fleetopt.optimizer.features.rentals import Rentals
from fleetopt.optimizer.features.sales import Sales
from fleetopt.optimizer.features.serving import Serving
from fleetopt.optimizer.features.sharing import SharingFeature
from fleetopt.optimizer.features.shortfall import ShortfallFeature
from fleetopt.optimizer.features.slices import Slices
from fleetopt.optimizer.features.spares import Spares
from fleetopt.optimizer.features.stock import StockFeature
from fleetopt.optimizer.features.survival import Survival
from fleetopt.optimizer.features.traffic import Traffic
from fleetopt.optimizer.features.upkeep import Upkeep
from fleetopt.optimizer.features.variety import Variety
from fleetopt.optimizer.ledgers import CostKey, Ledgers, Term
from fleetopt.optimizer.raises import body_with_raise, price_of_raises
from fleetopt.optimizer.rules import Rule, Rules
from fleetopt.plan.domain import ALL
from fleetopt.plan.money import discount

FEATURES: tuple[Feature, ...] = (
    Serving(),
    Pools(),
    Spares(),
    Survival(),
    LeastReplicas(),
    SharingFeature(),
    Slices(),
    ShortfallFeature(),
    Rentals(),
    Commitments(),
    OrderTerms(),
    StockFeature(),
    Sales(),
    SlotChanges(),
    Upkeep(),
    Fleet(),
    Quotas(),
    Facilities(),
    Traffic(),
    Budgets(),
    Variety(),
    Demand(),
    BatchWork(),
    ServiceClasses(),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A Pyomo model with the ledgers and rules it was made from."""

    model: Any
    case: PlanningCase
    ledgers: Ledgers
    rules: tuple[Rule, ...]


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keeps Pyomo from writing about exceptions that pass through it, as Ctrl-C does: whoever catches them tells."""
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@_unlogged()
def formulate(case: PlanningCase, features: Sequence[Feature] = FEATURES) -> Problem:
    """The program of a case: declare, price and constrain every feature, then close the books."""
    from pyomo.core import ConcreteModel, Objective, quicksum

    model, ledgers, rules = ConcreteModel(), Ledgers(), Rules()
    for feature in features:
        _declare(feature, model, case, ledgers)
    for feature in features:
        feature.price(model, case, ledgers)
    for ledger in ledgers.all():
        ledger.seal()
    for feature in features:
        feature.constrain(model, case, ledgers, rules)
    paid = [(key, present_value(case, key) * usd) for key, usd in ledgers.cost.entries()]
    objective = quicksum([probability(case, key) * usd for key, usd in paid]) if paid else 0.0
    if case.risk is not None:
        tail = risk.add_tail(model, case, rules, by_outlook(case, ledgers))
        objective = (1.0 - case.risk.weight) * objective + case.risk.weight * tail
    for feature in features:
        feature.conclude(model, case, objective, rules)
    objective = objective + price_of_raises(model, case)
    _add_rows(model, case, rules.all())
    model.COST = Objective(expr=objective)
    return Problem(model, case, ledgers, rules.all())


def by_outlook(case: PlanningCase, ledgers: Ledgers) -> dict[str, Term]:
    """The present value of what each outlook costs."""
    from pyomo.core import quicksum

    paid = [(key.outlook, present_value(case, key) * usd) for key, usd in ledgers.cost.entries()]
    return {o: quicksum([usd for outlook, usd in paid if outlook in (ALL, o)]) for o in case.probability}


def _declare(feature: Feature, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
    known = {part.local_name: part for part in model.component_objects(descend_into=False)}
    feature.declare(model, case, ledgers)
    for name, part in known.items():
        if model.component(name) is not part:
            raise RuntimeError(f"{type(feature).__name__} declares {name}, which is another feature's")


def probability(case: PlanningCase, key: CostKey) -> float:
    """The weight of a cost line in the objective: one for what is paid whatever the future brings."""
    return 1.0 if key.outlook == ALL else case.probability[key.outlook]


def present_value(case: PlanningCase, key: CostKey) -> float:
    """What a dollar of a cost line is worth at the start of the horizon."""
    return discount(key.line, key.period, case.periods, case.discount_rate)


def _add_rows(model: Any, case: PlanningCase, rules: tuple[Rule, ...]) -> None:
    from pyomo.core import Any as AnyKey
    from pyomo.core import Constraint, Var

    # A rule about nothing (a demand no option serves) is a row too: it is what makes the case infeasible.
    model.NOTHING = Var(bounds=(0, 0))
    for sentence in dict.fromkeys(rule.sentence for rule in rules):
        model.add_component(sentence, Constraint(AnyKey))
    for rule in rules:
        body = body_with_raise(model, case, rule)
        body = body + model.NOTHING if isinstance(body, int | float) else body
        model.component(rule.sentence)[rule.key] = body <= rule.bound if rule.sense == "<=" else body >= rule.bound
