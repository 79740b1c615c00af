"""DistServe's placements and MuxServe's sharing as styles, by hand. A node at 1 USD/h costs 2160 USD a period.

Fabrics as in tests/oracle/test_node_patterns.py: four GPUs a node, prefill carries 8 requests/s and decode one. Bundles
as in tests/oracle/test_bundles.py: one GPU a node, three models at 1 request/s fit one group.
"""

from __future__ import annotations

from random import Random

import pytest

from fleetopt.errors import Infeasible
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles import STYLES
from fleetopt.study.styles.comparison import compare_styles
from fleetopt.study.styles.records import StyleRow
from fleetopt.verify.verifier import verify
from tests.oracle import build
from tests.oracle.bundled import PATIENT, SWAPPING, bundling, question
from tests.oracle.test_node_patterns import asked
from tests.oracle.wired import draw, fabric
from tests.study.styles.conftest import EXACT, NODE

BY_NAME = {style.name: style for style in STYLES}


def rows(scenario: Scenario, *names: str) -> dict[str, StyleRow]:
    """The rows of some styles, and of everything."""
    styles = [BY_NAME[name] for name in names] or STYLES
    return {row.name: row for row in compare_styles(scenario, Resolver(EXACT), styles=styles).rows}


def fleets(scenario: Scenario, *names: str) -> dict[str, float]:
    """The nodes that styles come to."""
    return {name: row.usd / NODE for name, row in rows(scenario, *names).items() if row.usd is not None}


def test_distserve_places_apart_or_together() -> None:
    """Proves: seven requests/s take three nodes of 1 + 3 replicas side by side and two placed apart; at links of 12
    requests/s a replica's quarter is 3, so that apart takes three prefill and seven decode replicas: three nodes.
    Sensitivity: a style that left the other placement in would take the cheaper one in both rows.
    """
    placements = ("disaggregated", "distserve-low", "distserve-high")
    assert fleets(asked(7.0, fabric(1e12)), *placements) == pytest.approx(
        {"disaggregated": 2, "distserve-low": 3, "distserve-high": 2, "all": 2}
    )
    slow = rows(asked(3.0, fabric(12.0)), *placements)
    found = {name: round((row.usd or 0.0) / NODE) for name, row in slow.items()}
    assert found == {"disaggregated": 1, "distserve-low": 1, "distserve-high": 1, "all": 1}
    low, high = slow["distserve-low"].plan, slow["distserve-high"].plan
    assert low is not None
    assert high is not None
    assert {p.pattern for p in low.placements} == {"1 x p + 3 x d"}
    assert {p.pattern for p in high.placements} == {None}


def test_a_total_is_no_matter_inside_nodes() -> None:
    """Proves: a network that carries next to nothing leaves low affinity as it is, and makes high affinity impossible.
    Sensitivity: a limit of traffic that were kept without links would be refused or would bind.
    """
    found = rows(asked(3.0, fabric(1e12, total=0.5)), "distserve-low", "distserve-high")
    assert found["distserve-low"].usd == pytest.approx(NODE)
    assert found["distserve-high"].usd is None


def test_aggregated_replicas_are_none_of_distserve() -> None:
    """Proves: an aggregated replica that would do alone is left out of both placements, and of no other row.
    Sensitivity: left in, both would cost one node of one GPU more or less than apart.
    """
    whole = asked(7.0, fabric(1e12), build.prefill("p", 9000.0), build.rate("d", 1.0, "decode"), build.rate("a", 7.0))
    found = fleets(whole, "aggregated", "disaggregated", "distserve-low", "distserve-high")
    assert found == pytest.approx(
        {"aggregated": 1, "disaggregated": 2, "distserve-low": 3, "distserve-high": 2, "all": 1}
    )


def test_muxserve_shares_and_shares_nothing() -> None:
    """Proves: three models take one group shared, one each if nothing is, and two nodes each of prefill and decode
    apart, which have no bundles; aggregated serving has no profile of its own and says so.
    Sensitivity: bundles that were left in another style would take it to one node.
    """
    scenario = question((1.0, 1.0, 1.0), bundling())
    assert fleets(scenario) == pytest.approx(
        {"static": 6, "disaggregated": 6, "one-gpu-type": 1, "unshared": 3, "muxserve": 1, "all": 1}
    )
    aggregated = rows(scenario, "aggregated")["aggregated"]
    assert aggregated.note == "no aggregated profile of m0, m1, m2"


def test_nothing_is_swapped_where_nothing_is_shared() -> None:
    """Proves: models in host memory are sharing too. Sensitivity: with swapping left in, three would take one node."""
    scenario = question([1e-3] * 3, bundling(1, swapping=SWAPPING), **PATIENT)
    found = fleets(scenario, "unshared", "muxserve")
    assert found["unshared"] == pytest.approx(3)
    assert found["muxserve"] == pytest.approx(found["all"])
    assert found["muxserve"] < 3


def test_who_shares_with_nobody_still_has_a_group() -> None:
    """Proves: isolation is a promise of the workload in this style too. Sensitivity: one node would do without it."""
    scenario = question((1.0, 1.0, 1.0), bundling(), changes={1: {"isolation": True}})
    assert fleets(scenario, "muxserve") == pytest.approx({"muxserve": 2, "all": 2})


@pytest.mark.parametrize(
    ("scenario", "name", "said"),
    [
        (question((1.0,), None), "distserve-low", "the supply states no fabrics"),
        (question((1.0,), None), "distserve-high", "the supply states no fabrics"),
        (asked(3.0, fabric(1e12, None)), "distserve-low", "no fabric has a speed inside nodes"),
        (asked(3.0, fabric(None)), "distserve-high", "no fabric has a speed between nodes"),
        (asked(3.0, fabric(None)), "muxserve", "the scenario allows no bundles"),
        (asked(3.0, fabric(None)), "unshared", "the scenario allows no bundles"),
    ],
)
def test_where_a_style_is_not_asked_for_it_does_not_apply(scenario: Scenario, name: str, said: str) -> None:
    """Proves: nothing is made up where the scenario states no fabric or no bundles. Sensitivity: a row of the plain
    scenario would stand under the name of a system that it has nothing to do with.
    """
    row = rows(scenario, name)[name]
    assert (row.came, row.usd, row.note, row.finished) == ("DOES_NOT_APPLY", None, said, True)


def test_splitwise_hands_over_between_machines_only() -> None:
    """Proves: its pools use no node pattern: without links between nodes there is no such plan, where low affinity has
    one. Sensitivity: a pattern inside a node is cheaper than any pools on slow links.
    """
    gpu = "A100-80G"
    pair = build.prefill("p", 9000.0, gpu=gpu), build.rate("d", 1.0, "decode", gpu=gpu)
    scenario = asked(3.0, fabric(None), *pair, line=build.line("n", f"{gpu}x4"))
    found = rows(scenario, "splitwise-aa", "distserve-low")
    assert found["splitwise-aa"].usd is None
    assert found["distserve-low"].usd == pytest.approx(NODE)


SHARED = [
    question((1.0, 0.5, 0.2), bundling(2)),
    question([1e-3] * 4, bundling(2, swapping=SWAPPING), **PATIENT),
    question((1.0, 1.0), bundling(2, 0.5), changes={0: {"isolation": True}}),
]


@pytest.mark.parametrize("scenario", [*SHARED, *(draw(Random(seed)) for seed in range(8))])
def test_no_style_is_cheaper_than_everything(scenario: Scenario) -> None:
    """Proves: with fabrics and bundles too each verified style costs at least what everything does, its plans are ones
    of the whole scenario, and the bound of everything is below its cost.
    Sensitivity: a style that loosened a fabric or a promise would be cheaper, or fail its verification.
    """
    try:
        found = rows(scenario)
    except Infeasible:
        return
    best = found["all"]
    assert best.usd is not None
    assert best.bound_usd is not None
    assert best.bound_usd <= best.usd * (1.0 + 1e-9)
    for row in found.values():
        if row.plan is not None:
            assert verify(row.plan, scenario).passed == row.verified
            assert not row.verified or (row.usd or 0.0) >= best.usd * (1.0 - 1e-9)


def test_a_bound_holds_for_the_plan_that_is_taken() -> None:
    """Proves: where a narrower question finds what the larger one's columns did not have, its own lower bound is the
    one that is said. Sensitivity: the row would claim that nothing costs less than more than it costs.
    """
    scenario = asked(7.0, fabric(1e12))
    cheap = rows(scenario, "disaggregated")["disaggregated"].plan
    assert cheap is not None
    dear = cheap.model_copy(update={"objective_usd": 3 * NODE, "bound_usd": 3 * NODE, "gap": 0.0})
    found = compare_styles(scenario, Resolver(EXACT), plan=dear, styles=[BY_NAME["disaggregated"]]).allowed
    assert found is not None
    assert found.usd == pytest.approx(2 * NODE)
    assert found.bound_usd == pytest.approx(2 * NODE)
