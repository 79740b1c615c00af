"""What changed, and what moved the cost. A node at 1 USD/h costs 2160 USD in the period of 90 days."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Margins, Scenario
from fleetopt.scenario.load import load
from fleetopt.study.compare import Comparison, compare_plans, compare_scenarios
from fleetopt.study.fields import get, put
from fleetopt.study.once import optimize
from fleetopt.study.prices import repriced
from fleetopt.study.resolve import Resolver
from fleetopt.units import Latency
from tests.oracle import build
from tests.properties.asked import PROOF, questions

EXACT = SolveOptions(gap=1e-7)
NODE = 2160.0


def compared(a: Scenario, b: Scenario) -> Comparison:
    return compare_scenarios(a, b, Resolver(EXACT))


def changed(found: Comparison, section: str) -> dict[str, tuple[object, object]]:
    return {one.about: (one.before, one.after) for one in found.differences if one.section == section}


@pytest.fixture
def base() -> Scenario:
    return build.scenario([build.workload(rps=2.0)], [build.rate("c", 1.0)], [build.line("rent", "Ax1", 1.0)])


def test_demand_and_price_interact(base: Scenario) -> None:
    """Proves: from 2 nodes at 1 USD/h to 3 at 2 USD/h, demand moves 1 node-period and then the price 3; alone they move
    1 and 2, and the interaction is the one that both together add.
    Sensitivity: the last group alone in place of in order would leave a gap in the sum.
    """
    more = replace(base, workloads=(build.workload(rps=3.0),))
    found = compared(base, repriced(more, ["rent"], 2.0))
    demand, price = found.moves
    assert (demand.group, price.group) == ("calendar and demand", "offers and prices")
    assert demand.usd == pytest.approx(NODE)
    assert demand.alone_usd == pytest.approx(NODE)
    assert price.usd == pytest.approx(3 * NODE)
    assert price.alone_usd == pytest.approx(2 * NODE)
    assert found.interaction_usd == pytest.approx(NODE)
    assert found.usd_b - found.usd_a == pytest.approx(4 * NODE)


def test_fields_that_differ_are_named_by_their_paths(base: Scenario) -> None:
    """Proves: what is different in the input is listed with both values, and nothing else is.
    Sensitivity: objects compared as a whole would list every field of a workload.
    """
    other = put(base, ("workloads", "chat", "tpot"), Latency(0.08))
    other = put(other, ("supply", "lines", "rent", "max_nodes"), 9)
    assert changed(compared(base, other), "input") == {
        "workloads.chat.tpot.limit_s": (0.05, 0.08),
        "supply.lines.rent.max_nodes": (None, 9),
    }


def test_what_is_planned_differently_is_listed(base: Scenario) -> None:
    """Proves: nodes, dollars by line and dollars by workload stand side by side.
    Sensitivity: unchanged rows would bury what changed.
    """
    found = compared(base, replace(base, workloads=(build.workload(rps=3.0), build.workload("code", 0.0))))
    assert changed(found, "fleet") == {"rent (Ax1)": (2, 3)}
    assert changed(found, "cost") == {"on_demand rent": (pytest.approx(2 * NODE), pytest.approx(3 * NODE))}
    assert changed(found, "workload") == {"chat": (pytest.approx(2 * NODE), pytest.approx(3 * NODE))}


def test_every_group_is_told_apart(base: Scenario) -> None:
    """Proves: an SLO, a headroom, a margin, a limit of supply and a workload each fall into their own group.
    Sensitivity: a group that takes the whole workload, or the whole supply, would swallow its neighbours.
    """
    groups = {
        "workloads added or taken out": replace(base, workloads=(*base.workloads, build.workload("code", 1.0))),
        "SLOs": put(base, ("workloads", "chat", "ttft"), Latency(2.0)),
        "other promises of workloads": put(base, ("workloads", "chat", "headroom"), 0.5),
        "profiles, hardware and margins": replace(base, margins=Margins(0.0, 0.0, 0.5)),
        "offers and prices": repriced(base, ["rent"], 2.0),
        "what else there is to have": put(base, ("supply", "lines", "rent", "max_nodes"), 5),
    }
    for group, other in groups.items():
        assert [move.group for move in compared(base, other).moves] == [group]
        assert [move.group for move in compared(other, base).moves] == [group]


def test_a_step_without_a_plan_is_taken_with_the_next(base: Scenario) -> None:
    """Proves: demand that outgrows the old limit has no plan until the limit grows, so both are one move.
    Sensitivity: an infeasible step would end the comparison, or count as nothing.
    """
    limited = put(base, ("supply", "lines", "rent", "max_nodes"), 2)
    found = compared(limited, replace(base, workloads=(build.workload(rps=3.0),)))
    (move,) = found.moves
    assert move.group == "calendar and demand and what else there is to have"
    assert move.usd == pytest.approx(NODE)


def test_the_same_question_has_no_moves(base: Scenario) -> None:
    """Proves: a scenario under another name asks the same.
    Sensitivity: names or places of files would count as a change.
    """
    found = compared(base, replace(base, name="other", description="the same"))
    assert found.moves == ()
    assert found.interaction_usd == 0.0
    assert set(changed(found, "input")) == {"name", "description"}


def test_plans_are_compared_with_the_files_they_came_from(base: Scenario) -> None:
    """Proves: two plans show their fleets, costs and the input files that are not the same bytes.
    Sensitivity: without the hashes a changed profile would go unnoticed.
    """
    a, b = optimize(load("seed-paper")), optimize(load("heterogeneous-pd"))
    found = compare_plans(a, b)
    assert found.usd_b == b.objective_usd
    assert changed(found, "fleet")["h200 (8xH200)"] == (7, 2)
    assert any("llama-3.1-70b" in name for name in changed(found, "input"))
    assert compare_plans(a, a).differences == ()


def test_paths_lead_where_they_say(base: Scenario) -> None:
    """Proves: what is put at a path is got from it, the rest stays, and a path to nothing is refused.
    Sensitivity: members of a tuple found by position would change the wrong line.
    """
    path = ("supply", "lines", "rent", "offer", "usd_per_node_h")
    other = put(base, path, 7.0)
    assert (get(base, path), get(other, path)) == (1.0, 7.0)
    assert put(other, path, 1.0) == base
    assert get(put(base, ("models", "m", "card", "layers"), 3), ("models", "m", "card", "layers")) == 3
    for wrong in (("supply", "lines", "none"), ("nothing",)):
        with pytest.raises(KeyError):
            get(base, wrong)
        with pytest.raises(KeyError):
            put(base, wrong, 1)


@settings(PROOF, max_examples=10)
@given(questions, questions)
def test_moves_add_up(a: Scenario, b: Scenario) -> None:
    """Proves: from any scenario to any other the moves sum to the difference, and so do the moves alone with the
    interaction.
    Sensitivity: a step that needs a name of the other catalog, or a calendar that is not there yet, would fail.
    """
    try:
        found = compared(a, b)
    except (Infeasible, InputError):
        return
    whole = found.usd_b - found.usd_a
    size = abs(found.usd_a) + abs(found.usd_b) + 1.0
    assert sum(move.usd for move in found.moves) == pytest.approx(whole, abs=1e-6 * size)
    if found.interaction_usd is not None:
        alone = sum(move.alone_usd or 0.0 for move in found.moves)
        assert alone + found.interaction_usd == pytest.approx(whole, abs=1e-6 * size)
