"""Facilities: a site has so much power and so many rack units, and its electricity and carbon cost money.

    sum_l watts[i(l)] fielded[l,t,h,o]  <=  power[s]              l at s                    (power_is_enough)
    sum_l units[i(l)] fielded[l,t,h,o]  <=  rack_units[s]         l at s                    (racks_are_enough)
    cost[electricity,t,h,o,l]  +=  kwh[l,t,h] usd[s] fielded[l,t,h,o]      l owned, leased or purchased
    cost[carbon,t,h,o,l]       +=  kwh[l,t,h] grams[s] / 1e6 usd_per_tonne fielded[l,t,h,o]
    sum_l,t,h kwh[l,t,h] grams[s] / 1e6 fielded[l,t,h,o]  <=  max_tonnes                    (carbon_is_capped)

Symbols  watts[i] nameplate W of a node (catalog; docs say where it is assumed), units[i] rack units; kwh[l,t,h] =
         watts[i(l)] load[s] pue[s] hours[t,h] / 1000 of one node; usd[s] USD/kWh, grams[s] g/kWh (scenario.supply).
Ledgers  reads fielded; posts cost.     Shape  up to two rows per site, period, slot and outlook; one per outlook.
Dual     USD per W, per rack unit, per tonne.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.ledgers import CostKey, Ledgers, SupplyKey
from fleetopt.optimizer.rules import Limit, Rules
from fleetopt.scenario.supply_domain import Facility


class Facilities(Feature):
    def price(self, model: Any, case: PlanningCase, ledgers: Ledgers) -> None:
        for supply, facility in _hosted(case):
            for t, h, o in case.times:
                kwh = kwh_per_node(case, facility, supply, t, h)
                tonnes = kwh * facility.carbon_g_per_kwh / 1e6
                lines = {"electricity": kwh * facility.usd_per_kwh if supply in case.self_powered else 0.0}
                lines["carbon"] = tonnes * case.carbon.usd_per_tonne
                for line, usd in lines.items():
                    terms = ledgers.fielded.posted(SupplyKey(supply, t, h, o)) if usd > 0 else ()
                    for term in terms:
                        ledgers.cost.post(CostKey(line, t, h, o, facility.site, supply), usd * term)

    def constrain(self, model: Any, case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        for site, room in ((facility.site, room) for facility in case.facilities for room in _rooms(facility, case)):
            here = [supply for supply, pool in case.pool_of.items() if pool[1] == site]
            for time in case.times if here else ():
                taken = sum(
                    room.per_node(case.pool_of[s][0]) * ledgers.fielded.total(SupplyKey(s, *time)) for s in here
                )
                where = "/".join((site, *time))
                limit = Limit(f"{room.what} of {site}", "supply", where, room.unit, room.most)
                rules.at_most(room.sentence, (site, *time), taken, room.most, limit)
        self._cap_carbon(case, ledgers, rules)

    @staticmethod
    def _cap_carbon(case: PlanningCase, ledgers: Ledgers, rules: Rules) -> None:
        most = case.carbon.max_tonnes
        for outlook in case.probability if most is not None else ():
            assert most is not None
            emitted = sum(
                kwh_per_node(case, facility, supply, t, h)
                * facility.carbon_g_per_kwh
                / 1e6
                * ledgers.fielded.total(SupplyKey(supply, t, h, o))
                for supply, facility in _hosted(case)
                for t, h, o in case.times
                if o == outlook
            )
            limit = Limit("carbon cap", "supply", outlook, "t", most)
            rules.at_most("carbon_is_capped", (outlook,), emitted, most, limit)


class _Room(NamedTuple):
    """Something a site has so much of, and each node takes some of."""

    sentence: str
    what: str
    unit: str
    most: float
    per_node: Callable[[str], float]


def _rooms(facility: Facility, case: PlanningCase) -> Iterator[_Room]:
    if facility.power_w is not None:
        yield _Room("power_is_enough", "power", "W", facility.power_w, case.node_power_w)
    if facility.rack_units is not None:
        yield _Room("racks_are_enough", "rack units", "rack units", facility.rack_units, case.node_rack_units)


def kwh_per_node(case: PlanningCase, facility: Facility, supply: str, period: str, slot: str) -> float:
    """KWh that a node in service draws over a slot of a period."""
    watts = case.node_power_w(case.pool_of[supply][0]) * facility.load * facility.pue
    return watts * case.hours[period, slot] / 1e3


def _hosted(case: PlanningCase) -> Iterator[tuple[str, Facility]]:
    """Every supply line at a site with a facility."""
    facilities = {facility.site: facility for facility in case.facilities}
    for supply, (_, site) in case.pool_of.items():
        if site in facilities:
            yield supply, facilities[site]
