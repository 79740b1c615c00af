"""More to do is never cheaper; more freedom is never dearer."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.catalog.domain import Offer, OfferKind, Provenance
from fleetopt.scenario.domain import DecodeFit, Queue, Scenario
from fleetopt.scenario.supply_domain import Quota, Stock, SupplyLine
from fleetopt.units import Latency
from tests.oracle import build
from tests.properties.asked import PROOF, cost, no_more, questions, with_supply, with_workload

pytestmark = pytest.mark.slow

index = st.integers(0, 10)
factor = st.sampled_from((1.0, 1.01, 1.3, 2.0))
kinds: st.SearchStrategy[OfferKind] = st.sampled_from(("on_demand", "reserved", "purchase"))


@PROOF
@given(questions, index, index, factor, st.sampled_from((0.0, 0.2, 2.0)))
def test_more_demand_is_never_cheaper(asked: Scenario, which: int, when: int, times: float, more: float) -> None:
    """Proves that raising one workload's demand at one time does not lower the cost. Sensitivity: a cap on replicas
    taken from another time's demand, or a demand row for a workload left out, would show as a lower cost."""
    which %= len(asked.workloads)
    workload = asked.workloads[which]
    time = list(workload.demand_rps)[when % len(workload.demand_rps)]
    raised = replace(workload, demand_rps={**workload.demand_rps, time: times * workload.demand_rps[time] + more})
    assert no_more(cost(asked), cost(with_workload(asked, which, raised)))


@PROOF
@given(questions, index, factor)
def test_more_headroom_is_never_cheaper(asked: Scenario, which: int, times: float) -> None:
    """Proves that headroom only adds. Sensitivity: a shortfall allowed on the demand with headroom but priced without
    it would make the plan with headroom the cheaper one."""
    which %= len(asked.workloads)
    raised = replace(asked.workloads[which], headroom=times - 1.0 + asked.workloads[which].headroom)
    assert no_more(cost(asked), cost(with_workload(asked, which, raised)))


@PROOF
@given(
    questions,
    index,
    st.sampled_from((0.1, 1.0, 5.0)),
    kinds,
)
def test_another_offer_is_never_dearer(asked: Scenario, which: int, usd: float, kind: OfferKind) -> None:
    """Proves that an offer can be left alone. Sensitivity: one that forces an order, or whose replica sizes change
    what is set aside elsewhere, would raise the cost."""
    node_types = sorted(asked.node_types)
    if not node_types:
        return
    source = Provenance("assumed", "test")
    node_type, site = node_types[which % len(node_types)], asked.supply.sites[which % len(asked.supply.sites)]
    term, upfront = (None, 0.0) if kind == "on_demand" else (3, 1000.0 * (kind == "purchase"))
    offer = Offer("new", node_type, kind, "p", "r", usd, upfront, term, 0, "", source)
    lines = (*asked.supply.lines, SupplyLine("new", site, offer, None))
    assert no_more(cost(with_supply(asked, lines=lines)), cost(asked))


@PROOF
@given(questions, index, st.integers(1, 3))
def test_higher_limits_are_never_dearer(asked: Scenario, which: int, more: int) -> None:
    """Proves that raising the nodes of an offer or the GPUs of a quota does not raise the cost. Sensitivity: a limit
    of the wrong sign forces nodes into service and raises it."""
    lines = [
        line if line.max_nodes is None else replace(line, max_nodes=line.max_nodes + more * ((i + which) % 2))
        for i, line in enumerate(asked.supply.lines)
    ]
    quotas = [replace(quota, max_gpus=quota.max_gpus + more) for quota in asked.supply.quotas]
    assert no_more(cost(with_supply(asked, lines=tuple(lines), quotas=tuple(quotas))), cost(asked))


@PROOF
@given(questions, index, st.sampled_from((0.0, 3.0)))
def test_another_owned_node_is_never_dearer(asked: Scenario, which: int, usd: float) -> None:
    """Proves that an owned node need not be switched on. Sensitivity: were it always on, 3 USD/h would be added."""
    node_types = sorted(asked.node_types)
    if not node_types:
        return
    node_type, site = node_types[which % len(node_types)], asked.supply.sites[which % len(asked.supply.sites)]
    stock = (*asked.supply.stock, Stock("new", site, node_type, 1, usd))
    assert no_more(cost(with_supply(asked, stock=stock)), cost(asked))


@PROOF
@given(questions, st.sampled_from((0, 4, 8)))
def test_another_quota_is_never_cheaper(asked: Scenario, gpus: int) -> None:
    """Proves that a quota only forbids. Sensitivity: one that replaced another of the same GPU type would free it."""
    quotas = (*asked.supply.quotas, Quota("new", "A", None, None, gpus))
    assert no_more(cost(asked), cost(with_supply(asked, quotas=quotas)))


class Slo(NamedTuple):
    ttft_s: float
    tpot_s: float
    percentile: float | None


slos = st.builds(Slo, st.floats(0.15, 3.0), st.floats(0.009, 0.08), st.sampled_from((None, 0.9, 0.99)))
looser = st.tuples(st.floats(1.0, 3.0), st.floats(1.0, 3.0))


def measured(slo: Slo, queue: Queue, fit: DecodeFit, rps: float) -> Scenario:
    """A workload on measured prefill and decode configs of two GPU types, under an SLO."""
    ttft, tpot = Latency(slo.ttft_s, slo.percentile), Latency(slo.tpot_s, slo.percentile)
    asked = build.workload("chat", rps, ttft=ttft, tpot=tpot, queue=queue, decode_fit=fit)
    curve = ((4.0, 0.008), (16.0, 0.011), (64.0, 0.021), (128.0, 0.05), (256.0, 0.07))
    configs = [
        build.prefill("p1", 9_000.0),
        build.prefill("p4", 32_000.0, gpus=4),
        build.prefill("q1", 20_000.0, gpu="B"),
        build.decode("d2", *curve, gpus=2),
        build.decode("e1", *((batch, 0.6 * tpot_s) for batch, tpot_s in curve), gpu="B"),
    ]
    lines = [build.line("a", "Ax8", 10.0), build.line("b", "Bx4", 9.0, max_nodes=2)]
    return build.scenario([asked], configs, lines)


@PROOF
@given(slos, looser, st.sampled_from(get_args(Queue)), st.sampled_from(get_args(DecodeFit)), st.floats(1.0, 60.0))
def test_a_looser_slo_is_never_dearer(
    slo: Slo, more: tuple[float, float], queue: Queue, fit: DecodeFit, rps: float
) -> None:
    """Proves that capacity never falls with a looser TTFT or TPOT, through curves, queues, percentiles and the program.
    Sensitivity: planning at the largest batch in time instead of the fastest one makes 50 ms dearer than 21 ms."""
    loose = Slo(slo.ttft_s * more[0], slo.tpot_s * more[1], slo.percentile)
    assert no_more(cost(measured(loose, queue, fit, rps)), cost(measured(slo, queue, fit, rps)))
