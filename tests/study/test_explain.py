"""Why this plan and no other, each figure worked out by hand. A node at 1 USD/h costs 2160 USD in 90 days."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from fleetopt.errors import Infeasible, InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Margins, Scenario
from fleetopt.scenario.load import load
from fleetopt.scenario.supply_domain import Quota, Stock
from fleetopt.study.entry import break_even
from fleetopt.study.explain import Explanation, explain
from fleetopt.study.findings import UNKNOWN, Finding, dollars, saving
from fleetopt.study.once import optimize
from fleetopt.study.prices import cost_of, repriced
from fleetopt.study.resolve import USUAL, Answer, Effort, Resolver
from fleetopt.units import Latency
from tests.oracle import build
from tests.oracle.draw import has_odd_sizes
from tests.properties.asked import PROOF, questions

EXACT = SolveOptions(gap=1e-7)
NODE = 2160.0


def explained(scenario: Scenario, most: int | None = None) -> Explanation:
    return explain(scenario, optimize(scenario, EXACT), Resolver(EXACT, most=most))


def findings(scenario: Scenario) -> dict[str, Finding]:
    return {one.about: one for one in explained(scenario).findings}


def spilling(**changes: object) -> Scenario:
    """4 requests/s: two of A's for 1 USD/h each, as many as may be had, and the rest on B for 3 USD/h."""
    lines = [build.line("a", "Ax1", 1.0, max_nodes=2), build.line("b", "Bx1", 3.0)]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    made = build.scenario([build.workload(rps=4.0)], candidates, lines)
    return replace(made, supply=replace(made.supply, **changes)) if changes else made  # type: ignore[arg-type]


def test_one_more_node_is_worth_what_it_replaces() -> None:
    """Proves: one more A saves the 2 USD/h by which B is dearer, over the 2160 h.
    Sensitivity: the price of A, or of B, would say 2160 or 6480 USD.
    """
    more = findings(spilling())["offer a"]
    assert more.usd == pytest.approx(2 * NODE)
    assert more.sentence == "offer a is used up (2 nodes); 1 more would save 4,320.00 USD"


def test_quota_is_valued_by_the_node_that_it_lets_in() -> None:
    """Proves: a quota of 5 GPUs on nodes of two, of which 4 are in use, lets in a third node with one more GPU, which
    replaces two nodes of B; a quota of 4 does with two more.
    Sensitivity: 4 of 5 would pass for room to spare, or a whole node's GPUs be asked for.
    """
    lines = (build.line("a", "Ax2", 1.0), build.line("b", "Bx1", 3.0))
    made = build.scenario(
        [build.workload(rps=6.0)],
        [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")],
        lines,
        quotas=[Quota("q", "A", None, None, 5)],
    )
    plan = optimize(made, EXACT)
    assert plan.objective_usd == pytest.approx((2 * 1 + 2 * 3) * NODE)
    assert "1 more would save 10,800.00 USD" in findings(made)["quota q"].sentence
    even = replace(made, supply=replace(made.supply, quotas=(Quota("q", "A", None, None, 4),)))
    more = findings(even)["quota q"]
    assert more.usd == pytest.approx((2 * 3 - 1) * NODE)
    assert "2 more would save 10,800.00 USD, 5,400.00 USD each" in more.sentence


def test_owned_nodes_are_valued_too() -> None:
    """Proves: a second free node replaces one that is rented.
    Sensitivity: stock has no rule of its own, so the bindings of the plan do not name it.
    """
    made = spilling(stock=(Stock("own", "main", "Ax1", 1, 0.0),))
    assert findings(made)["owned own"].usd == pytest.approx(3 * NODE)


def test_an_idle_offer_comes_in_where_it_costs_the_same() -> None:
    """Proves: B does twice what A does, so at 5 USD/h it comes in at 2 USD/h: 60 % cheaper.
    Sensitivity: per node instead of per request it would be 1 USD/h.
    """
    lines = [build.line("a", "Ax1", 1.0), build.line("b", "Bx1", 5.0)]
    candidates = [build.rate("a", 1.0), build.rate("b", 2.0, gpu="B")]
    price = findings(build.scenario([build.workload(rps=4.0)], candidates, lines))["B"]
    assert price.factor == pytest.approx(0.4, abs=1e-5)
    assert price.sentence == "B would come in if it were 60 % cheaper (b at 2 USD/node/h instead of 5)"


def test_the_last_node_decides_the_price() -> None:
    """Proves: of 5 requests/s A's nodes of 4 carry four; for the fifth alone a B of 1 replaces a whole A, so B comes in
    below the price of a node of A, not below a quarter of it.
    Sensitivity: the relaxation's dual would say a quarter: 0.25 of A's 4 USD/h.
    """
    lines = [build.line("a", "Ax4", 4.0), build.line("b", "Bx1", 8.0)]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    price = findings(build.scenario([build.workload(rps=5.0)], candidates, lines))["B"]
    assert price.factor == pytest.approx(4.0 / 8.0, abs=1e-5)


def test_upfront_money_scales_with_the_price() -> None:
    """Proves: a node bought for 7000 USD for exactly the period comes in where it costs what renting does, 2160 USD.
    Sensitivity: hourly prices alone would be scaled from zero to zero, and it would never come in.
    """
    lines = [build.line("rent", "Ax1", 1.0), build.line("buy", "Ax1", 0.0, kind="purchase", upfront=7000.0, term=3)]
    price = findings(build.scenario([build.workload()], [build.rate("c", 1.0)], lines))["offer buy"]
    assert price.factor == pytest.approx(2160.0 / 7000.0, abs=1e-5)


def test_what_cannot_serve_enters_at_no_price() -> None:
    """Proves: B has no config, so no price brings it in.
    Sensitivity: a break-even of next to nothing would read as an offer worth asking for.
    """
    lines = [build.line("a", "Ax1"), build.line("b", "Bx1", 5.0)]
    price = findings(build.scenario([build.workload()], [build.rate("a", 1.0)], lines))["B"]
    assert (price.factor, price.sentence) == (0.0, "B would not be used at any price: no model has a profile on it")


def test_supply_that_costs_the_same_is_said_to() -> None:
    """Proves: two offers at one price, one of which is not used, differ by nothing.
    Sensitivity: a break-even a hair below today's price would say 1e-05 % cheaper.
    """
    lines = [build.line("a", "Ax1"), build.line("same", "Ax1")]
    found = findings(build.scenario([build.workload()], [build.rate("a", 1.0)], lines))
    (price,) = [one for one in found.values() if one.topic == "price"]
    assert price.sentence.endswith("is not used, but would cost the same")


def test_a_promise_costs_what_its_absence_saves() -> None:
    """Proves: decode of 100 tokens takes 20 ms + 10 ms x batch; at 30 ms 10 requests/s need 30 GPUs, without the
    promise batch 4 at 60 ms is allowed, where 10 x 0.6 / 0.4 = 15 are enough; headroom of 10 % costs 3.
    Sensitivity: promises taken away together would cost less than their sum.
    """
    candidates = [build.prefill("p", 1e6), build.decode("d", (1, 0.03), (2, 0.04), (4, 0.06))]
    workload = build.workload(rps=10.0, tpot=Latency(0.03), headroom=0.1)
    found = findings(build.scenario([workload], candidates, [build.line("rent", "Ax1")]))
    assert found["chat: TPOT 30 ms at mean"].usd == pytest.approx((33 - 17) * NODE)
    assert found["chat: headroom of 10 %"].usd == pytest.approx(3 * NODE)
    assert found["chat: TTFT 1000 ms at mean"].usd == pytest.approx(0.0)
    assert found["chat: TTFT 1000 ms at mean"].sentence.endswith("costs nothing")


def test_restrictions_and_margins_are_promises_too() -> None:
    """Proves: a forbidden GPU type, a limit of nodes and a margin on profiles are each priced.
    Sensitivity: what is not among the promises would look free.
    """
    scenario = spilling()
    only_b = replace(scenario.workloads[0], forbidden_gpu_types=("A",))
    found = findings(replace(scenario, workloads=(only_b,)))
    assert found["chat: not on A"].usd == pytest.approx((2 * 3 - 2 * 1) * NODE)
    assert findings(scenario)["the limit of 2 nodes of a"].usd == pytest.approx(2 * 2 * NODE)
    slowed = findings(replace(scenario, margins=Margins(0.0, 0.0, 0.5)))
    assert slowed["the margin on profiles (assumed 50 %)"].usd == pytest.approx(2 * 3 * NODE)


def test_what_binds_a_replica_is_said_with_its_limit() -> None:
    """Proves: in the paper's case prefill is held by TTFT and decode by TPOT.
    Sensitivity: the capacity alone does not say which promise to talk about.
    """
    found = explained(load("seed-paper"), most=0)
    sentences = [one.sentence for one in found.findings if one.topic == "binds"]
    assert sentences[0].endswith("carries 4.08 requests/s, held by TTFT of 2000 ms at mean")
    assert sentences[1].endswith("held by TPOT of 20 ms at mean")


def test_a_spent_budget_is_said() -> None:
    """Proves: with no solve left every figure is missing, none is zero, and the explanation says it is not complete.
    Sensitivity: a saving of zero would read as a limit that is worth nothing.
    """
    found = explained(spilling(), most=0)
    assert not found.complete
    assert all(one.usd is None and one.factor is None for one in found.findings)
    assert any("not worked out" in one.sentence for one in found.findings)


def test_a_small_budget_leaves_something_of_every_topic() -> None:
    """Proves: with two solves, what one more node saves and what one promise costs are known, and the rest counted.
    Sensitivity: topic after topic, promises would get nothing where limits use the budget up.
    """
    made = spilling(quotas=(Quota("qa", "A", None, None, 2), Quota("qb", "B", None, None, 2)))
    found = explained(made, most=2)
    known = {one.topic for one in found.findings if UNKNOWN not in one.sentence}
    assert {"one more", "promise"} <= known
    assert found.unanswered == sum(UNKNOWN in one.sentence for one in found.findings) > 0
    assert not found.complete


def test_the_promises_of_the_dearest_workload_come_first() -> None:
    """Proves: with one solve for a promise, it is one of the workload that costs nine tenths, whichever stands first.
    Sensitivity: by the order of the file the time would go to what hardly matters.
    """
    workloads = [build.workload("small", rps=1.0, headroom=0.1), build.workload("large", rps=9.0, headroom=0.1)]
    made = build.scenario(workloads, [build.rate("c", 1.0)], [build.line("rent", "Ax1")])
    known = [one for one in explained(made, most=1).findings if one.topic == "promise" and one.usd is not None]
    assert [one.about for one in known] == ["large: TTFT 1000 ms at mean"]


def test_a_difference_says_what_the_gaps_leave_open_of_it() -> None:
    """Proves: of a plan of 8640 USD proven down to 8000, a dearer one found without a promise saves nothing for sure
    and at most down to its bound; a cheaper one saves what lies between; one without a plan or bound tells nothing.
    Sensitivity: the difference of the plans found would be negative, or a figure known to the cent.
    """
    found = optimize(spilling(), EXACT)
    plan = replaced(found, 8640.0, 8000.0)
    open_ = saving(plan, Answer(replaced(found, 8700.0, 7900.0), bound_usd=7900.0))
    assert open_ is not None
    assert (open_.usd, open_.least, open_.most, open_.sure) == (0.0, 0.0, 740.0, False)
    assert dollars(open_) == "at most 740.00 USD, if anything"
    assert saving(plan, Answer(None, bound_usd=7900.0)) == open_
    sure = saving(plan, Answer(replaced(found, 4320.0, 4000.0), bound_usd=4000.0))
    assert sure is not None
    assert dollars(sure, 8640.0) == "4,320.00 USD (50 %), by the gaps 3,680.00 to 4,640.00 USD"
    unbounded = saving(plan, Answer(replaced(found, 4320.0, None)))
    assert unbounded is not None
    assert dollars(unbounded) == "4,320.00 USD, by the gaps 3,680.00 USD or more"
    unproven = saving(replaced(found, 8640.0, None), Answer(replaced(found, 4320.0, 4000.0), bound_usd=4000.0))
    assert unproven is not None
    assert (unproven.usd, unproven.most, unproven.sure) == (4320.0, 4640.0, False)
    assert saving(plan, Answer(None)) is None
    assert saving(plan, Answer(replaced(found, 8640.0, None))) is None


def replaced(plan: Plan, usd: float, bound: float | None) -> Plan:
    """The plan as if it had another cost and bound."""
    return plan.model_copy(update={"objective_usd": usd, "bound_usd": bound})


class Doubtful(Resolver):
    """Finds the plan it begins from, and proves nothing."""

    def solve(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Answer:
        assert effort.start is not None
        return Answer(effort.start.model_copy(update={"gap": 0.5}))


def test_no_price_is_named_that_is_not_proven() -> None:
    """Proves: where solves find nothing cheaper and prove nothing, at which price supply would come in is not known.
    Sensitivity: an idle offer would be said to be of no use at any price because the time was short.
    """
    scenario = spilling(lines=tuple(build.line(n, f"{n.upper()}x1", usd) for n, usd in (("a", 1.0), ("b", 3.0))))
    plan = optimize(scenario, EXACT)
    assert {line.supply for line in plan.fleet} == {"a"}
    assert break_even(scenario, plan, ["b"], Doubtful(EXACT)) is None
    found = explain(scenario, plan, Doubtful(EXACT))
    assert UNKNOWN in next(one.sentence for one in found.findings if one.about == "B")
    assert not found.complete


def test_a_plan_is_priced_at_other_prices() -> None:
    """Proves: the plan of today's prices costs, at twice B's, what B costs once more.
    Sensitivity: its own cost lines would not move.
    """
    scenario = spilling()
    plan = optimize(scenario, EXACT)
    assert cost_of(plan, scenario) == pytest.approx(plan.objective_usd)
    assert cost_of(plan, repriced(scenario, ["b"], 2.0)) == pytest.approx(plan.objective_usd + 2 * 3 * NODE)


@settings(PROOF, max_examples=8)
@given(questions)
def test_a_break_even_is_one(scenario: Scenario) -> None:
    """Proves: half a percent below the price that is named the supply lowers the cost, half a percent above it not.
    Sensitivity: a bisection that stops early, or scales one of several prices, would be off on one side.
    """
    try:
        plan = optimize(scenario, EXACT)
    except (Infeasible, InputError):
        return
    used = {line.supply for line in plan.fleet}
    idle = [line.name for line in scenario.supply.lines if line.name not in used]
    if has_odd_sizes(scenario) or not idle:
        return
    entry = break_even(scenario, plan, idle[:1], Resolver(EXACT))
    assert entry is not None
    if 0.0 < entry.factor < 1.0:
        below = optimize(repriced(scenario, idle[:1], entry.factor * 0.995), EXACT)
        above = optimize(repriced(scenario, idle[:1], entry.factor * 1.005), EXACT)
        assert below.objective_usd < plan.objective_usd
        assert above.objective_usd == pytest.approx(plan.objective_usd, rel=1e-6)
