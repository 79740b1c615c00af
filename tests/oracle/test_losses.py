"""Losses by hand: what it takes that a site, a rack or a node may go and a fraction of the demand is still served.

The questions are those of `test_procurement`: a replica is one GPU that carries 1 request/s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.errors import Infeasible
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Survive
from fleetopt.scenario.supply_domain import Facility, Terms
from fleetopt.study.limits import apply
from fleetopt.study.once import optimize
from fleetopt.study.promises import promises
from fleetopt.verify import verify
from tests.oracle import build
from tests.oracle.test_procurement import PERIOD_H, asked, solved, usd

SITES = ("ams", "fra")


def lines(*prices: float, node: str = "Ax1") -> list[Any]:
    return [build.line(site, node, price, site=site) for site, price in zip(SITES, prices, strict=False)]


def surviving(scenario: Scenario, **survive: float) -> Scenario:
    changed = (replace(workload, survive=Survive(**survive)) for workload in scenario.workloads)
    return replace(scenario, workloads=tuple(changed))


def broken(plan: Plan, scenario: Scenario) -> list[str]:
    return [check.name for check in verify(plan, scenario).checks if not check.passed]


def test_a_lost_site_leaves_the_others() -> None:
    """Proves the site: 10 requests/s at 1 and 3 USD cost 10; to keep 70 % without either site seven stand at each.

    Without the dear site there are seven more than enough at the cheap one. Sensitivity: verify refuses the plan that
    stands at one site, and half of the plan that was made for 70 % does not keep 80 %.
    """
    scenario = asked(10.0, *lines(1.0, 3.0), sites=SITES)
    bare, safe = solved(scenario), solved(surviving(scenario, site=0.7))
    assert bare.objective_usd / PERIOD_H == pytest.approx(10.0)
    assert safe.objective_usd / PERIOD_H == pytest.approx(7 * 1.0 + 7 * 3.0)
    assert broken(bare, surviving(scenario, site=0.7)) == ["losses_are_survived"]
    assert broken(safe, surviving(scenario, site=0.8)) == ["losses_are_survived"]


def test_headroom_is_not_owed_after_a_loss() -> None:
    """Proves what the fraction is of: with 50 % headroom 4 requests/s take six replicas, and all of the demand is kept
    by four at each site, eight."""
    scenario = asked(4.0, *lines(1.0, 1.0), sites=SITES, workload={"headroom": 0.5})
    assert usd(scenario) == pytest.approx(6.0)
    assert usd(surviving(scenario, site=1.0)) == pytest.approx(8.0)


def test_prefill_and_decode_survive_at_one_site() -> None:
    """Proves links: 4 requests/s take 4 prefill and 2 decode replicas; to keep half, each site has 2 prefill and one
    decode, the same six. Prefill at one site and decode at the other would be nothing without either."""
    split = [build.rate("p", 1.0, "prefill"), build.rate("d", 2.0, "decode")]
    scenario = surviving(asked(4.0, *lines(1.0, 1.0), sites=SITES, candidates=split), site=0.5)
    plan = solved(scenario)
    assert plan.objective_usd / PERIOD_H == pytest.approx(6.0)
    assert sorted((row.site, row.role, row.replicas) for row in plan.placements) == [
        ("ams", "decode", 1), ("ams", "prefill", 2), ("fra", "decode", 1), ("fra", "prefill", 2),
    ]  # fmt: skip
    swapped = tuple(
        row.model_copy(update={"site": "fra"}) if row.role == "decode" else row.model_copy(update={"site": "ams"})
        for row in plan.placements
    )
    assert "losses_are_survived" in broken(plan.model_copy(update={"placements": swapped}), scenario)


@pytest.mark.parametrize(("size", "nodes"), [(1, 4), (2, 3), (4, 2)])
def test_a_lost_node_takes_as_many_replicas_as_fit(size: int, nodes: int) -> None:
    """Proves the node: 3 requests/s take 3 replicas, and one more node's worth whatever the packing: 4 nodes of one
    GPU, 5 replicas on 3 nodes of two, 7 on 2 nodes of four. Sensitivity: verify refuses one node less."""
    scenario = asked(3.0, build.line("rent", f"Ax{size}", 1.0))
    assert usd(surviving(scenario, node=1.0)) == pytest.approx(nodes)
    assert broken(solved(scenario), surviving(scenario, node=1.0)) == ["losses_are_survived"]


def test_a_pool_with_little_on_it_is_lost_whole() -> None:
    """Proves the second judgement: nodes of eight at two sites, 2 requests/s. Two replicas at each survive either node,
    two nodes in all; counted as eight lost replicas it would take ten on two nodes of one site, as dear but for the
    limit of one node at each site, under which there would be no plan."""
    few = [replace(line, max_nodes=1) for line in lines(1.0, 1.0, node="Ax8")]
    plan = solved(surviving(asked(2.0, *few, sites=SITES), node=1.0))
    assert {(row.site, row.replicas) for row in plan.placements} == {("ams", 2), ("fra", 2)}


def test_a_replica_that_spans_nodes_is_lost_with_one_of_them() -> None:
    """Proves spanning: replicas of two nodes, 2 requests/s: one more replica, six nodes."""
    wide = [build.rate("c", 1.0, gpus=4)]
    assert usd(surviving(asked(2.0, build.line("rent", "Ax2", 1.0), candidates=wide), node=1.0)) == pytest.approx(6.0)


def test_a_lost_decode_node_hurts_only_as_far_as_decode_is_short() -> None:
    """Proves that surplus absorbs a loss: 6 requests/s on prefill of 2 and decode of 5. To keep 5 after any node,
    prefill needs 4 for 8 - 2, decode two for 10 - 5: six nodes. Adding up what both may lose takes more."""
    split = [build.rate("p", 2.0, "prefill"), build.rate("d", 5.0, "decode")]
    scenario = asked(6.0, build.line("rent", "Ax1", 1.0), candidates=split)
    assert usd(scenario) == pytest.approx(5.0)
    assert usd(surviving(scenario, node=5.0 / 6.0)) == pytest.approx(6.0)


def test_a_lost_rack_takes_all_its_nodes() -> None:
    """Proves the rack: three nodes a rack, 4 requests/s on nodes of one: seven, five for half, four for a quarter."""
    scenario = asked(4.0, build.line("rent", "Ax1", 1.0), facilities=(Facility("main", nodes_per_rack=3),))
    assert usd(surviving(scenario, rack=1.0)) == pytest.approx(7.0)
    assert usd(surviving(scenario, rack=0.5)) == pytest.approx(5.0)
    assert usd(surviving(scenario, rack=0.25)) == pytest.approx(4.0)
    assert broken(solved(surviving(scenario, rack=0.25)), surviving(scenario, rack=0.5)) == ["losses_are_survived"]


def test_each_workload_keeps_its_own() -> None:
    """Proves that nothing is started anew: two workloads of 2 requests/s, both to survive a node, take three nodes
    each, although one idle node would do for either."""
    scenario = asked(2.0, build.line("rent", "Ax1", 1.0))
    twin = replace(scenario.workloads[0], name="twin")
    both = replace(scenario, workloads=(*scenario.workloads, twin))
    assert usd(surviving(both, node=1.0)) == pytest.approx(6.0)


def test_what_cannot_be_survived_is_named_and_repaired() -> None:
    """Proves the conflict and its repair: with two nodes at the second site 70 % of 10 cannot be kept; 20 % can.
    Sensitivity: without a limit on its rows the conflict would name the demand alone."""
    few = lines(1.0, 1.0)
    scenario = surviving(asked(10.0, few[0], replace(few[1], max_nodes=2), sites=SITES), site=0.7)
    with pytest.raises(Infeasible) as refused:
        optimize(scenario)
    assert set(refused.value.conflict) == {"site loss of chat", "offer fra"}
    [less] = [repair for repair in refused.value.repairs if repair.changes[0].limit == "site loss of chat"]
    assert less.changes[0].by == pytest.approx(0.5)
    assert usd(apply(scenario, less)) == pytest.approx(10.0)


def test_the_largest_bite_is_excused_where_all_could_be_lost() -> None:
    """Proves the excuse by hand: a dense prefill config beside a plain one, of which a node of eight takes sixteen
    requests/s and eight. One node at each site is enough, as either carries everything alone.
    Sensitivity: excusing each config its own bite would leave the plain one eight short and force more."""
    kinds = [build.rate("plain", 1.0, "prefill", gpu="A"), build.rate("dense", 2.0, "prefill", gpu="A")]
    decode = [build.rate("d", 3.0, "decode", gpu="A"), build.rate("d2", 6.0, "decode", gpu="A", gpus=8)]
    free = [replace(line, max_nodes=1) for line in lines(1.0, 1.0, node="Ax8")]
    scenario = asked(3.0, *free, sites=SITES, candidates=[*kinds, *decode])
    assert usd(surviving(scenario, node=1.0)) == pytest.approx(2.0)
    assert usd(surviving(scenario, site=1.0)) == pytest.approx(2.0)


def test_every_loss_is_a_promise_with_a_price() -> None:
    """Proves what `explain` prices: each loss by itself, availability, lateness and spares, each taken away alone."""
    keep = build.line("keep", "Ax1", 1.0, kind="reserved", term=12)
    keep = replace(keep, terms=Terms(availability=0.9, slips=(("o1", 1),)))
    workload = {"survive": Survive(0.5, 0.25, 1.0), "spares": (("aggregated", 1),)}
    racked = (Facility("main", nodes_per_rack=2),)
    scenario = asked(4.0, keep, build.line("rent", "Ax1", 2.0), facilities=racked, workload=workload)
    found = {promise.name: promise.without for promise in promises(scenario)}
    assert found["chat: 50 % after the loss of a site"].workloads[0].survive == Survive(0.0, 0.25, 1.0)
    assert found["chat: 25 % after the loss of a rack"].workloads[0].survive == Survive(0.5, 0.0, 1.0)
    assert found["chat: 100 % after the loss of a node"].workloads[0].survive == Survive(0.5, 0.25, 0.0)
    assert found["chat: spares (aggregated 1)"].workloads[0].spares == ()
    assert found["counting on 90 % of the nodes of keep"].supply.lines[0].terms.availability == 1.0
    assert found["late deliveries in outlook o1"].supply.lines[0].terms.slips == ()
