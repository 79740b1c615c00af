"""What a million tokens costs, input and output apart where roles tell them apart.

    input price   =  cost of a workload's prefill GPUs  /  input tokens of the requests that are served split
    output price  =  cost of its decode GPUs            /  output tokens of the same requests
    mean price    =  all its cost                       /  all its served tokens

What owned nodes are sold for, or are worth in the end, is in no price: it makes nobody's tokens cheaper (0014).

Each role is taken as a workload of its own in the attribution of docs/decisions/0006, so that the roles' costs sum to
the workload's, at present value where the scenario discounts. A replica that does both roles has one cost for both
kinds of tokens: it is in the mean price only, as is what a workload pays for unserved demand. Input tokens count as
sent, also those a prefix cache has seen before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fleetopt.plan.attribution import UNUSED, expected_hours, owners_usd, workload_costs
from fleetopt.plan.domain import Plan, WorkloadOutcome
from fleetopt.scenario.domain import Scenario


@dataclass(frozen=True, slots=True)
class TokenCost:
    """Dollars and million tokens of a workload or a model over some periods; sums of these are sums of fields.

    `owners_usd` is what owned nodes fetch or are worth, below zero, a part of `usd`.
    """

    usd: float = 0.0
    prefill_usd: float = 0.0
    decode_usd: float = 0.0
    million_tokens: float = 0.0
    million_input_split: float = 0.0
    million_output_split: float = 0.0
    owners_usd: float = 0.0

    def __add__(self, other: TokenCost) -> TokenCost:
        return TokenCost(
            self.usd + other.usd,
            self.prefill_usd + other.prefill_usd,
            self.decode_usd + other.decode_usd,
            self.million_tokens + other.million_tokens,
            self.million_input_split + other.million_input_split,
            self.million_output_split + other.million_output_split,
            self.owners_usd + other.owners_usd,
        )

    @property
    def input_price(self) -> float | None:
        return _ratio(self.prefill_usd, self.million_input_split)

    @property
    def output_price(self) -> float | None:
        return _ratio(self.decode_usd, self.million_output_split)

    @property
    def mean_price(self) -> float | None:
        return _ratio(self.usd - self.owners_usd, self.million_tokens)


def token_costs(plan: Plan, scenario: Scenario) -> dict[tuple[str, str], TokenCost]:
    """By (workload, period). What nobody uses is under the workload '(unused)'."""
    roles = _role_usd(plan, scenario)
    split = _split_tokens(plan, scenario)
    owners = owners_usd(plan)
    return {
        (c.workload, c.period): TokenCost(
            c.usd,
            roles.get((c.workload, "prefill", c.period), 0.0),
            roles.get((c.workload, "decode", c.period), 0.0),
            c.million_tokens,
            *split.get((c.workload, c.period), (0.0, 0.0)),
            owners.get(c.period, 0.0) if c.workload == UNUSED else 0.0,
        )
        for c in plan.workload_costs
    }


def summed(
    costs: dict[tuple[str, str], TokenCost], key: Callable[[str, str], tuple[str, ...]]
) -> dict[tuple[str, ...], TokenCost]:
    """Costs put together by what `key` says of workload and period, in order of first appearance."""
    found: dict[tuple[str, ...], TokenCost] = {}
    for (workload, period), cost in costs.items():
        name = key(workload, period)
        found[name] = found.get(name, TokenCost()) + cost
    return found


def _role_usd(plan: Plan, scenario: Scenario) -> dict[tuple[str, str, str], float]:
    """Dollars by (workload, role, period)."""
    names = {f"{p.workload}/{p.role}": (p.workload, p.role) for p in plan.placements}
    by_name = {workload.name: workload for workload in scenario.workloads}
    parts = tuple(replace(by_name[workload], name=name) for name, (workload, _) in names.items())
    fleet_costs = [cost for cost in plan.costs if cost.site or cost.item not in by_name]
    shared = workload_costs(
        replace(scenario, workloads=parts),
        plan.fleet,
        plan.placements,
        (),
        fleet_costs,
        owner=lambda p: f"{p.workload}/{p.role}",
    )
    return {(*names[c.workload], c.period): c.usd for c in shared if c.workload in names}


def _split_tokens(plan: Plan, scenario: Scenario) -> dict[tuple[str, str], tuple[float, float]]:
    """Expected million input and output tokens of requests served split, by (workload, period)."""
    hours = expected_hours(scenario)
    by_name = {workload.name: workload for workload in scenario.workloads}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for w in plan.workloads:
        requests = w.served_rps * _split_share(w) * 3600.0 * hours(w) / 1e6
        tokens_in, tokens_out = found.get((w.workload, w.period), (0.0, 0.0))
        one = by_name[w.workload]
        found[w.workload, w.period] = (
            tokens_in + requests * one.input_tokens,
            tokens_out + requests * one.output_tokens,
        )
    return found


def _split_share(outcome: WorkloadOutcome) -> float:
    carried = {role.role: role.carried_rps for role in outcome.roles}
    split = min(carried.get("prefill", 0.0), carried.get("decode", 0.0))
    both = split + carried.get("aggregated", 0.0)
    return split / both if both else 0.0


def _ratio(usd: float, million: float) -> float | None:
    return usd / million if million > 0 else None
