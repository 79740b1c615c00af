"""The network in studies: what it costs, what repairs it, what is left of it, and fleets that do without.

As in tests/oracle/test_node_patterns.py: four GPUs a node at 1 USD/h, prefill carries 8 requests/s and decode one, and
speeds are in requests/s.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.errors import Infeasible
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.study.baselines import baselines
from fleetopt.study.explain import explain
from fleetopt.study.leftover import left_over
from fleetopt.study.once import optimize
from fleetopt.study.promises import without
from fleetopt.study.repairs import priced
from fleetopt.study.resolve import Resolver
from tests.oracle.test_node_patterns import asked, nodes
from tests.oracle.wired import fabric

EXACT = SolveOptions(gap=1e-6)
PERIOD_H = 90 * 24.0


def few(scenario: Scenario, most: int) -> Scenario:
    """The scenario with so many nodes at most."""
    (line,) = scenario.supply.lines
    return replace(scenario, supply=replace(scenario.supply, lines=(replace(line, max_nodes=most),)))


def test_explain_says_what_a_slow_link_costs() -> None:
    """Proves the promise: seven requests/s at links of 12 take a third node, 9.6 Gbit/s as the scenario writes it."""
    scenario = asked(7.0, fabric(12.0, None))
    found = explain(scenario, optimize(scenario, EXACT), Resolver(EXACT)).findings
    (link,) = [one for one in found if one.about == "links of 9.6 Gbit/s between the nodes of main"]
    assert link.usd == pytest.approx(PERIOD_H)
    (sender,) = [one for one in found if one.about == "chat prefill p"]
    assert sender.sentence.endswith("held by its share of the network")


def test_explain_says_what_more_of_a_total_saves() -> None:
    """Proves the limit: a total of 7 is used up, and more of it saves nothing; one of 4 costs a node.

    Sensitivity: a total in bytes would be moved by a step of nothing.
    """
    scenario = asked(7.0, fabric(1e12, None, total=7.0))
    plan = optimize(scenario, EXACT)
    found = {one.about: one for one in explain(scenario, plan, Resolver(EXACT)).findings}
    assert "network of main is used up (5.6 Gbit/s); 0.056 more would save nothing" in found["network of main"].sentence
    limited = asked(7.0, fabric(1e12, total=4.0))
    assert nodes(limited) == 3
    assert nodes(without(limited, "the limit of 3.2 Gbit/s on the network of main")) == 2


def test_repairs_offer_a_faster_network() -> None:
    """Proves both hooks: with two nodes at most and slow links, dropping the links' limit is among the repairs."""
    slow = few(asked(7.0, fabric(12.0, None)), 2)
    with pytest.raises(Infeasible) as refused:
        optimize(slow, EXACT)
    found = priced(slow, refused.value, EXACT)
    changes = {change.limit: repair.usd for repair in found.repairs for change in repair.changes}
    assert changes["links of 9.6 Gbit/s between the nodes of main"] == pytest.approx(2 * PERIOD_H)
    narrow = asked(7.0, fabric(1e12, None, total=4.0))
    with pytest.raises(Infeasible) as refused:
        optimize(narrow, EXACT)
    changes = {c.limit: r.usd for r in priced(narrow, refused.value, EXACT).repairs for c in r.changes}
    assert changes["network of main"] == pytest.approx(2 * PERIOD_H)


def test_what_a_plan_may_send_is_gone_for_others() -> None:
    """Proves left_over: a replica that may send 8 requests/s, 6.4 Gbit/s, leaves 1.6 of 8; one in a node leaves all."""
    scenario = asked(7.0, fabric(1e12, None, total=10.0))
    (left,) = left_over(scenario, optimize(scenario, EXACT)).supply.fabrics
    assert left.total_gbit_s == pytest.approx(1.6, abs=1e-4)
    near = asked(3.0, replace(fabric(1.5), total_gbit_s=8.0))
    (left,) = left_over(near, optimize(near, EXACT)).supply.fabrics
    assert left.total_gbit_s == 8.0


def test_a_static_fleet_may_be_of_node_patterns() -> None:
    """Proves the baseline where nothing else can be: two nodes with a pattern of 3 requests/s each."""
    scenario = asked(6.0, fabric(None))
    found = {one.name: one for one in baselines(scenario, optimize(scenario, EXACT), Resolver(EXACT))}
    static = found["static fleet for the peak"]
    assert static.verified
    assert static.usd == pytest.approx(2 * PERIOD_H)
