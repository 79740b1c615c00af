"""Posts the figures that follow from a plan's decisions: loads, outcomes, cost lines and their sharing out.

Written for these tests, from the semantics of a plan and not from the code under test.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from fleetopt.plan.domain import ALL, CostLine, Placement, Plan, RoleOutcome, WorkloadCost, WorkloadOutcome
from fleetopt.plan.provenance import EvidenceLine
from fleetopt.scenario.domain import Scenario, Workload


class Books:
    """One plan being completed."""

    def __init__(self, plan: Plan, asked: Scenario) -> None:
        self.plan, self.asked = plan, asked
        self.costs: list[CostLine] = []
        self.outcomes: list[WorkloadOutcome] = []
        self.placements: list[Placement] = []
        self.offers = {line.name: line.offer for line in asked.supply.lines}
        self.chance = {o.name: o.probability for o in asked.calendar.outlooks} | {ALL: 1.0}
        self.days = {p.name: p.days for p in asked.calendar.periods}
        self.daily = {s.name: s.hours_per_day for s in asked.calendar.slots} | {ALL: 24.0}

    def hours(self, row: Any) -> float:
        return self.days[row.period] * self.daily[row.slot]

    def post(self, line: str, where: tuple[str, str, str], site: str, item: str, usd: float) -> None:
        period, slot, outlook = where
        chance = self.chance[outlook]
        key = {"period": period, "slot": slot, "outlook": outlook, "site": site, "item": item}
        self.costs.append(CostLine(line=line, probability=chance, usd=usd, **key))

    def serve(self, workload: Workload, time: tuple[str, str, str]) -> None:
        rows = [r for r in self.plan.placements if (r.workload, r.period, r.slot, r.outlook) == (workload.name, *time)]
        whole: dict[tuple[str, str], float] = defaultdict(float)
        for row in rows:
            whole[row.site, row.role] += row.replicas * row.capacity_rps
        split = {site: min(whole[site, "prefill"], whole[site, "decode"]) for site in self.asked.supply.sites}
        achieved = sum(split.values()) + sum(whole[site, "aggregated"] for site in self.asked.supply.sites)
        asked = workload.demand_rps[time]
        served = min(asked, achieved)
        use = served / achieved if achieved else 0.0
        loaded = []
        for row in rows:
            ratio = use * (1.0 if row.role == "aggregated" else split[row.site] / (whole[row.site, row.role] or 1.0))
            loaded.append(row.model_copy(update={"load_rps": ratio * row.capacity_rps, "utilization": ratio}))
        self.placements += loaded
        self.outcomes.append(self.outcome(workload, time, loaded, (asked, achieved, served)))
        missing = max(0.0, asked * (1 + workload.headroom) - achieved)
        tokens = missing * self.days[time[0]] * self.daily[time[1]] * 3600 * workload.tokens_per_request / 1e6
        if tokens:
            self.post("shortfall", time, "", workload.name, tokens * workload.shortfall.usd_per_million_tokens)

    def outcome(
        self, w: Workload, time: tuple[str, str, str], rows: list[Placement], rates: tuple[float, float, float]
    ) -> WorkloadOutcome:
        asked, achieved, served = rates
        planned = asked * (1 + w.headroom)
        ttft = max((r.ttft_s for r in rows if r.ttft_s is not None and r.load_rps > 0), default=None)
        tpot = max((r.tpot_s for r in rows if r.tpot_s is not None and r.load_rps > 0), default=None)
        figures: dict[str, Any] = {"ttft_s": ttft, "tpot_s": tpot}
        for name, value, limit in (("ttft", ttft, w.ttft), ("tpot", tpot, w.tpot)):
            figures[f"{name}_limit_s"] = limit.limit_s if limit else None
            figures[f"{name}_at"] = limit.at if limit else None
            figures[f"{name}_margin_s"] = limit.limit_s - value if limit and value is not None else None
        return WorkloadOutcome(
            workload=w.name, model=w.model, period=time[0], slot=time[1], outlook=time[2], asked_rps=asked,
            planned_rps=planned, achieved_rps=achieved, served_rps=served,
            shortfall_rps=max(0.0, planned - achieved), asked_tokens_per_s=asked * w.tokens_per_request,
            achieved_tokens_per_s=achieved * w.tokens_per_request,
            headroom=achieved / asked - 1 if asked else 0.0,
            roles=tuple(
                self.role(w, role, [r for r in rows if r.role == role], planned / served if served else 0.0)
                for role in dict.fromkeys(r.role for r in rows)
            ), **figures,
        )  # fmt: skip

    def role(self, w: Workload, role: Any, rows: list[Placement], scale: float) -> RoleOutcome:
        replicas = sum(r.replicas for r in rows)
        capacity = math.fsum(r.replicas * r.capacity_rps for r in rows)
        carried = math.fsum(r.replicas * r.load_rps for r in rows)
        fresh = w.input_tokens * (1 - w.prefix_cache_hit_rate)
        tokens = {"prefill": fresh, "decode": w.output_tokens, "aggregated": w.tokens_per_request}[role]
        return RoleOutcome(
            role=role, replicas=replicas, gpus=sum(r.replicas * r.gpus_per_replica for r in rows),
            needed_replicas=replicas * carried * scale / capacity if capacity else 0.0, carried_rps=carried,
            capacity_rps=capacity, tokens_per_s=capacity * tokens, utilization=carried / capacity if capacity else 0.0,
        )  # fmt: skip

    def pay_for_nodes(self) -> None:
        once: dict[tuple[str, str, str], float] = {}
        for row in self.plan.fleet:
            where = (row.period, row.slot, row.outlook)
            if row.kind in {"on_demand", "spot", "owned"}:
                self.post(row.kind, where, row.site, row.supply, row.nodes * self.hours(row) * row.usd_per_node_h)
            else:
                once[row.supply, row.site, row.period] = row.nodes * self.days[row.period] * 24 * row.usd_per_node_h
        for (supply, site, period), usd in once.items():
            line = "reserved" if self.offers[supply].kind == "reserved" else "purchase_running"
            self.post(line, (period, ALL, ALL), site, supply, usd)
        names = list(self.days)
        for order in self.plan.orders:
            term = self.offers[order.supply].term_months or 1
            months = 3 * (names.index(order.last_period) - names.index(order.in_service) + 1)
            left = order.upfront_usd * max(0, term - months) / term
            if order.upfront_usd:
                self.post("upfront", (order.order_by, ALL, ALL), order.site, order.supply, order.upfront_usd)
            if left:
                self.post("residual_value", (names[-1], ALL, ALL), order.site, order.supply, -left)

    def share_out(self) -> tuple[WorkloadCost, ...]:
        usd: dict[tuple[str, str], float] = defaultdict(float)
        hours: dict[str, float] = defaultdict(float)
        total: dict[str, float] = defaultdict(float)
        for line in self.costs:
            total[line.item] += line.usd * line.probability
            if line.line == "shortfall":
                usd[line.item, line.period] += line.usd * line.probability
        for row in self.plan.fleet:
            hours[row.supply] += row.nodes * self.hours(row) * self.chance[row.outlook]
        for row in self.plan.fleet:
            cost = row.nodes * self.hours(row) * self.chance[row.outlook] * total[row.supply] / (hours[row.supply] or 1)
            place = (row.site, row.period, row.slot, row.outlook)
            users = [p for p in self.plan.placements if (p.site, p.period, p.slot, p.outlook) == place]
            used = sum(p.replicas * p.node_gpus_per_replica for p in users)
            for p in users:
                usd[p.workload, p.period] += cost * p.replicas * p.node_gpus_per_replica / (used or 1)
            if not used:
                usd["(unused)", row.period] += cost
        periods = list(self.days)
        spent = [(w.name, w.model, period) for w in self.asked.workloads for period in periods]
        spent += [("(unused)", "", period) for period in periods if ("(unused)", period) in usd]
        return tuple(self.workload_cost(*who, usd[who[0], who[2]]) for who in spent)

    def workload_cost(self, name: str, model: str, period: str, usd: float) -> WorkloadCost:
        weigh = [
            (o, self.hours(o) * self.chance[o.outlook])
            for o in self.outcomes
            if (o.workload, o.period) == (name, period)
        ]
        size = {w.name: w.tokens_per_request for w in self.asked.workloads}
        tokens = sum(o.served_rps * 3600 * hours * size[name] / 1e6 for o, hours in weigh)
        gpu_hours = sum(role.gpus * hours for o, hours in weigh for role in o.roles)
        unit = usd / tokens if tokens else None
        return WorkloadCost(
            workload=name, model=model, period=period, usd=usd, gpu_hours=gpu_hours, million_tokens=tokens,
            usd_per_million_tokens=unit,
        )  # fmt: skip


def _complete(plan: Plan, asked: Scenario) -> Plan:
    books = Books(plan, asked)
    calendar = asked.calendar
    for workload in asked.workloads:
        for period in calendar.periods:
            for slot in calendar.slots:
                for outlook in calendar.outlooks:
                    books.serve(workload, (period.name, slot.name, outlook.name))
    books.pay_for_nodes()
    objective = math.fsum(line.usd * line.probability for line in books.costs)
    figures = {"placements": tuple(books.placements), "workloads": tuple(books.outcomes), "costs": tuple(books.costs)}
    shared = books.share_out()
    plan = plan.model_copy(update=figures | {"objective_usd": objective, "workload_costs": shared})
    return plan.model_copy(
        update={"provenance": plan.provenance.model_copy(update={"evidence": _evidence(plan, asked)})}
    )


def _evidence(plan: Plan, asked: Scenario) -> tuple[EvidenceLine, ...]:
    """What the scenario says of the profiles in use; nothing for what it does not have."""
    used = dict.fromkeys((row.model, row.config, row.role) for row in plan.placements)
    sources = {
        (model, c.config.name, c.role): c.profile.provenance
        for model, llm in asked.models.items()
        for c in llm.candidates
    }
    return tuple(
        EvidenceLine(model=k[0], config=k[1], role=k[2], evidence=sources[k].evidence, source=sources[k].source)
        for k in used
        if k in sources
    )


@pytest.fixture
def complete() -> Callable[[Plan, Scenario], Plan]:
    """Completes a plan that holds decisions only: placements, fleet and orders."""
    return _complete
