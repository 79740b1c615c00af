"""What a GPU-hour costs over the life of each offer, and from how much use on it beats renting by the hour.

    upfront  =  U crf(r, n) (1 + r)^-1/2 / (8760 g a)     U USD upfront a node, n years of its term, r the discount
                                                          rate, g GPUs of a node, a the part that can be counted on
    life     =  upfront + rent + upkeep + electricity     all in USD for each hour of each GPU, used or not
    use      =  life / on-demand price                    the part of all hours from which on the offer is cheaper

The annuity is paid through the year as rent is, in its middle on average, hence the half year. Prices are those stated:
announced changes aside. Carbon is left out, because every node pays it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleetopt.catalog.power import node_power_w
from fleetopt.plan.money import MONTHS_PER_YEAR, capital_recovery
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import SupplyLine

HOURS_PER_YEAR = 8760.0


@dataclass(frozen=True, slots=True)
class LifeCost:
    """Dollars for each hour of each GPU under a supply line.

    `rival` is the cheapest on-demand line of the same GPU type, `use` the part of the hours from which on the line is
    cheaper than that; None where there is none, or the line is rented by the hour itself.
    """

    supply: str
    kind: str
    gpu_type: str
    term_months: int | None
    upfront: float
    rent: float
    upkeep: float
    electricity: float
    rival: str | None = None
    use: float | None = None

    @property
    def usd_per_gpu_h(self) -> float:
        return self.upfront + self.rent + self.upkeep + self.electricity


def life_costs(scenario: Scenario) -> tuple[LifeCost, ...]:
    """Every supply line by GPU type, the cheapest first; none where everything is rented by the hour."""
    lines = scenario.supply.lines
    if all(line.offer.hourly for line in lines):
        return ()
    found = [_of(scenario, line) for line in lines]
    hired = [one for one in found if one.kind == "on_demand"]
    return tuple(sorted((_against(one, hired) for one in found), key=lambda one: (one.gpu_type, one.usd_per_gpu_h)))


def _of(scenario: Scenario, line: SupplyLine) -> LifeCost:
    offer, node = line.offer, scenario.node_types[line.offer.node_type]
    gpu_hour = 1.0 / (node.gpus_per_node * line.terms.availability)
    room, power = _of_site(scenario, line)
    return LifeCost(
        supply=line.name,
        kind=offer.kind,
        gpu_type=node.gpu_type,
        term_months=offer.term_months,
        upfront=_annuity(scenario, line) / HOURS_PER_YEAR * gpu_hour,
        rent=offer.usd_per_node_h * gpu_hour,
        upkeep=(offer.support_usd_per_node_year + room) / HOURS_PER_YEAR * gpu_hour,
        electricity=power * gpu_hour,
    )


def _annuity(scenario: Scenario, line: SupplyLine) -> float:
    """USD a year of a node that is paid for ahead."""
    offer, rate = line.offer, scenario.discount_rate
    if offer.term_months is None:
        return 0.0
    recovery = capital_recovery(rate, offer.term_months / MONTHS_PER_YEAR)
    return float(offer.upfront_usd_per_node * recovery * (1.0 + rate) ** -0.5)


def _of_site(scenario: Scenario, line: SupplyLine) -> tuple[float, float]:
    """USD a year of the room of a node, and an hour of its electricity, where they are the planner's to pay."""
    node = scenario.node_types[line.offer.node_type]
    kw = node_power_w(node, scenario.gpu_types[node.gpu_type]) / 1e3
    for one in scenario.supply.facilities:
        if one.site == line.site and line.offer.hosted:
            by_unit = one.colocation_usd_per_unit_month * (node.rack_units or 0.0)
            room = MONTHS_PER_YEAR * (kw * one.colocation_usd_per_kw_month + by_unit)
            return room, kw * one.load * one.pue * one.usd_per_kwh
    return 0.0, 0.0


def _against(one: LifeCost, hired: list[LifeCost]) -> LifeCost:
    rivals = [other for other in hired if other.gpu_type == one.gpu_type and other.rent > 0]
    if one.kind in ("on_demand", "spot") or not rivals:
        return one
    rival = min(rivals, key=lambda other: other.rent)
    return replace(one, rival=rival.supply, use=one.usd_per_gpu_h / rival.rent)


def life_sentence(one: LifeCost) -> str:
    """A committed line against its rival, as in: from 55 % of the hours on cheaper than h100 on demand (3.5)."""
    parts = {"paid ahead": one.upfront, "by the hour": one.rent, "upkeep": one.upkeep, "electricity": one.electricity}
    made_of = ", ".join(f"{name} {usd:.3g}" for name, usd in parts.items() if usd)
    said = (
        f"{one.supply}: {one.usd_per_gpu_h:.4g} USD per GPU-hour over its term of {one.term_months} months ({made_of})"
    )
    if one.use is None:
        return f"{said}; no {one.gpu_type} is offered on demand"
    if one.use >= 1.0:
        return f"{said}; dearer than {one.rival} on demand at any use"
    return f"{said}; cheaper than {one.rival} on demand from {100 * one.use:.3g} % of the hours on"
