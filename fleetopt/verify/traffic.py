"""How much traffic a workload's replicas carry together, and how it is spread over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fleetopt.catalog.domain import Role
from fleetopt.plan.domain import Placement
from fleetopt.scenario.domain import Workload
from fleetopt.verify.facts import Facts, Time
from fleetopt.verify.patterns import joined

Link: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Traffic:
    """Rates of a workload at one time (requests/s). `capacity` is by link and role, `formats` by config.

    `pattern_rps` is what a node pattern carries, by its name, node type and site.

    A link is a site and a KV format: only replicas that share both can hand a KV cache over.
    """

    asked: float
    planned: float
    achieved: float
    capacity: dict[tuple[Link, Role], float]
    formats: dict[str, str]
    pattern_rps: dict[tuple[str | None, str, str], float] = field(default_factory=dict)

    @property
    def served(self) -> float:
        return min(self.asked, self.achieved)

    @property
    def shortfall(self) -> float:
        """What the plan leaves unserved, of the demand with its headroom."""
        return max(0.0, self.planned - self.achieved)

    def load_rps(self, row: Placement) -> float:
        """What one replica of a placement carries: the same share of what it could, everywhere.

        With u = served / achieved, an aggregated replica carries u x capacity; a prefill replica on a link
        where prefill could do P and decode D carries u x min(P, D) x capacity / P, a decode replica likewise. One of
        n alike in a node pattern carries u x what the pattern does / n.
        """
        if self.achieved <= 0 or row.capacity_rps <= 0:
            return 0.0
        used = self.served / self.achieved
        if row.pattern is not None:
            whole = self.pattern_rps.get((row.pattern, row.node_type, row.site), 0.0)
            return used * whole / row.pattern_replicas if row.pattern_replicas else 0.0
        if row.role == "aggregated":
            return used * row.capacity_rps
        link = (row.site, self.formats.get(row.config, ""))
        whole = self.capacity.get((link, row.role), 0.0)
        return used * self.split_on(link) * row.capacity_rps / whole if whole > 0 else 0.0

    def split_on(self, link: Link) -> float:
        """Split traffic that a link can carry: the lesser of its prefill and its decode capacity."""
        return min(self.capacity.get((link, "prefill"), 0.0), self.capacity.get((link, "decode"), 0.0))


def traffic(workload: Workload, time: Time, rows: Iterable[Placement], formats: dict[str, str]) -> Traffic:
    """What is achieved: the sum over links of min(prefill, decode capacity) + aggregated capacity everywhere."""
    capacity: dict[tuple[Link, Role], float] = defaultdict(float)
    patterns: dict[tuple[str | None, str, str], float] = {}
    for row in joined(rows):
        if row.pattern is not None:
            patterns[row.pattern, row.node_type, row.site] = row.capacity_rps
        capacity[(row.site, formats.get(row.config, "")), row.role] += (
            max(0.0, row.replicas - row.lost_replicas) * row.capacity_rps
        )
    asked = workload.demand_rps.get(time, 0.0)
    bare = Traffic(asked, asked * (1.0 + workload.headroom), 0.0, dict(capacity), formats, patterns)
    split = sum(bare.split_on(link) for link in dict.fromkeys(link for link, _ in capacity))
    aggregated = sum(rps for (_, role), rps in capacity.items() if role == "aggregated")
    return replace(bare, achieved=split + aggregated)


def kv_formats(facts: Facts, model: str) -> dict[str, str]:
    """Engine and precision by config of a model: 'vllm fp8'."""
    llm = facts.scenario.models.get(model)
    configs = [candidate.config for candidate in llm.candidates] if llm else []
    return {config.name: f"{config.engine.split()[0]} {config.precision}" for config in configs}


def arriving_traffic(facts: Facts) -> dict[tuple[str, Time], Traffic]:
    """The traffic of every workload at every time, served or not; batch work asks for all of it at each."""
    formats = {workload.model: kv_formats(facts, workload.model) for workload in facts.workloads.values()}
    return {
        (name, time): traffic(workload, time, facts.placements.get((name, time), ()), formats[workload.model])
        for name, workload in facts.workloads.items()
        for time in facts.times
    }
