"""Wrong decisions are refused even when every figure that follows from them is stated correctly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Quota, Stock, Supply
from fleetopt.units import Latency
from fleetopt.verify import verify

Question = tuple[Plan, Scenario]
Mutation = Callable[[Question], Question]


def change(table: str, which: dict[str, Any], **update: Any) -> Mutation:
    """Changes the first row of a table whose fields are `which`; a callable gets the old value."""

    def mutate(question: Question) -> Question:
        rows = list(getattr(question[0], table))
        index = next(i for i, row in enumerate(rows) if all(getattr(row, k) == v for k, v in which.items()))
        new = {k: v(getattr(rows[index], k)) if callable(v) else v for k, v in update.items()}
        rows[index] = rows[index].model_copy(update=new)
        return question[0].model_copy(update={table: tuple(rows)}), question[1]

    return mutate


def drop(table: str, **which: Any) -> Mutation:
    def mutate(question: Question) -> Question:
        kept = [r for r in getattr(question[0], table) if any(getattr(r, k) != v for k, v in which.items())]
        return question[0].model_copy(update={table: tuple(kept)}), question[1]

    return mutate


def supply(edit: Callable[[Supply], Supply]) -> Mutation:
    return lambda question: (question[0], replace(question[1], supply=edit(question[1].supply)))


def workloads(**update: Any) -> Mutation:
    return lambda q: (q[0], replace(q[1], workloads=tuple(replace(each, **update) for each in q[1].workloads)))


def node_type(**update: Any) -> Mutation:
    return lambda q: (q[0], replace(q[1], node_types={"hgx": replace(q[1].node_types["hgx"], **update)}))


def decode_config(**update: Any) -> Mutation:
    """The decode replicas of `big` under a serving config of their own."""

    def mutate(question: Question) -> Question:
        plan, asked = question
        big = asked.models["big"]
        own = {"name": "own"} | update
        candidates = tuple(
            replace(each, config=replace(each.config, **own)) if each.role == "decode" else each
            for each in big.candidates
        )
        rows = tuple(
            row.model_copy(update={"config": "own"}) if row.role == "decode" else row for row in plan.placements
        )
        models = asked.models | {"big": replace(big, candidates=candidates)}
        evidence = tuple(
            line.model_copy(update={"config": "own"}) if line.role == "decode" else line
            for line in plan.provenance.evidence
        )
        provenance = plan.provenance.model_copy(update={"evidence": evidence})
        changed = plan.model_copy(update={"placements": rows, "provenance": provenance})
        return changed, replace(asked, models=models)

    return mutate


def _quota(index: int, max_gpus: int) -> Callable[[Supply], Supply]:
    def edit(given: Supply) -> Supply:
        quotas: list[Quota] = list(given.quotas)
        quotas[index] = replace(quotas[index], max_gpus=max_gpus)
        return replace(given, quotas=tuple(quotas))

    return edit


def _most(name: str, max_nodes: int) -> Callable[[Supply], Supply]:
    return lambda given: replace(
        given, lines=tuple(replace(s, max_nodes=max_nodes) if s.name == name else s for s in given.lines)
    )


def _stock(nodes: int) -> Callable[[Supply], Supply]:
    return lambda given: replace(given, stock=tuple[Stock, ...](replace(s, nodes=nodes) for s in given.stock))


def _offer(name: str, **update: Any) -> Callable[[Supply], Supply]:
    return lambda given: replace(
        given,
        lines=tuple(replace(s, offer=replace(s.offer, **update)) if s.name == name else s for s in given.lines),
    )


DECODE = {"role": "decode", "workload": "chat"}
MIXED = {"role": "aggregated", "workload": "chat"}
HALF = {"workload": "docs"}


@pytest.mark.parametrize(
    ("proves", "mutate", "breach"),
    [
        ("a replica fewer misses demand", change("placements", HALF, replicas=1), ("demand_is_met", "docs in 2027-Q1")),
        ("headroom is part of the promise", workloads(headroom=0.1), ("demand_is_met", "chat in")),
        ("P and D apart carry nothing", change("placements", DECODE, site="west"), ("demand_is_met", "7 of 12.6")),
        (
            "a prefill replica alone carries nothing",
            change("placements", DECODE, replicas=0),
            ("demand_is_met", "chat"),
        ),
        (
            "a node fewer cannot hold them",
            change("fleet", {"supply": "rent"}, nodes=1, gpus=8),
            ("gpus_pack", "2 of 1"),
        ),
        ("a replica more needs a node", change("placements", MIXED, replicas=2), ("gpus_pack_into_nodes", "3 of 2")),
        ("no line gives more than it has", supply(_most("rent", 1)), ("supply_is_respected", "2 of 1 nodes")),
        ("no stock gives more than it has", supply(_stock(1)), ("supply_is_respected", "2 of 1 nodes")),
        ("committed lines are limited too", supply(_most("reserve", 1)), ("supply_is_respected", "2 of 1 nodes")),
        ("a quota on a site holds", supply(_quota(0, 15)), ("quotas_are_respected", "H200 at east")),
        ("a quota for each site holds", supply(_quota(1, 15)), ("quotas_are_respected", "16 of 15 GPUs")),
        (
            "lead time delays service",
            supply(_offer("reserve", lead_time_months=4)),
            ("supply_is_respected", "2 periods"),
        ),
        ("nodes need an order", drop("orders", supply="reserve"), ("supply_is_respected", "0 by order")),
        (
            "orders and nodes agree",
            change("orders", {"supply": "buy"}, nodes=2, gpus=16, upfront_usd=73000.0),
            ("supply_is_respected", "2 by order"),
        ),
        (
            "a term ends when it ends",
            change("orders", {"supply": "buy"}, last_period="2027-Q1"),
            ("supply", "term ends"),
        ),
        (
            "capacity 0.1 % up breaks mean TTFT",
            change("placements", {"role": "prefill"}, capacity_rps=31.031),
            ("slo", "TTFT"),
        ),
        (
            "capacity 0.1 % up outruns the batch",
            change("placements", DECODE, capacity_rps=10.01),
            ("slo_holds", "batch"),
        ),
        ("a larger batch breaks TPOT", change("placements", DECODE, batch=50.1), ("slo_holds", "of the largest")),
        ("decode needs its batch", change("placements", DECODE, batch=None), ("slo_holds", "no batch")),
        ("stated rates bound capacity", change("placements", HALF, capacity_rps=1.6016), ("slo_holds", "stated")),
        ("aggregated latency binds", change("placements", MIXED, capacity_rps=8.9), ("slo_holds", "TPOT")),
        ("a series cannot exceed its best", change("placements", MIXED, capacity_rps=9.01), ("slo_holds", "largest")),
        ("a reported TTFT is within the SLO", change("placements", MIXED, ttft_s=1.01), ("slo_holds", "reported TTFT")),
        ("a reported TPOT is possible", change("placements", MIXED, tpot_s=0.019), ("slo_holds", "without load")),
        ("a tighter SLO is noticed", workloads(ttft=Latency(0.5, 0.95)), ("slo_holds", "TTFT")),
        (
            "forbidden types are not used",
            workloads(forbidden_gpu_types=("H200",)),
            ("placements_are", "does not allow"),
        ),
        ("only listed types are used", workloads(gpu_types=("H100",)), ("placements_are_allowed", "does not allow")),
        ("only listed roles are used", workloads(roles=("prefill", "decode")), ("placements_are", "does not allow")),
        ("both state one type", change("placements", MIXED, gpu_type="H100"), ("placements_are", "H100")),
        ("the node's type is the config's", node_type(gpu_type="B200"), ("placements_are_allowed", "B200")),
        ("evidence is not dressed up", change("placements", HALF, evidence="measured"), ("placements_are", "assumed")),
        ("replicas have their size", change("placements", HALF, gpus_per_replica=2), ("placements_are", "not 2")),
        ("too few are set aside", change("placements", HALF, node_gpus_per_replica=2), ("placements_", "aside")),
        ("whole nodes are set aside", change("placements", MIXED, node_gpus_per_replica=4), ("placements_", "whole")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_decision_is_refused(
    proves: str,
    mutate: Mutation,
    breach: tuple[str, str],
    rich: Question,
    complete: Callable[[Plan, Scenario], Plan],
) -> None:
    plan, asked = mutate(rich)
    failed = [check for check in verify(complete(plan, asked), asked).checks if not check.passed]
    found = [check for check in failed if check.name.startswith(breach[0])]
    assert found, f"{proves}: {failed}"
    assert breach[1] in found[0].detail


@pytest.mark.parametrize("role", ["prefill", "decode"])
def test_the_published_case_has_no_slack_in_capacity(
    role: str, seed: Question, complete: Callable[[Plan, Scenario], Plan]
) -> None:
    plan, asked = change("placements", {"role": role}, capacity_rps=lambda rps: rps * 1.001)(seed)
    assert [c.name for c in verify(complete(plan, asked), asked).checks if not c.passed] == ["slo_holds"]


@pytest.mark.parametrize(("role", "replicas"), [("prefill", 2), ("decode", 3)])
def test_the_published_case_needs_three_and_four(
    role: str, replicas: int, seed: Question, complete: Callable[[Plan, Scenario], Plan]
) -> None:
    plan, asked = change("placements", {"role": role}, replicas=replicas)(seed)
    assert [c.name for c in verify(complete(plan, asked), asked).checks if not c.passed] == ["demand_is_met"]


def test_kv_passes_between_versions_of_an_engine(rich: Question) -> None:
    assert verify(*decode_config(engine="engine 2.0")(rich)).passed


@pytest.mark.parametrize("update", [{"evidence": "assumed"}, {"source": "hearsay"}, {"config": "other"}, None])
def test_evidence_that_is_not_the_scenarios_is_refused(rich: Question, update: dict[str, Any] | None) -> None:
    plan, asked = rich
    first, *rest = plan.provenance.evidence
    lines = (*rest, first.model_copy(update=update)) if update else tuple(rest)
    provenance = plan.provenance.model_copy(update={"evidence": lines})
    checks = verify(plan.model_copy(update={"provenance": provenance}), asked).checks
    assert [check.name for check in checks if not check.passed] == ["evidence_is_true"]
