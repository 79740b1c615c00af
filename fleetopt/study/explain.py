"""Why this plan and no other: what binds, what more of it is worth, what other supply must cost, what promises cost.

Every figure is a difference of two plans: the one in hand, and the best one with something changed, solved again. What
is changed leaves the plan in hand one of the plans to choose from, so every solve begins from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest

from fleetopt.catalog.domain import Offer
from fleetopt.errors import Change
from fleetopt.plan.domain import Placement, Plan, WorkloadOutcome
from fleetopt.plan.record import Record
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Quota
from fleetopt.study.entry import break_even
from fleetopt.study.findings import UNKNOWN, Finding, bounds, dollars, saving
from fleetopt.study.leftover import most_gpus
from fleetopt.study.lifetimes import life_costs, life_sentence
from fleetopt.study.limits import amount_of, moved, path_of
from fleetopt.study.promises import Promise, promises
from fleetopt.study.resolve import Effort, Resolver
from fleetopt.study.restrict import lines_by_gpu_type

WORDS = {
    "ttft": "TTFT",
    "tpot": "TPOT",
    "kv_memory": "KV memory",
    "throughput": "its throughput",
    "profile_end": "the end of its profile",
    "bundle": "the others of its bundle",
    "stated": "its stated rate",
    "network": "its share of the network",
}


class Explanation(Record):
    """What explains a plan, with how it was found. `unanswered` counts findings for which the budget was too small."""

    scenario: str
    objective_usd: float
    gap: float | None
    findings: tuple[Finding, ...]
    solves: int
    gap_tolerance: float
    time_limit_s: float
    complete: bool
    unanswered: int = 0


def explain(scenario: Scenario, plan: Plan, resolver: Resolver) -> Explanation:
    """The plan of a scenario explained.

    Args:
        scenario: the question.
        plan: a verified plan of it.
        resolver: how many solves may be spent, and how hard to try each.
    """
    resolver.no_finer_than(plan)
    asked = (
        _one_more(scenario, plan, resolver),
        (_price(scenario, plan, resolver, about=about, lines=lines) for about, lines in _idle(scenario, plan)),
        (_promise(plan, resolver, promise) for promise in _dearest_first(scenario, plan)),
    )
    # Question by question in turn, so that a budget that does not suffice for all leaves something of every topic.
    found = [finding for round_ in zip_longest(*asked) for finding in round_ if finding is not None]
    findings = [*_roles(plan), *_lives(scenario), *found]
    unanswered = sum(UNKNOWN in finding.sentence for finding in findings)
    return Explanation(
        scenario=scenario.name,
        objective_usd=plan.objective_usd,
        gap=plan.gap,
        findings=tuple(findings),
        solves=resolver.solves,
        gap_tolerance=resolver.options.gap,
        time_limit_s=resolver.options.time_limit_s,
        complete=not (resolver.unanswered or unanswered),
        unanswered=unanswered,
    )


def _roles(plan: Plan) -> Iterator[Finding]:
    """What keeps one replica of each role from carrying more."""
    outcomes = {outcome.workload: outcome for outcome in plan.workloads}
    rows: dict[tuple[str, str, str], Placement] = {}
    for p in plan.placements:
        rows.setdefault((p.workload, p.role, p.config), p)
    for (workload, role, config), p in rows.items():
        carries = f"a replica of {config} carries {p.capacity_rps:.4g} requests/s"
        sentence = f"{workload} {role}: {carries}, held by {_what_binds(p.binds, outcomes[workload])}"
        yield Finding(topic="binds", about=f"{workload} {role} {config}", sentence=sentence)


def _what_binds(binds: str, outcome: WorkloadOutcome) -> str:
    promised = {"ttft": (outcome.ttft_limit_s, outcome.ttft_at), "tpot": (outcome.tpot_limit_s, outcome.tpot_at)}
    limit_s, at = promised.get(binds, (None, None))
    return WORDS.get(binds, binds) + (f" of {1000 * limit_s:.4g} ms at {at}" if limit_s is not None else "")


def _one_more(scenario: Scenario, plan: Plan, resolver: Resolver) -> Iterator[Finding]:
    """What a little more of each limit that is used up would save."""
    for limit, (amount, unit) in used_up(scenario, plan).items():
        full = f"{limit} is used up ({amount:g} {unit})"
        if path_of(scenario, limit) is None:
            yield Finding(topic="binds", about=limit, sentence=full)
            continue
        change = Change(limit, _step(scenario, limit), unit)
        more = f"{change.by:g} more"
        asked = f"what {more} {unit} of {limit} save"
        found = saving(plan, resolver.solve(moved(scenario, change), asked, Effort(start=plan)))
        if found is None:
            yield Finding(topic="one more", about=limit, sentence=f"{full}; what {more} would save is {UNKNOWN}")
            continue
        each = f", {found.usd / change.by:,.2f} USD each" if change.by > 1 and found.sure else ""
        sentence = f"{full}; {more} would save {dollars(found)}{each}"
        yield Finding(topic="one more", about=limit, sentence=sentence, **bounds(found))


def used_up(scenario: Scenario, plan: Plan) -> dict[str, tuple[float, str]]:
    """Limits that the plan uses up at some time, or that let in no further node, each with how much there is."""
    found = {row.limit.rpartition(" (")[0]: (row.available, row.unit) for row in plan.binding}
    for quota in scenario.supply.quotas:
        if most_gpus(quota, plan) + min(_sizes(scenario, quota), default=0) > quota.max_gpus:
            found[f"quota {quota.name}"] = (quota.max_gpus, "GPUs")
    for stock in scenario.supply.stock:
        if any(line.supply == stock.name and line.nodes >= stock.nodes for line in plan.fleet):
            found[f"owned {stock.name}"] = (stock.nodes, "nodes")
    return found


def _step(scenario: Scenario, limit: str) -> float:
    """The smallest raise that can matter: one unit, or as many GPUs of a quota as make one more node."""
    for quota in scenario.supply.quotas:
        if limit == f"quota {quota.name}":
            return min((size - quota.max_gpus % size for size in _sizes(scenario, quota)), default=1)
    amount = amount_of(scenario, limit)
    return 1 if isinstance(amount, int) else 0.01 * amount


def _sizes(scenario: Scenario, quota: Quota) -> list[int]:
    """GPUs per node of the nodes that a quota counts."""
    supply = scenario.supply
    names = {line.offer.node_type for line in supply.lines} | {stock.node_type for stock in supply.stock}
    nodes = [scenario.node_types[name] for name in names]
    return [node.gpus_per_node for node in nodes if node.gpu_type == quota.gpu_type]


def _idle(scenario: Scenario, plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """Each GPU type that is not used, with its offers, and each offer of another that is not."""
    used = {line.supply for line in plan.fleet}
    types = {line.gpu_type for line in plan.fleet}
    for gpu_type, lines in lines_by_gpu_type(scenario).items():
        if gpu_type not in types:
            yield gpu_type, lines
        else:
            yield from ((f"offer {name}", [name]) for name in lines if name not in used)


def _price(scenario: Scenario, plan: Plan, resolver: Resolver, *, about: str, lines: list[str]) -> Finding:
    """At which price supply that is not used would be."""
    entry = break_even(scenario, plan, lines, resolver)
    if entry is None:
        return Finding(
            topic="price", about=about, sentence=f"{about} is not used; at which price it would be is {UNKNOWN}"
        )
    if not entry.factor:
        sentence = f"{about} would not be used at any price{_unfit(scenario, resolver, lines)}"
    elif entry.factor >= 1.0:
        sentence = f"{about} is not used, but would cost the same"
    else:
        offers = {line.name: line.offer for line in scenario.supply.lines}
        at = ", ".join(f"{name} at {_cheaper(offers[name], entry.factor)}" for name in lines)
        least = "" if entry.exact else "at most "
        sentence = f"{about} would come in if it were {least}{100 * (1 - entry.factor):.3g} % cheaper ({at})"
    return Finding(topic="price", about=about, sentence=sentence, factor=entry.factor)


def _cheaper(offer: Offer, factor: float) -> str:
    """The price of an offer times a factor, by the hour or else as it is paid with the order."""
    now, unit = (offer.usd_per_node_h, "USD/node/h") if offer.usd_per_node_h else (offer.upfront_usd_per_node, "USD")
    return f"{factor * now:,.4g} {unit} instead of {now:,.4g}"


def _unfit(scenario: Scenario, resolver: Resolver, lines: list[str]) -> str:
    """Why no workload can run on some supply, if none can: one reason for each workload."""
    nodes = {line.offer.node_type for line in scenario.supply.lines if line.name in lines}
    types = {scenario.node_types[node].gpu_type for node in nodes}
    table = resolver.capacities(scenario)
    if any(row.candidate.config.gpu_type in types for row in table.rows):
        return ""
    found = {r.workload: r.reason for r in table.rejections if r.candidate.config.gpu_type in types}
    return ": " + ("; ".join(f"{w}: {reason}" for w, reason in found.items()) or "no model has a profile on it")


def _lives(scenario: Scenario) -> Iterator[Finding]:
    """From how much use on each offer with a term beats renting by the hour."""
    for one in life_costs(scenario):
        if one.term_months is not None:
            yield Finding(topic="life", about=f"life of {one.supply}", sentence=life_sentence(one))


def _dearest_first(scenario: Scenario, plan: Plan) -> list[Promise]:
    """The promises of the workloads that cost most first, then those that are of no workload."""
    usd: dict[str, float] = defaultdict(float)
    for cost in plan.workload_costs:
        usd[cost.workload] += cost.usd
    return sorted(promises(scenario), key=lambda promise: (not promise.workload, -usd[promise.workload]))


def _promise(plan: Plan, resolver: Resolver, promise: Promise) -> Finding:
    """What would be saved without a promise."""
    found = saving(plan, resolver.solve(promise.without, f"the cost of {promise.name}", Effort(start=plan)))
    if found is None:
        return Finding(topic="promise", about=promise.name, sentence=f"{promise.name}: what it costs is {UNKNOWN}")
    sentence = f"{promise.name}: costs {dollars(found, plan.objective_usd)}"
    return Finding(topic="promise", about=promise.name, sentence=sentence, **bounds(found))
