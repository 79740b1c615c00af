"""What large cases without a plan are short of: small ones are asked the same way, and answered exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from fleetopt.errors import Change, Infeasible, NoPlanWithinLimit, Repair
from fleetopt.optimizer import lacking as lacking_module
from fleetopt.optimizer import run as run_module
from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.elastic import diagnose
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.optimizer.lacking import Planned, lacking
from fleetopt.optimizer.matrix import compile_matrix
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions, solve
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Budget
from fleetopt.study.limits import apply
from tests.optimizer.test_elastic import Shortage, crowded_slots, shortages

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=1e-6)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program counts as a large one."""
    monkeypatch.setattr(run_module, "MANY_COLUMNS", 0)


def error_of(build: Build, scenario: Scenario) -> Infeasible:
    with pytest.raises(Infeasible) as stop:
        optimize_case(build.case(scenario), EXACT)
    return stop.value


def short(build: Build, quota: int = 3, nodes: int = 4) -> Scenario:
    """5 requests/s at 1 a GPU, for a quota and an offer that are too small."""
    lines = [build.line("rent", "Ax1", max_nodes=nodes)]
    asked = [build.workload(rps=5.0)]
    return build.scenario(asked, [build.rate("c", 1.0)], lines, quotas=[build.quota(quota)])


def test_a_raise_is_paid_for_in_the_objective_and_counts_in_every_rule_of_its_limit(build: Build) -> None:
    """Proves: with 7 USD for each GPU of quota, 5 GPUs at 24 USD and 2 of quota cost 134 USD; an offer that may not be
    raised keeps its nodes.

    Sensitivity: a raise without its price would cost 120 USD, and one that is in no rule would leave no plan.
    """
    case = replace(build.case(short(build, nodes=5)), raises={"quota q": 7.0})
    assert solve(compile_matrix(formulate(case)), EXACT).objective == pytest.approx(5 * 24.0 + 2 * 7.0)
    narrow = replace(build.case(short(build)), raises={"quota q": 7.0})
    assert solve(compile_matrix(formulate(narrow)), EXACT).reason is Reason.INFEASIBLE


def test_limits_are_raised_together_and_each_by_itself_where_that_does(build: Build) -> None:
    """Proves: where quota and offer are both too small they are raised together, by 2 GPUs and 1 node; neither helps by
    itself, and without 40 % of the demand there is a plan as well. The conflict is named.

    Sensitivity: limits that are priced by the piece and not by what they are would be the same here; one that nothing
    is short of would be listed with a raise of nothing.
    """
    error = error_of(build, short(build))
    assert [repair.action for repair in error.repairs] == ["Raise these limits", "Accept a shortfall"]
    together, less = error.repairs
    assert set(together.details) == {"quota q from 3 to 5 GPUs", "offer rent from 4 to 5 nodes"}
    assert less.changes == (Change("demand of chat", 0.4, "of its demand", "t1/h1/o1"),)
    assert set(error.conflict) == {"quota q", "demand of chat"}


def test_a_limit_that_does_by_itself_is_offered_by_itself(build: Build) -> None:
    """Proves: where 100 GPUs of A and 4 of B are allowed, and 106 are asked for, a dearer B would have to be raised by
    half of what it is, and A only by 2 %; raised are shares, so A is, and B is in no repair.

    Sensitivity: raised by as few units as can be, either would do.
    """
    lines = [build.line("a", "Ax1"), build.line("b", "Bx1")]
    candidates = [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")]
    quotas = [build.quota(100), replace(build.quota(4), name="r", gpu_type="B")]
    made = build.scenario([build.workload(rps=106.0)], candidates, lines, quotas=quotas)
    raised = error_of(build, made).repairs[0]
    assert raised == Repair("Raise this limit", ("quota q from 100 to 102 GPUs",))


def test_a_budget_is_raised_to_what_the_cheapest_plan_spends(build: Build) -> None:
    """Proves: 120 USD are asked for, and a budget of 50.5 is raised to them, in dollars that are read as such.

    Sensitivity: a raise that is as dear as what it saves would leave it to chance.
    """
    made = short(build, 9, 9)
    made = replace(made, supply=replace(made.supply, budgets=(Budget("all", "all", None, 50.5),)))
    raised = error_of(build, made).repairs[0]
    assert raised == Repair("Raise this limit", ("budget all from 50.5 to 120 USD",))
    optimize_case(build.case(apply(made, raised)), EXACT)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(shortages)
def test_every_repair_repairs(build: Build, shortage: Shortage) -> None:
    """Proves: whatever is infeasible, each repair makes it feasible, and limits are raised where they are without
    `lacking`.

    Sensitivity: an amount rounded down, or of one time only, would leave it infeasible.
    """
    scenario = crowded_slots(build, shortage)
    case, repairs = build.case(scenario), set[str]()
    matrix = compile_matrix(formulate(case))
    if solve(matrix, EXACT).reason is not Reason.INFEASIBLE:
        return
    for repair in error_of(build, scenario).repairs:
        repairs.add(repair.action[:5])
        optimize_case(build.case(apply(scenario, repair)), EXACT)
    assert repairs == {repair.action[:5] for repair in diagnose(matrix).repairs}


def no_luck(monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """The first questions go without an answer."""
    real, asked = run_module.solve_by, 0

    def unlucky(*args: Any) -> Solution:
        nonlocal asked
        asked += 1
        return Solution(Reason.NO_SOLUTION_FOUND, None, 7.0, None, 3.0) if asked <= times else real(*args)

    monkeypatch.setattr(run_module, "solve_by", unlucky)


def test_a_plan_that_raises_nothing_is_a_plan(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a case for which no plan was found, but which has one within its limits, is planned.

    Sensitivity: what was found with limits that could give would be thrown away, and "no plan" told.
    """
    no_luck(monkeypatch)
    found = optimize_case(build.case(short(build, 5, 5)), EXACT)
    assert found.readout.objective_usd == pytest.approx(120.0)
    assert found.bound_usd == pytest.approx(120.0)
    assert found.proven is True


def test_a_plan_that_is_near_enough_for_reasons_is_not_called_proven(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: within the 5 % that do for reasons, but not within what was asked for, a plan is open.

    Sensitivity: "proven" would stand beside a gap that nobody asked for.
    """
    no_luck(monkeypatch)
    real = run_module.solve_by

    def nearly(*args: Any) -> Solution:
        found = real(*args)
        return found if found.bound is None else replace(found, bound=0.97 * found.bound)

    monkeypatch.setattr(run_module, "solve_by", nearly)
    assert optimize_case(build.case(short(build, 5, 5)), EXACT).proven is False


def test_where_no_plan_was_found_it_is_told_what_makes_one(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: nobody says that there is no plan, as that is not known, and what is known to make one is told.

    Sensitivity: "no plan was found" by itself leaves whoever planned to guess.
    """
    no_luck(monkeypatch)
    with pytest.raises(NoPlanWithinLimit, match=r"no plan was found in 3 s; no plan can cost less than 7\.00") as stop:
        optimize_case(build.case(short(build, nodes=5)), EXACT)
    assert stop.value.repairs[0] == Repair("Raise this limit", ("quota q from 3 to 5 GPUs",))


def test_what_is_too_large_to_be_written_whole_is_not(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: of a case that is too large even to prove that it has no plan, the narrow program says what it lacks;
    but whoever asks for the whole program has it written.

    Sensitivity: the whole program of hundreds of workloads takes more memory than there is.
    """
    for name in ("MANY_REPLICAS", "TOO_MANY_REPLICAS"):
        monkeypatch.setattr(run_module, name, 0)
    with pytest.raises(Infeasible):
        optimize_case(build.case(short(build, nodes=5)), replace(EXACT, method="mip"))
    monkeypatch.setattr(run_module, "compile_matrix", forbidden)
    with pytest.raises(NoPlanWithinLimit, match="too many others to prove it of all") as stop:
        optimize_case(build.case(short(build, nodes=5)), EXACT)
    assert stop.value.repairs[0] == Repair("Raise this limit", ("quota q from 3 to 5 GPUs",))


def forbidden(*_: object) -> Any:
    raise AssertionError("the program is written whole")


def unasked(case: PlanningCase, options: SolveOptions) -> Planned | None:
    raise AssertionError(f"{case} is planned within {options}")


def test_where_demand_alone_has_no_plan_no_limit_is_asked_about(build: Build) -> None:
    """Proves: two requests/s on one owned GPU have no plan whatever is raised, which a relaxation says.

    Sensitivity: every limit would be planned with for a minute.
    """
    owned = build.scenario([build.workload(rps=2.0)], [build.rate("c", 1.0)], stock=[build.stock("own", "Ax1", 1)])
    assert lacking(build.case(owned), FEATURES, EXACT, unasked).repairs == ()


def test_reasons_take_no_longer_than_the_time_limit(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: whoever gives a plan 5 s does not wait a minute for reasons: a question has what is left of 5 s, and one
    about a single limit its part of that. With nothing left none is asked.

    Sensitivity: a script that plans with a short limit would hang for a minute wherever there is no plan.
    """
    seconds, clock = list[float](), [7.0]

    def slow(case: PlanningCase, options: SolveOptions) -> Planned | None:
        seconds.append(options.time_limit_s)
        clock[0] += 2.0
        return Planned(dict.fromkeys(case.raises, 2.0), True, None, forbidden, None) if case.raises else None

    monkeypatch.setattr(lacking_module, "perf_counter", lambda: clock[0])
    lacking(build.case(short(build)), FEATURES, replace(EXACT, time_limit_s=5.0), slow)
    assert seconds == pytest.approx([5.0, 0.3 * 3.0, 0.3 * 1.0])


def test_a_limit_that_is_lowered_holds_lower_until_it_is_raised(build: Build) -> None:
    """Proves: 5 GPUs are asked for and allowed; a quota taken for 4 is raised by one, for 7 USD, which is within
    what it is, and no dollar of the plan.

    Sensitivity: counted as a raise, the plan would be thrown away; counted as cost, its gap would be wrong.
    """
    case = build.case(short(build, quota=5, nodes=5))
    priced = replace(case, raises={"quota q": 7.0}, lowered={"quota q": 1.0})
    assert solve(compile_matrix(formulate(priced)), EXACT).objective == pytest.approx(5 * 24.0 + 7.0)
    planned = run_module._with_raises((), priced, EXACT)
    assert planned is not None
    assert planned.raised == {"quota q": 0.0}
    assert planned.read().objective_usd == pytest.approx(120.0)
    assert planned.found.solution.objective == pytest.approx(120.0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("more", "over", "hopeless", "planned"),
    [(2.0, 0.0, False, True), (2.0, 0.5, False, False), (10.0, 0.0, False, False), (2.0, 0.0, True, False)],
)
def test_limits_that_are_raised_by_little_are_tried_lower(
    build: Build, more: float, over: float, *, hopeless: bool, planned: bool
) -> None:
    """Proves: a quota of 100 that was raised by 2 is taken for 96, and what is within 100 then is a plan, whose bound
    is that of the first question: with lower limits plans may cost more. By 10 it is raised by too much; and nobody
    tries where it is proven that there is no plan.

    Sensitivity: a budget next to the least that any plan spends has a plan that is never found.
    """
    asked = list[dict[str, float]]()

    def answer(case: PlanningCase, _: SolveOptions) -> Planned | None:
        asked.append(dict(case.lowered))
        raised = {"quota q": over} if case.lowered else {"quota q": more}
        return Planned(raised, True, 7.0 if case.lowered else 5.0, forbidden, None) if case.raises else None

    found = lacking(build.case(short(build, quota=100, nodes=200)), FEATURES, EXACT, answer, hopeless=hopeless)
    assert (found.plan is not None) is planned
    assert ({"quota q": 4.0} in asked) is (more == 2.0 and not hopeless)
    assert found.plan is None or found.plan.bound == 5.0


def test_after_ctrl_c_nothing_more_is_asked(build: Build) -> None:
    """Proves: what was found before Ctrl-C is told; the terminal is told what is going on, and of no plan or bound.

    Sensitivity: each question would have to be interrupted by itself.
    """
    told, asked = list[Progress](), list[PlanningCase]()

    def once(case: PlanningCase, options: SolveOptions) -> Planned | None:
        asked.append(case)
        assert options.on_progress is not None
        options.on_progress(Progress(1.0, 2.0, 1.0))
        _press_ctrl_c()
        return Planned({"quota q": 2.0, "offer rent": 1.0}, True, None, forbidden, None)

    found = lacking(build.case(short(build)), FEATURES, replace(EXACT, on_progress=told.append), once)
    assert len(asked) == 1
    assert found.interrupted is True
    assert [repair.action for repair in found.repairs] == ["Raise these limits"]
    assert {(one.phase, one.incumbent, one.bound) for one in told} == {("explaining", None, None)}


def _press_ctrl_c() -> None:
    import signal

    listener: Callable[..., Any] = signal.getsignal(signal.SIGINT)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        listener(signal.SIGINT, None)
