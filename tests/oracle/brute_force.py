"""The least cost of a tiny scenario by trying everything, from the definitions of the scenario alone.

Nothing is shared with fleetopt.optimizer, and there is no solver.

1. For each workload at each time, every vector of replicas up to the count that would carry all of its demand
   alone. A vector that serves the demand, or all but the allowed shortfall, leaves two things behind: how many
   replicas of each size must stand in each pool, and the dollars of the shortfall.
2. All choices of one vector per workload. Each is turned into nodes per pool by exact bin packing. Choices that
   need no fewer nodes in any pool and no less shortfall money than another are dropped.
3. Every way to order committed nodes. At each time, every remaining choice is topped up with the cheapest hourly
   nodes, and the cheapest that limits and quotas admit is taken. The best total is the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeAlias

from fleetopt.catalog.domain import Candidate, DecodeProfile, PrefillProfile, RateProfile, Role
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import SupplyLine
from tests.oracle.build import Time, times
from tests.oracle.definitions import fewest_nodes, together
from tests.oracle.losses import Stands, lost_at_once, survives

Pool: TypeAlias = tuple[str, str]
NEARLY = 1e-9


class Way(NamedTuple):
    """A way to run a workload: in a role on a pool, with so many GPUs for so many requests/s.

    `shared` is for replicas behind one queue: the prompts/s that each turns around, and their mean TTFT promised.
    """

    role: Role
    pool: Pool
    gpus: int
    rps: float
    precision: str
    shared: tuple[float, float] | None

    def carries(self, replicas: int) -> float:
        return replicas * self.rps if self.shared is None or not replicas else together(replicas, *self.shared)


class Need(NamedTuple):
    """What a choice takes: counts in a fixed order of keys, and the dollars of its shortfall."""

    counts: tuple[int, ...]
    usd: float


def capacity_rps(candidate: Candidate, workload: Workload) -> float:
    """A stated rate as it is; prefill as an M/M/1 queue at its mean TTFT; decode at its largest batch in time."""
    profile = candidate.profile
    if isinstance(profile, RateProfile):
        return profile.points[0].rate_rps
    if isinstance(profile, PrefillProfile):
        assert workload.ttft is not None
        return profile.points[0].tokens_per_s / workload.input_tokens - 1.0 / workload.ttft.limit_s
    assert isinstance(profile, DecodeProfile)
    assert workload.tpot is not None
    # The promised TPOT is one of those measured, so that nothing needs to be interpolated.
    batch, tpot_s = max((p.batch, p.tpot_s) for p in profile.points if p.tpot_s <= workload.tpot.limit_s)
    return batch / tpot_s / workload.output_tokens


def least(needs: Iterable[Need]) -> list[Need]:
    """Those needs than which no other takes less or as much of everything."""
    kept: list[Need] = []
    for need in sorted(set(needs), key=lambda one: (sum(one.counts), one.usd)):
        if not any(o.usd <= need.usd and all(a <= b for a, b in zip(o.counts, need.counts, strict=True)) for o in kept):
            kept.append(need)
    return kept


class Oracle:
    """Everything there is to try about one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        supply, calendar = scenario.supply, scenario.calendar
        held = [(line.offer.node_type, line.site) for line in supply.lines]
        self.pools = sorted({*held, *((stock.node_type, stock.site) for stock in supply.stock)})
        self.times = times(calendar)
        self.hours = {(t.name, h.name): t.days * h.hours_per_day for t in calendar.periods for h in calendar.slots}
        self.share = {outlook.name: outlook.probability for outlook in calendar.outlooks}
        self.outlooks = {outlook.name: outlook for outlook in calendar.outlooks}
        self.index = {period.name: index for index, period in enumerate(calendar.periods)}
        self.hourly = [line for line in supply.lines if line.offer.kind in ("on_demand", "spot")]
        self.ahead = [line for line in supply.lines if line.offer.kind in ("reserved", "purchase")]
        self.topped_up: dict[tuple[Time, tuple[int, ...]], float | None] = {}

    @cached_property
    def needs(self) -> dict[Time, list[Need]]:
        return {time: self.fleets(time) for time in self.times}

    def effort(self) -> int:
        vectors = 0
        for workload, rps in ((w, rps) for w in self.scenario.workloads for rps in w.demand_rps.values()):
            planned = rps * (1.0 + workload.headroom) / min(o.capacity_factor for o in self.outlooks.values())
            lost = [lost_at_once(self.scenario, workload, way.pool, way.gpus) for way in self.ways(workload)]
            counts = (math.ceil(planned / way.rps) for way in self.ways(workload))
            vectors += math.prod(count + 2 + many for count, many in zip(counts, lost, strict=True))
        orders = [line.max_nodes or 3 for line in self.ahead for _ in self.scenario.calendar.periods]
        return vectors + math.prod(many + 1 for many in orders) * len(self.times)

    def gpus(self, pool: Pool) -> int:
        return self.scenario.node_types[pool[0]].gpus_per_node

    def gpu_type(self, pool: Pool) -> str:
        return self.scenario.node_types[pool[0]].gpu_type

    def ways(self, workload: Workload) -> list[Way]:
        found = []
        for candidate, pool in product(self.scenario.models[workload.model].candidates, self.pools):
            config = candidate.config
            nodes = self.scenario.node_types.values()
            largest = max((n.gpus_per_node for n in nodes if n.gpu_type == config.gpu_type), default=0)
            # Only nodes of the largest kind are joined to carry one replica.
            fits = config.gpus_per_replica <= self.gpus(pool) or self.gpus(pool) == largest
            open_here = workload.sites is None or pool[1] in workload.sites
            if (
                self.gpu_type(pool) == config.gpu_type
                and fits
                and open_here
                and workload.allows(config, candidate.role)
            ):
                rps = capacity_rps(candidate, workload)
                shared = None
                if workload.pooled and isinstance(candidate.profile, PrefillProfile):
                    assert workload.ttft is not None
                    shared = rps + 1.0 / workload.ttft.limit_s, workload.ttft.limit_s
                found.append(Way(candidate.role, pool, config.gpus_per_replica, rps, config.precision, shared))
        return found

    def replicas(self, workload: Workload, time: Time, slots: list[tuple[Pool, int]]) -> list[Need]:
        """Step 1: replicas of each (pool, size) that serve the workload at a time."""
        ways = self.ways(workload)
        # A replica that carries less is a demand that is larger.
        demand = workload.demand_rps[time] * (1.0 + workload.headroom) / self.outlooks[time[2]].capacity_factor
        spares = [dict(workload.spares).get(way.role, 0) for way in ways]
        allowed = workload.shortfall.allowed * demand
        tokens = 3600.0 * self.hours[time[:2]] * (workload.input_tokens + workload.output_tokens)
        tokens *= self.outlooks[time[2]].capacity_factor
        lost = [lost_at_once(self.scenario, workload, way.pool, way.gpus) for way in ways]
        extra = map(max, spares, lost)
        most = [math.ceil(demand / way.rps - NEARLY) + more for way, more in zip(ways, extra, strict=True)]
        found = []
        for counts in product(*(range(many + 1) for many in most)):
            left = [max(0, count - spare) for count, spare in zip(counts, spares, strict=True)]
            there = [Stands(w.role, w.pool, w.precision, w.gpus, n, w.rps) for w, n in zip(ways, counts, strict=True)]
            if not survives(self.scenario, workload, demand / (1.0 + workload.headroom), there):
                continue
            missing = max(0.0, demand - _carried(list(zip(ways, left, strict=True))))
            if missing > allowed + NEARLY * demand:
                continue
            stands = Counter[tuple[Pool, int]]()
            for way, count in zip(ways, counts, strict=True):
                stands[way.pool, way.gpus] += count
            usd = 0.0 if missing <= NEARLY * demand else missing * tokens / 1e6 * self._shortfall_usd(workload)
            found.append(Need(tuple(stands[slot] for slot in slots), usd))
        return least(found)

    @staticmethod
    def _shortfall_usd(workload: Workload) -> float:
        return workload.shortfall.usd_per_million_tokens

    def fleets(self, time: Time) -> list[Need]:
        """Step 2: nodes in each pool that serve all workloads at a time."""
        ways = [way for workload in self.scenario.workloads for way in self.ways(workload)]
        slots = sorted({(way.pool, way.gpus) for way in ways})
        each = [self.replicas(workload, time, slots) for workload in self.scenario.workloads]
        found = []
        for choice in product(*each):
            together = [sum(counts) for counts in zip(*(need.counts for need in choice), strict=True)]
            nodes = []
            for pool in self.pools:
                sizes = [size for (at, size), n in zip(slots, together, strict=True) if at == pool for _ in range(n)]
                nodes.append(fewest_nodes(tuple(sorted(sizes)), self.gpus(pool)))
            found.append(Need(tuple(nodes), sum(need.usd for need in choice)))
        return least(found)

    def least_cost(self) -> float | None:
        """Step 3."""
        if not all(self.needs.values()):
            return None
        totals = []
        for usd, held in self.commitments():
            costs = {time: self.at(time, held[time[0]]) for time in self.times}
            if None not in costs.values():
                by_outlook = dict.fromkeys(self.share, usd)
                for time, cost in costs.items():
                    by_outlook[time[2]] += (cost or 0.0) * self.worth(time[0], 0.5)
                totals.append(self.weighed(by_outlook))
        return min(totals, default=None)

    def weighed(self, usd: dict[str, float]) -> float:
        """The expectation, or its weighing with the mean of the dearest outlooks that fill the tail."""
        expected, risk = sum(self.share[name] * cost for name, cost in usd.items()), self.scenario.risk
        if risk is None:
            return expected
        left, tail = 1.0 - risk.level, 0.0
        for name in sorted(usd, key=lambda one: usd[one], reverse=True):
            taken = min(left, self.share[name])
            left, tail = left - taken, tail + taken * usd[name]
        return (1.0 - risk.weight) * expected + risk.weight * tail / (1.0 - risk.level)

    def worth(self, period: str, into: float) -> float:
        """What a dollar paid so far into a period is worth at the start."""
        months = self.scenario.calendar.periods[0].months
        return float((1.0 + self.scenario.discount_rate) ** (-(self.index[period] + into) * months / 12.0))

    def is_open(self, line: SupplyLine, period: str) -> bool:
        at, terms = self.index[period], line.terms
        late = terms.first is not None and at < self.index[terms.first]
        return not late and (terms.last is None or at <= self.index[terms.last])

    def change(self, line: SupplyLine, period: str) -> float:
        """The price change that was announced last."""
        known = [(self.index[name], factor) for name, factor in line.terms.price_factors]
        return max(((at, f) for at, f in known if at <= self.index[period]), default=(0, 1.0))[1]

    def commitments(self) -> Iterator[tuple[float, dict[str, tuple[int, ...]]]]:
        """Every set of orders: what it costs, and the nodes that it holds in each pool by period."""
        periods = self.scenario.calendar.periods
        choices = []
        for line, (index, _) in product(self.ahead, enumerate(periods)):
            if (served := self.service(line, index)) is not None:
                choices.append((line, *served))
        for counts in product(*(self.lots(line) for line, _, _ in choices)):
            held = {period.name: Counter[str]() for period in periods}
            usd = 0.0
            for (line, months_served, per_node), count in zip(choices, counts, strict=True):
                usd += count * per_node
                for period in months_served:
                    held[period][line.name] += count
            if all(
                line.max_nodes is None or h[line.name] <= line.max_nodes for h in held.values() for line in self.ahead
            ):
                yield usd, {period: self.by_pool(h) for period, h in held.items()}

    def lots(self, line: SupplyLine) -> list[int]:
        """Quantities that an order may have."""
        terms = line.terms
        limits = [limit for limit in (terms.max_order, terms.max_delivery) if limit is not None]
        most = min([max(self.most(line), terms.min_order), *limits])
        return [0, *range(max(1, terms.min_order), most + 1)]

    def by_pool(self, held: Mapping[str, int]) -> tuple[int, ...]:
        pools = [(line, (line.offer.node_type, line.site)) for line in self.ahead]
        return tuple(sum(held[line.name] for line, at in pools if at == pool) for pool in self.pools)

    def most(self, line: SupplyLine) -> int:
        """Nodes beyond which another is of no use at any time."""
        index = self.pools.index((line.offer.node_type, line.site))
        useful = max(need.counts[index] for needs in self.needs.values() for need in needs)
        return useful if line.max_nodes is None else min(useful, line.max_nodes)

    def service(self, line: SupplyLine, ordered: int) -> tuple[list[str], float] | None:
        """Periods in which a node ordered in a period is held, and what it costs in all; None if it comes too late."""
        offer, periods = line.offer, self.scenario.calendar.periods
        assert offer.term_months is not None
        first = ordered + math.ceil(offer.lead_time_months / periods[0].months)
        served = periods[first : first + math.ceil(offer.term_months / periods[0].months)]
        if not served or not self.is_open(line, periods[ordered].name):
            return None
        months = sum(period.months for period in served)
        unexpired = max(0, offer.term_months - months) / offer.term_months
        running = sum(24.0 * p.days * offer.usd_per_node_h * self.worth(p.name, 0.5) for p in served)
        kept = self.worth(periods[ordered].name, 0.0) - unexpired * self.worth(periods[-1].name, 1.0)
        usd = (running + offer.upfront_usd_per_node * kept) * self.change(line, periods[ordered].name)
        return [period.name for period in served], usd

    def at(self, time: Time, held: tuple[int, ...]) -> float | None:
        """The least cost of a time, given the committed nodes of each pool; None if the demand cannot be met."""
        key = (time, held)
        if key not in self.topped_up:
            costs = [self.top_up(time, held, need) for need in self.needs[time]]
            self.topped_up[key] = min((cost for cost in costs if cost is not None), default=None)
        return self.topped_up[key]

    def top_up(self, time: Time, held: tuple[int, ...], need: Need) -> float | None:
        nodes = [max(pair) for pair in zip(held, need.counts, strict=True)]
        if not self.within_quotas(time, nodes) or not self.within_power(nodes):
            return None
        usd = need.usd
        for pool, have, wanted in zip(self.pools, held, nodes, strict=True):
            prices = self.prices(pool, time, wanted - have)
            if len(prices) < wanted - have:
                return None
            usd += self.hours[time[:2]] * sum(sorted(prices)[: wanted - have])
        return usd

    def within_power(self, nodes: list[int]) -> bool:
        """Nameplates nobody states: 1.9 times the boards of the GPUs."""
        for facility in self.scenario.supply.facilities:
            watts = sum(
                n * 1.9 * self.gpus(pool) * self.scenario.gpu_types[self.gpu_type(pool)].power_w
                for pool, n in zip(self.pools, nodes, strict=True)
                if pool[1] == facility.site
            )
            if facility.power_w is not None and watts > facility.power_w * (1.0 + NEARLY):
                return False
        return True

    def prices(self, pool: Pool, time: Time, wanted: int) -> list[float]:
        """The hourly price of every node that may be added to a pool, up to so many of each supply."""
        found: list[float] = []
        for line in self.hourly:
            if (line.offer.node_type, line.site) == pool and self.is_open(line, time[0]):
                many = wanted if line.max_nodes is None else min(wanted, line.max_nodes)
                usd = line.offer.usd_per_node_h * self.change(line, time[0]) * self.outlooks[time[2]].price_factor
                found += [usd] * many
        for stock in self.scenario.supply.stock:
            there = stock.last is None or self.index[time[0]] <= self.index[stock.last]
            if (stock.node_type, stock.site) == pool and there:
                found += [stock.usd_per_node_h] * min(wanted, stock.nodes)
        return found

    def within_quotas(self, time: Time, nodes: list[int]) -> bool:
        for quota in self.scenario.supply.quotas:
            for site in self.scenario.supply.sites:
                gpus = sum(
                    n * self.gpus(pool)
                    for pool, n in zip(self.pools, nodes, strict=True)
                    if pool[1] == site and self.gpu_type(pool) == quota.gpu_type
                )
                if quota.site in (None, site) and quota.period in (None, time[0]) and gpus > quota.max_gpus:
                    return False
        return True


def _carried(replicas: list[tuple[Way, int]]) -> float:
    """Requests/s: aggregated replicas anywhere; at each site and precision the lesser of prefill and decode."""
    rps: dict[tuple[Role, str, str], float] = {}
    for way, count in replicas:
        key = (way.role, way.pool[1], way.precision)
        rps[key] = rps.get(key, 0.0) + way.carries(count)
    aggregated = sum(carried for (role, _, _), carried in rps.items() if role == "aggregated")
    links = {(site, precision) for _, site, precision in rps}
    split = (min(rps.get(("prefill", *link), 0.0), rps.get(("decode", *link), 0.0)) for link in links)
    return aggregated + sum(split)
