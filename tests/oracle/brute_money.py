"""Brute force with all that money can be spent on: lots that share limits, leases, upkeep, and owned nodes sold early.

Every set of sales is tried beside every set of orders. What owned nodes cost and fetch whatever the future brings moves
the cost of all outlooks alike, so it is added to what the oracle finds without it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

from fleetopt.scenario.domain import Period, Scenario
from fleetopt.scenario.supply_domain import Facility, Sale, Stock, SupplyLine, Terms
from tests.oracle.brute_force import Oracle, Pool
from tests.oracle.build import Time
from tests.oracle.draw import Draw


class MoneyOracle(Oracle):
    """The oracle, with sales besides."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.ahead = [line for line in scenario.supply.lines if line not in self.hourly]
        self.gone: Counter[tuple[str, str]] = Counter()

    def effort(self) -> int:
        return super().effort() * math.prod(len(self.partings(stock)) for stock in self.scenario.supply.stock)

    def least_cost(self) -> float | None:
        totals = []
        for choice in product(*(self.partings(stock) for stock in self.scenario.supply.stock)):
            owned = zip(self.scenario.supply.stock, choice, strict=True)
            usd = sum(self.of_owned(stock, parting) for stock, parting in owned)
            self.topped_up.clear()
            rest = super().least_cost()
            if rest is not None:
                totals.append(rest + usd)
        return min(totals, default=None)

    def partings(self, stock: Stock) -> list[tuple[int, ...]]:
        """Every way to sell some nodes in some periods."""
        periods = self.scenario.calendar.periods
        most = [stock.nodes if self.fetches(stock, period.name) is not None else 0 for period in periods]
        ways = product(*(range(many + 1) for many in most))
        return [way for way in ways if sum(way) <= stock.nodes]

    def fetches(self, stock: Stock, period: str) -> float | None:
        sale, at = stock.sale, self.index[period]
        if sale is None or not self.is_there(stock, period):
            return None
        if (sale.first and at < self.index[sale.first]) or (sale.last and at > self.index[sale.last]):
            return None
        changes = [factor for name, factor in sale.price_factors if self.index[name] <= at]
        return sale.usd_per_node * (changes[-1] if changes else 1.0)

    def is_there(self, stock: Stock, period: str) -> bool:
        return stock.last is None or self.index[period] <= self.index[stock.last]

    def of_owned(self, stock: Stock, parting: tuple[int, ...]) -> float:
        """Upkeep, less what is fetched and kept; notes on the way what is gone by when."""
        usd = 0.0
        for period, sold in zip(self.scenario.calendar.periods, parting, strict=True):
            usd -= sold * (self.fetches(stock, period.name) or 0.0) * self.worth(period.name, 0.0)
            gone = sum(parting[: self.index[period.name] + 1])
            self.gone[stock.name, period.name] = gone
            if self.is_there(stock, period.name):
                yearly, pool = stock.support_usd_per_node_year, (stock.node_type, stock.site)
                usd += (stock.nodes - gone) * self.upkeep(yearly, pool, period) * self.worth(period.name, 0.5)
        if stock.sale is not None and stock.last is None:
            usd -= (stock.nodes - sum(parting)) * stock.sale.end_usd_per_node * self.worth(period.name, 1.0)
        return usd

    def upkeep(self, yearly: float, pool: Pool, period: Period) -> float:
        kw = 1.9 * self.gpus(pool) * self.scenario.gpu_types[self.gpu_type(pool)].power_w / 1000.0
        rooms = [f.colocation_usd_per_kw_month for f in self.scenario.supply.facilities if f.site == pool[1]]
        return period.months * (yearly / 12.0 + kw * sum(rooms))

    def prices(self, pool: Pool, time: Time, wanted: int) -> list[float]:
        whole = self.scenario
        left = tuple(replace(s, nodes=s.nodes - self.gone[s.name, time[0]]) for s in whole.supply.stock)
        self.scenario = replace(whole, supply=replace(whole.supply, stock=left))
        found = super().prices(pool, time, wanted)
        self.scenario = whole
        return found

    def service(self, line: SupplyLine, ordered: int) -> tuple[list[str], float] | None:
        found = super().service(line, ordered)
        if found is None or line.offer.kind == "reserved":
            return found
        served, usd = found
        periods = {period.name: period for period in self.scenario.calendar.periods}
        yearly, pool = line.offer.support_usd_per_node_year, (line.offer.node_type, line.site)
        usd += sum(self.upkeep(yearly, pool, periods[name]) * self.worth(name, 0.5) for name in served)
        return served, usd + (self.unused(line, ordered, served) if line.offer.kind == "lease" else 0.0)

    def unused(self, line: SupplyLine, ordered: int, served: list[str]) -> float:
        """What a purchase would have left at the end."""
        offer, periods = line.offer, self.scenario.calendar.periods
        assert offer.term_months is not None
        left = max(0, offer.term_months - len(served) * periods[0].months) / offer.term_months
        paid = offer.upfront_usd_per_node * self.change(line, periods[ordered].name)
        return left * paid * self.worth(periods[-1].name, 1.0)

    def commitments(self) -> Iterator[tuple[float, dict[str, tuple[int, ...]]]]:
        periods = self.scenario.calendar.periods
        choices = [
            (line, index, *served)
            for line, index in product(self.ahead, range(len(periods)))
            if (served := self.service(line, index)) is not None
        ]
        for counts in product(*(self.lots(line) for line, *_ in choices)):
            held = {period.name: Counter[str]() for period in periods}
            ordered = Counter[tuple[str, int]]()
            usd = 0.0
            for (line, index, months_served, per_node), count in zip(choices, counts, strict=True):
                usd += count * per_node
                ordered[line.lot_of or line.name, index] += count
                for period in months_served:
                    held[period][line.name] += count
            if self.within_limits(ordered, held):
                yield usd, {period: self.by_pool(h) for period, h in held.items()}

    def within_limits(self, ordered: Counter[tuple[str, int]], held: dict[str, Counter[str]]) -> bool:
        for first in (line for line in self.ahead if line.lot_of is None):
            lots = [line.name for line in self.ahead if first.name in (line.name, line.lot_of)]
            if first.max_nodes is not None and any(sum(h[n] for n in lots) > first.max_nodes for h in held.values()):
                return False
            most = [n for n in (first.terms.max_order, first.terms.max_delivery) if n is not None]
            if any(count > min(most, default=count) for (name, _), count in ordered.items() if name == first.name):
                return False
        return True


def drawn(random: Random) -> Scenario:
    """A random question with leases, volume prices, upkeep and sales thrown in."""
    scenario = Draw(random).scenario()
    supply = scenario.supply
    lines = [lot for line in supply.lines for lot in _lots(random, line)]
    stock = tuple(_for_sale(random, one, [p.name for p in scenario.calendar.periods]) for one in supply.stock)
    rooms = {f.site: f for f in supply.facilities} | {
        site: replace(
            {f.site: f for f in supply.facilities}.get(site, Facility(site)),
            colocation_usd_per_kw_month=random.choice((0.0, 50.0, 200.0)),
        )
        for site in supply.sites
        if random.random() < 0.4
    }
    return replace(scenario, supply=replace(supply, lines=tuple(lines), stock=stock, facilities=tuple(rooms.values())))


def _lots(random: Random, line: SupplyLine) -> list[SupplyLine]:
    if line.offer.hourly:
        return [line]
    offer = line.offer
    if random.random() < 0.6:
        offer = replace(offer, kind="lease")
    if offer.kind != "reserved" and random.random() < 0.5:
        offer = replace(offer, support_usd_per_node_year=random.choice((500.0, 4000.0)))
    first = replace(line, offer=offer)
    if random.random() < 0.5:
        return [first]
    price = random.choice((0.5, 0.8))
    cheaper = replace(
        offer, usd_per_node_h=offer.usd_per_node_h * price, upfront_usd_per_node=offer.upfront_usd_per_node * price
    )
    terms = replace(line.terms, min_order=max(2, line.terms.min_order), max_order=None, max_delivery=None)
    first = replace(first, terms=replace(first.terms, max_order=random.choice((None, 2, 3))))
    return [_sound(first), SupplyLine(f"{line.name} from 2", line.site, cheaper, None, terms, line.name)]


def _sound(line: SupplyLine) -> SupplyLine:
    """No smallest order above the largest one."""
    terms: Terms = line.terms
    most = terms.max_order
    return line if most is None or terms.min_order <= most else replace(line, terms=replace(terms, min_order=0))


def _for_sale(random: Random, stock: Stock, periods: list[str]) -> Stock:
    supported = replace(stock, support_usd_per_node_year=random.choice((0.0, 1000.0)))
    if random.random() < 0.3:
        return supported
    first, last = sorted(random.choices(periods, k=2))
    sale = Sale(
        random.choice((0.0, 500.0, 3000.0)),
        first if random.random() < 0.5 else None,
        last if random.random() < 0.3 else None,
        ((random.choice(periods), 0.7),) if random.random() < 0.3 else (),
        random.choice((0.0, 800.0)) if stock.last is None else 0.0,
    )
    return replace(supported, sale=sale)
