"""How much traffic a workload's replicas carry together, and how it is spread over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fleetopt.catalog.domain import Role
from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time, named
from fleetopt.verify.tally import Tally, allowance


@dataclass(frozen=True)
class Traffic:
    """Rates of a workload at one time (requests/s). `capacity` is by site and role."""

    asked: float
    planned: float
    achieved: float
    capacity: dict[tuple[str, Role], float]

    @property
    def served(self) -> float:
        return min(self.asked, self.achieved)

    @property
    def shortfall(self) -> float:
        """What the plan leaves unserved, of the demand with its headroom."""
        return max(0.0, self.planned - self.achieved)

    def load_rps(self, row: Placement) -> float:
        """What one replica of a placement carries: the same share of what it could, everywhere.

        With u = served / achieved, an aggregated replica carries u x capacity; a prefill replica at a site
        where prefill could do P and decode D carries u x min(P, D) x capacity / P, a decode replica likewise.
        """
        if self.achieved <= 0 or row.capacity_rps <= 0:
            return 0.0
        used = self.served / self.achieved
        if row.role == "aggregated":
            return used * row.capacity_rps
        whole = self.capacity.get((row.site, row.role), 0.0)
        return used * self.split_at(row.site) * row.capacity_rps / whole if whole > 0 else 0.0

    def split_at(self, site: str) -> float:
        """Split traffic that a site can carry: its prefill and decode replicas share one KV-transfer fabric."""
        return min(self.capacity.get((site, "prefill"), 0.0), self.capacity.get((site, "decode"), 0.0))


def traffic(workload: Workload, time: Time, rows: Iterable[Placement]) -> Traffic:
    """What is achieved: the sum over sites of min(prefill, decode capacity) + aggregated capacity everywhere."""
    capacity: dict[tuple[str, Role], float] = defaultdict(float)
    for row in rows:
        capacity[row.site, row.role] += row.replicas * row.capacity_rps
    asked = workload.demand_rps.get(time, 0.0)
    bare = Traffic(asked, asked * (1.0 + workload.headroom), 0.0, dict(capacity))
    split = sum(bare.split_at(site) for site in {site for site, _ in capacity})
    aggregated = sum(rps for (_, role), rps in capacity.items() if role == "aggregated")
    return Traffic(bare.asked, bare.planned, split + aggregated, bare.capacity)


def all_traffic(facts: Facts) -> dict[tuple[str, Time], Traffic]:
    """The traffic of every workload at every time, served or not."""
    return {
        (name, time): traffic(workload, time, facts.placements.get((name, time), ()))
        for name, workload in facts.workloads.items()
        for time in facts.times
    }


def demand_is_met(facts: Facts, flows: dict[tuple[str, Time], Traffic]) -> Check:
    """Achieved >= demand x (1 + headroom) x (1 - allowed shortfall), for every workload at every time."""
    tally = Tally("demand_is_met", "requests/s", nothing="nothing is asked")
    for (name, time), flow in flows.items():
        required = flow.planned * (1.0 - facts.workloads[name].shortfall.allowed)
        place = f"{name} in {named(time)}: {flow.achieved:.6g} of {required:.6g} requests/s"
        tally.hold(flow.achieved - required, allowance(required), place)
    return tally.check()
