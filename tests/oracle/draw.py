"""Random questions, small enough to be tried out in full and odd enough to be worth it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TypedDict

from fleetopt.catalog.domain import ROLES, Candidate, OfferKind, Role
from fleetopt.scenario.domain import Calendar, Risk, Scenario, Workload
from fleetopt.scenario.supply_domain import Facility, Quota, Stock, SupplyLine, Terms
from tests.oracle import build

RATES = (0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
PRICES = (0.5, 1.0, 2.0, 3.0, 4.0, 7.0, 9.0)


class Where(TypedDict):
    """What a config runs on, and for which model."""

    gpus: int
    gpu: str
    model: str
    precision: str


class Draw:
    """One random question: the same for generators in the same state."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sites = ("east", "west")[: self.random.choice((1, 1, 2))]
        self.models = ("m", "n")[: self.random.choice((1, 2))]
        self.calendar = self.draw_calendar()
        self.nodes = self.draw_nodes()
        self.sizes = (1, 2, 3, 4) if self.random.random() < 0.15 else (1, 2, 4)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def draw_calendar(self) -> Calendar:
        periods = self.random.choice((1, 1, 2, 3))
        slots = self.random.choice(((24.0,), (8.0, 16.0), (6.0, 18.0)))
        outlooks = self.random.choice(((1.0,), (0.25, 0.75), (0.5, 0.5)))
        over = build.calendar(periods, slots, outlooks, months=self.random.choice((1, 3)), days=30)
        changed = (
            replace(o, price_factor=self.random.choice((1.0, 1.5)), capacity_factor=self.random.choice((1.0, 1.0, 0.8)))
            for o in over.outlooks
        )
        return replace(over, outlooks=tuple(changed)) if len(outlooks) > 1 and self.chance(0.3) else over

    def draw_nodes(self) -> dict[str, list[int]]:
        """Node sizes of one or two GPU types."""
        gpus = ("A", "B")[: self.random.choice((1, 2))]
        return {gpu: self.random.sample((1, 2, 4, 8), self.random.choice((1, 1, 2))) for gpu in gpus}

    def draw_candidates(self) -> list[Candidate]:
        split: tuple[Role, ...] = ("prefill", "decode")
        styles: tuple[tuple[Role, ...], ...] = (("aggregated",), split, (*split, "aggregated"))
        return [
            self.draw_candidate(model, role, index)
            for model in self.models
            for role in self.random.choice(styles)
            for index in range(self.random.choice((1, 1, 2, 3)))
        ]

    def draw_candidate(self, model: str, role: Role, index: int) -> Candidate:
        gpu = self.random.choice(list(self.nodes))
        size = self.random.choice(self.sizes)
        # One engine in two precisions: prefill and decode of different ones must not be paired.
        precision = "bf16" if self.chance(0.2) else "fp8"
        where: Where = {"gpus": size, "gpu": gpu, "model": model, "precision": precision}
        rps = self.random.choice(RATES) * size**0.5
        name = f"{model}-{role}-{index}"
        if role == "prefill" and self.chance(0.3):
            # 1000 tokens in, mean TTFT 1 s: an M/M/1 queue carries one request/s less than it turns around.
            return build.prefill(name, 1000.0 * (1.0 + rps), **where)
        if role == "decode" and self.chance(0.3):
            batch = 5.0 * rps  # at 50 ms per token and 100 tokens out, 5 in a batch make one request/s
            points = ((batch / 4, 0.02), (batch, 0.05), (2 * batch, 0.09))  # a line, on which more batch is more rate
            return build.decode(name, *points, **where)
        return build.rate(name, round(rps, 3), role, **where)

    def draw_workload(self, name: str, most: float) -> Workload:
        random = self.random
        demand = {
            time: 0.0 if self.chance(0.08) else round(random.uniform(0.3, most), 2)
            for time in build.times(self.calendar)
        }
        shortfall = random.choice(((0.0, 0.0), (0.0, 0.0), (0.1, 2.0), (0.5, 0.2), (0.3, 0.0), (1.0, 0.5)))
        headroom = random.choice((0.0, 0.0, 0.1))
        model = random.choice(self.models)
        forbidden = ("B",) if len(self.nodes) > 1 and self.chance(0.15) else ()
        return build.workload(
            name,
            demand,
            shortfall=shortfall,
            headroom=headroom,
            model=model,
            forbidden_gpu_types=forbidden,
            pooled=(pooled := self.chance(0.4)),
            sites=(self.random.choice(self.sites),) if self.chance(0.15) else None,
            spares=tuple((role, 1) for role in ROLES if self.chance(0.15)) if not pooled and not shortfall[0] else (),
        )

    def draw_lines(self) -> list[SupplyLine]:
        lines: list[SupplyLine] = []
        pools = [(f"{gpu}x{size}", site) for gpu, sizes in self.nodes.items() for size in sizes for site in self.sites]
        for node_type, site in pools:
            for share in (0.8, 0.15):
                if self.chance(share):
                    lines.append(self.draw_hourly(node_type, site, len(lines)))
        for _ in range(self.random.choice((0, 1, 1, 2))):
            lines.append(self.draw_committed(len(lines)))
        return lines

    def draw_hourly(self, node_type: str, site: str, index: int) -> SupplyLine:
        usd = self.price(node_type)
        kinds: tuple[OfferKind, ...] = ("on_demand", "spot")
        kind, most = self.random.choice(kinds), self.random.choice((None, None, 1, 2, 3))
        line = build.line(f"l{index}", node_type, usd, kind=kind, site=site, max_nodes=most)
        return replace(line, terms=self.draw_terms())

    def draw_terms(self, *, orders: bool = False) -> Terms:
        """Mostly none; else a window, a price change, or lots."""
        names = [period.name for period in self.calendar.periods]
        first, last = sorted((self.random.choice(names), self.random.choice(names)))
        return Terms(
            first=first if self.chance(0.15) else None,
            last=last if self.chance(0.15) else None,
            min_order=self.random.choice((2, 3)) if orders and self.chance(0.2) else 0,
            max_delivery=self.random.choice((1, 2, 4)) if orders and self.chance(0.2) else None,
            price_factors=((self.random.choice(names), self.random.choice((0.5, 0.8, 1.3))),)
            if self.chance(0.2)
            else (),
        )

    def draw_committed(self, index: int) -> SupplyLine:
        random = self.random
        gpu = random.choice(list(self.nodes))
        node_type, months = f"{gpu}x{random.choice(self.nodes[gpu])}", self.calendar.periods[0].months
        kinds: tuple[OfferKind, ...] = ("reserved", "purchase")
        kind = random.choice(kinds)
        usd = self.price(node_type) * (0.6 if kind == "reserved" else 0.1)
        upfront = 720.0 * months * self.price(node_type) if kind == "purchase" or self.chance(0.3) else 0.0
        line = build.line(
            f"l{index}",
            node_type,
            usd,
            kind=kind,
            site=random.choice(self.sites),
            max_nodes=random.choice((None, 1, 2)),
            upfront=upfront,
            term=random.choice((1, 2, 3, 4, 6, 12)),
            lead=random.choice((0, 0, 1, 3)),
        )
        return replace(line, terms=self.draw_terms(orders=True))

    def price(self, node_type: str) -> float:
        return float(self.random.choice(PRICES) * int(node_type.split("x")[1]) ** 0.8)

    def draw_stock(self) -> list[Stock]:
        found = []
        for index in range(self.random.choice((0, 0, 1, 2))):
            gpu = self.random.choice(list(self.nodes))
            node_type = f"{gpu}x{self.random.choice(self.nodes[gpu])}"
            usd = self.random.choice((0.0, 0.1, 1.0))
            found.append(
                Stock(
                    f"own{index}",
                    self.random.choice(self.sites),
                    node_type,
                    self.random.choice((1, 2)),
                    usd,
                    self.leaves(),
                )
            )
        return found

    def draw_quotas(self) -> list[Quota]:
        found = []
        for index in range(self.random.choice((0, 0, 1, 2))):
            site = self.random.choice((None, *self.sites))
            period = self.random.choice((None, self.calendar.periods[0].name))
            gpu = self.random.choice(list(self.nodes))
            found.append(Quota(f"q{index}", gpu, site, period, self.random.choice((2, 4, 7, 8, 16))))
        return found

    def leaves(self) -> str | None:
        """The last period of a stock, mostly none."""
        return self.random.choice(self.calendar.periods).name if self.chance(0.2) else None

    def draw_facilities(self) -> tuple[Facility, ...]:
        """Room for a few GPUs' worth of nodes; GPUs draw 700 W here and nodes 1.9 times theirs."""
        watts = 1.9 * 700.0 * self.random.choice((4, 8, 16))
        return (Facility(self.random.choice(self.sites), watts),) if self.chance(0.2) else ()

    def scenario(self) -> Scenario:
        workloads = [self.draw_workload(name, 5.0) for name in ("chat", "code")[: self.random.choice((1, 2))]]
        return build.scenario(
            workloads,
            self.draw_candidates(),
            self.draw_lines(),
            stock=self.draw_stock(),
            quotas=self.draw_quotas(),
            over=self.calendar,
            sites=self.sites,
            discount=self.random.choice((0.0, 0.0, 0.2)),
            risk=Risk(self.random.choice((0.5, 0.8)), self.random.choice((0.2, 0.7))) if self.chance(0.2) else None,
            facilities=self.draw_facilities(),
        )


def has_odd_sizes(scenario: Scenario) -> bool:
    """Whether replica sizes do not divide one another, so that the program sets more GPUs aside than are used."""
    for node in scenario.node_types.values():
        candidates = (c.config for llm in scenario.models.values() for c in llm.candidates)
        sizes = sorted({c.gpus_per_replica for c in candidates if c.gpu_type == node.gpu_type})
        inside = sorted({size for size in sizes if size < node.gpus_per_node} | {node.gpus_per_node})
        if any(larger % smaller for smaller, larger in pairwise(inside)):
            return True
    return False
