"""Reads the solved problem back as plan records.

Only integers are taken from the solver. Everything continuous (what is achieved, served, loaded, paid) follows
from the whole replicas and nodes, so the plan states what they really do and not what a tolerance allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fleetopt.optimizer.case import Commitment, PlanningCase
from fleetopt.optimizer.change_readout import NEXT_TO_NOTHING, Moves, changes_of, kept_groups, lost_replicas, moves_of
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.features.commitments import held_orders, service_span
from fleetopt.optimizer.features.sales import sales
from fleetopt.optimizer.formulation import FEATURES, Problem, present_value, probability
from fleetopt.optimizer.ledgers import CostKey, ServedKey, SupplyKey
from fleetopt.optimizer.matrix import Floats, Matrix
from fleetopt.optimizer.options import Option
from fleetopt.optimizer.outcomes import Group, achieved_rps, asked_rps, outcome_of, placements_of
from fleetopt.optimizer.works import works_of
from fleetopt.plan.domain import (
    Binding,
    CostLine,
    FleetLine,
    Order,
    Placement,
    Sale,
    SlotChange,
    WorkloadOutcome,
    WorkOutcome,
)
from fleetopt.plan.risk import worth

TIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Readout:
    """What the integers of a solution mean."""

    objective_usd: float
    expected_usd: float
    cvar_usd: float | None
    fleet: tuple[FleetLine, ...]
    orders: tuple[Order, ...]
    sales: tuple[Sale, ...]
    placements: tuple[Placement, ...]
    workloads: tuple[WorkloadOutcome, ...]
    work: tuple[WorkOutcome, ...]
    costs: tuple[CostLine, ...]
    binding: tuple[Binding, ...]
    changes: tuple[SlotChange, ...] = ()


def read_out(problem: Problem, matrix: Matrix, values: Floats, features: Sequence[Feature] = FEATURES) -> Readout:
    """The plan records of a solution, one value per column of the matrix."""
    load(problem.model, zip(matrix.variables, values, strict=True))
    return read_loaded(problem, features)


def load(model: Any, values: Iterable[tuple[Any, float]]) -> None:
    """Gives variables of the model their values, and all others zero."""
    from pyomo.core import Var

    for variable in model.component_data_objects(Var):
        variable.set_value(variable.lb or 0.0, skip_validation=True)
    for variable, value in values:
        variable.set_value(float(value), skip_validation=True)


def read_loaded(problem: Problem, features: Sequence[Feature] = FEATURES) -> Readout:
    """The plan records of a problem whose variables have their values."""
    model, case = problem.model, problem.case
    moves = moves_of(model, case)
    groups = _groups(model, case, moves)
    achieved = {key: achieved_rps(groups.get(key, [])) for key in map(ServedKey._make, case.planned_rps)}
    for feature in features:
        feature.settle(model, case, achieved)
    placements: list[Placement] = []
    outcomes: list[WorkloadOutcome] = []
    asked = asked_rps(case, achieved)
    for key, rps in achieved.items():
        found = placements_of(case, key, groups.get(key, []), asked[key])
        placements += found
        outcomes.append(outcome_of(case, key, (asked[key], rps), found, groups.get(key, [])))
    costs = _costs(problem)
    value = worth(costs, case.probability, case.risk)
    return Readout(
        objective_usd=value.objective_usd,
        expected_usd=value.expected_usd,
        cvar_usd=value.cvar_usd,
        fleet=_fleet(problem),
        orders=_orders(model, case),
        sales=sales(model, case),
        placements=tuple(placements),
        workloads=tuple(outcomes),
        work=works_of(case, achieved),
        costs=costs,
        binding=_binding(problem),
        changes=changes_of(case, moves),
    )


def _groups(model: Any, case: PlanningCase, moves: Moves) -> dict[ServedKey, list[Group]]:
    options = {(w, option.name): option for w, found in case.options.items() for option in found}
    groups: dict[ServedKey, list[Group]] = {}
    for (workload, name, *time), variable in model.REPLICAS.items():
        option = options[workload, name]
        if option.shared is not None:
            continue
        replicas = round(variable.value)
        if replicas:
            key = ServedKey(workload, *time)
            lost = lost_replicas(moves, case, key, option)
            groups.setdefault(key, []).append(Group(option, replicas, case.capability[key.outlook], lost))
    for key, group in kept_groups(model, case, moves):
        groups.setdefault(key, []).append(group)
    _add_shared(model, case, options, groups, moves)
    return groups


def _add_shared(
    model: Any,
    case: PlanningCase,
    options: dict[tuple[str, str], Option],
    groups: dict[ServedKey, list[Group]],
    moves: Moves,
) -> None:
    """Adds the shares of whole replicas, each owner's own stretched until the replicas are used up.

    Of a bundle those members stay that the plan uses, and take over the parts of the others.
    """
    shares: dict[tuple[str, ...], dict[ServedKey, float]] = {}
    for (workload, name, *time), variable in model.REPLICAS.items():
        family = options[workload, name].shared
        if family is not None and variable.value > NEXT_TO_NOTHING:
            shares.setdefault((family, name, *time), {})[ServedKey(workload, *time)] = variable.value
    for key, used in shares.items():
        found = {served: options[served.workload, key[1]] for served in used}
        kept = sum(option.part or 0.0 for option in found.values())
        stretch = round(model.STANDING[key].value) / (kept or sum(used.values()))
        for served, option in found.items():
            share = option.part or used[served]
            if option.part is not None:
                option = replace(option, capacity_rps=option.capacity_rps * kept)  # noqa: PLW2901 - the one in use
            lost = lost_replicas(moves, case, served, option) * share / (kept or sum(used.values()))
            groups.setdefault(served, []).append(Group(option, share * stretch, case.capability[served.outlook], lost))


def _costs(problem: Problem) -> tuple[CostLine, ...]:
    from pyomo.core import value

    case, lines = problem.case, []
    for key, expression in problem.ledgers.cost.entries():
        usd = float(value(expression))
        if usd:
            weights = {"probability": probability(case, key), "discount": present_value(case, key)}
            lines.append(CostLine(**CostKey._asdict(key), **weights, usd=usd))
    return tuple(lines)


def _fleet(problem: Problem) -> tuple[FleetLine, ...]:
    from pyomo.core import value

    case = problem.case
    offers = {line.name: line.offer for line in (*case.rentals, *(c.line for c in case.commitments))}
    prices = _prices(problem)
    lines = []
    for key, expression in problem.ledgers.fielded.entries():
        nodes = round(value(expression))
        if not nodes:
            continue
        pool = case.pool_of[key.supply]
        offer = offers.get(key.supply)
        lines.append(
            FleetLine(
                supply=key.supply,
                kind=offer.kind if offer else "owned",
                provider=offer.provider if offer else "",
                gpu_type=case.gpu_type(pool),
                node_type=pool[0],
                site=pool[1],
                period=key.period,
                slot=key.slot,
                outlook=key.outlook,
                nodes=nodes,
                gpus=nodes * case.gpus_per_node(pool),
                usd_per_node_h=prices[key.supply, key.period, key.outlook] * _rent_factor(case, key),
            )
        )
    return tuple(lines)


def _rent_factor(case: PlanningCase, key: SupplyKey) -> float:
    """What an outlook does to the price of nodes that are rented by the hour."""
    rented = any(line.name == key.supply for line in case.rentals)
    return case.rent_factor[key.outlook] if rented else 1.0


def _prices(problem: Problem) -> dict[tuple[str, str, str], float]:
    """USD per node-hour of each supply line by period and outlook; of ordered nodes the mean over those held."""
    case, model = problem.case, problem.model
    known = {(stock.name, period.name): stock.usd_per_node_h for stock in case.stock for period in case.periods}
    for line in case.rentals:
        for period in case.periods:
            known[line.name, period.name] = line.offer.usd_per_node_h * case.price_factor(line, period.name)
    prices = {(*key, outlook): usd for key, usd in known.items() for outlook in case.probability}
    for commitment in case.commitments:
        line = commitment.line
        for index, period in enumerate(case.periods):
            for outlook in case.probability:
                orders = held_orders(model, case, commitment, index, outlook)
                held = [(round(order.value), ordered) for order, ordered in orders]
                nodes = sum(count for count, _ in held)
                paid = sum(count * case.price_factor(line, ordered) for count, ordered in held)
                mean = paid / nodes if nodes else 1.0
                prices[line.name, period.name, outlook] = line.offer.usd_per_node_h * mean
    return prices


def _orders(model: Any, case: PlanningCase) -> tuple[Order, ...]:
    commitments = {commitment.line.name: commitment for commitment in case.commitments}
    index = {period.name: i for i, period in enumerate(case.periods)}
    orders = []
    for (name, period), variable in model.ORDERS.items():
        nodes = round(variable.value)
        if nodes:
            orders.append(_order(case, commitments[name], index[period], nodes))
    return tuple(orders)


def _order(case: PlanningCase, commitment: Commitment, ordered: int, nodes: int) -> Order:
    line, offer = commitment.line, commitment.line.offer
    first, last = service_span(case, commitment, ordered)
    pool = case.pool_of[line.name]
    factor = case.price_factor(line, case.periods[ordered].name)
    return Order(
        supply=line.name,
        offer=offer.name,
        kind=offer.kind,
        provider=offer.provider,
        gpu_type=case.gpu_type(pool),
        node_type=pool[0],
        site=line.site,
        order_by=case.periods[ordered].name,
        in_service=case.periods[first].name,
        last_period=case.periods[last].name,
        nodes=nodes,
        gpus=nodes * case.gpus_per_node(pool),
        upfront_usd=nodes * offer.upfront_usd_per_node * factor,
        usd_per_node_h=offer.usd_per_node_h * factor,
        periods_late=max((periods for _, periods in line.terms.slips), default=0),
    )


def _binding(problem: Problem) -> tuple[Binding, ...]:
    """Limits of supply that the plan uses up entirely."""
    from pyomo.core import value

    found = []
    for rule in problem.rules:
        if rule.limit is None or rule.limit.kind != "supply":
            continue
        used = float(value(rule.body))
        if used >= rule.limit.amount - TIGHT and used > 0:
            name = f"{rule.limit.group} ({rule.limit.where})"
            found.append(Binding(limit=name, used=used, available=rule.limit.amount, unit=rule.limit.unit))
    return tuple(found)
