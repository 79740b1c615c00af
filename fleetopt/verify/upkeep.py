"""What nodes in one's own racks cost by the month, and are worth in the end, from what a plan says is held."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from fleetopt.plan.domain import ALL
from fleetopt.scenario.supply_domain import Stock, SupplyLine
from fleetopt.verify.facts import Facts, SupplyKey, node_type_of
from fleetopt.verify.supply import futures_of, held_nodes


def is_hosted(source: SupplyLine | Stock) -> bool:
    """Whether power and room are the planner's to pay: owned nodes but for reservations, leased and bought ones."""
    return not source.committed if isinstance(source, Stock) else source.offer.kind in {"lease", "purchase"}


def upkeep(facts: Facts, key: SupplyKey) -> Iterator[tuple[str, str, str, float]]:
    """Cost line, period, outlook and US dollars of support, of room and, below zero, of value kept, of nodes held."""
    source = facts.sources[key]
    if not is_hosted(source):
        return
    if isinstance(source, Stock) and source.sale is not None and source.last is None:
        last = facts.scenario.calendar.periods[-1].name
        yield "residual_value", last, ALL, -source.sale.end_usd_per_node * held_nodes(facts, key, last)
    yearly = (source if isinstance(source, Stock) else source.offer).support_usd_per_node_year
    for period, outlook in product(facts.scenario.calendar.periods, futures_of(facts, source)):
        node_months = held_nodes(facts, key, period.name, outlook) * period.months
        yield "support", period.name, outlook, node_months * yearly / 12.0
        yield "colocation", period.name, outlook, node_months * _room(facts, node_type_of(source), key[1])


def _room(facts: Facts, node_type: str, site: str) -> float:
    """USD a month of a node: its nameplate and its rack units at the site's prices."""
    height = facts.scenario.node_types[node_type].rack_units or 0.0
    return sum(
        facts.node_w(node_type) * one.colocation_usd_per_kw_month / 1000.0 + height * one.colocation_usd_per_unit_month
        for one in facts.scenario.supply.facilities
        if one.site == site
    )
