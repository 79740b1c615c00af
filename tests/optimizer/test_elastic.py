"""Why there is no plan, and what would make one: every repair is applied, every conflict taken apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import Infeasible, Repair
from fleetopt.optimizer import elastic
from fleetopt.optimizer.elastic import diagnose
from fleetopt.optimizer.matrix import Program
from fleetopt.optimizer.patterns.watch import Watch
from fleetopt.optimizer.run import optimize_case
from fleetopt.optimizer.solve import Reason, Solution, SolveOptions, solve_here
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.study.once import optimize
from tests.optimizer.patterns.questions import matrix_of

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

RAISE = re.compile(r"(quota|offer) (\S+) from (\d+) to (\d+) (GPUs|nodes)")
ACCEPT = re.compile(r"demand of (\S+) in \S+: (\S+) % more unserved")


def planned(scenario: Scenario) -> Plan:
    return optimize(scenario, SolveOptions(gap=1e-6))


def infeasible(scenario: Scenario) -> Infeasible:
    with pytest.raises(Infeasible) as stop:
        planned(scenario)
    return stop.value


def repaired(scenario: Scenario, repair: Repair) -> Scenario:
    for detail in repair.details:
        if raised := RAISE.fullmatch(detail):
            scenario = _raised(scenario, raised[2], int(raised[4]))
        else:
            accepted = ACCEPT.fullmatch(detail)
            assert accepted, detail
            scenario = _accepting(scenario, accepted[1], float(accepted[2]) / 100.0)
    return scenario


def _raised(scenario: Scenario, name: str, limit: int) -> Scenario:
    supply = scenario.supply
    quotas = tuple(replace(q, max_gpus=limit) if q.name == name else q for q in supply.quotas)
    lines = tuple(replace(line, max_nodes=limit) if line.name == name else line for line in supply.lines)
    return replace(scenario, supply=replace(supply, quotas=quotas, lines=lines))


def _accepting(scenario: Scenario, name: str, more: float) -> Scenario:
    """With so much more of a workload's demand allowed to go unserved than the scenario first allowed."""
    workloads = tuple(
        replace(w, shortfall=replace(w.shortfall, allowed=max(w.shortfall.allowed, more))) if w.name == name else w
        for w in scenario.workloads
    )
    return replace(scenario, workloads=workloads)


@pytest.fixture
def short(build: Build) -> Scenario:
    """5 requests/s for a quota of 3 GPUs."""
    lines = [build.line("rent", "Ax1")]
    return build.scenario(build.workload(rps=5.0), [build.rate("c", 1.0)], lines, quotas=[build.quota(3)])


def test_a_quota_is_raised_to_the_right_amount(short: Scenario) -> None:
    """Proves: 5 GPUs are asked for, with 5 there is a plan, and with 4 there is none.
    Sensitivity: slack counted in nodes or in shares of the demand would name another number.
    """
    raise_it, _ = infeasible(short).repairs
    assert raise_it == Repair("Raise this limit", ("quota q from 3 to 5 GPUs",))
    assert planned(repaired(short, raise_it)).objective_usd == pytest.approx(120.0)
    infeasible(_raised(short, "q", 4))


def test_a_shortfall_is_named_that_is_just_enough(short: Scenario) -> None:
    """Proves: with 40 % unserved there is a plan, and with 39.9 % there is none.
    Sensitivity: a share of what is served instead of what is asked would say 66.7 %.
    """
    _, accept = infeasible(short).repairs
    assert accept == Repair("Accept a shortfall", ("demand of chat in t1/h1/o1: 40 % more unserved",))
    assert planned(repaired(short, accept)).workloads[0].shortfall_rps == pytest.approx(2.0)
    infeasible(_accepting(short, "chat", 0.399))


def test_a_share_is_rounded_up(build: Build) -> None:
    """Proves: a third missing is written as 33.4 %, and that is enough.
    Sensitivity: rounded to the nearest, 33.3 % would not repair anything.
    """
    lines = [build.line("rent", "Ax1", max_nodes=2)]
    asked = build.scenario(build.workload(rps=3.0), [build.rate("c", 1.0)], lines)
    raise_it, accept = infeasible(asked).repairs
    assert raise_it.details == ("offer rent from 2 to 3 nodes",)
    assert accept.details == ("demand of chat in t1/h1/o1: 33.4 % more unserved",)
    planned(repaired(asked, accept))


def test_more_unserved_comes_on_top_of_what_is_allowed(build: Build) -> None:
    """Proves: with 10 % allowed already, 30 % more are asked for.
    Sensitivity: said as a total it would be 40 %, and whoever adds it would give away too much.
    """
    asked = build.workload(rps=5.0, shortfall=Shortfall(0.1, 0.0))
    made = build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")], quotas=[build.quota(3)])
    assert infeasible(made).repairs[1].details == ("demand of chat in t1/h1/o1: 30 % more unserved",)
    planned(_accepting(made, "chat", 0.4))


def test_limits_that_bind_together_are_raised_together(build: Build) -> None:
    """Proves: where a quota and an offer both stand in the way the repair raises both, and only together they help.
    Sensitivity: repairing one limit at a time would find nothing.
    """
    lines = [build.line("rent", "Ax1", max_nodes=2)]
    asked = build.scenario(build.workload(rps=5.0), [build.rate("c", 1.0)], lines, quotas=[build.quota(3)])
    raise_it = infeasible(asked).repairs[0]
    assert raise_it.action == "Raise these limits"
    assert set(raise_it.details) == {"quota q from 3 to 5 GPUs", "offer rent from 2 to 5 nodes"}
    planned(repaired(asked, raise_it))
    infeasible(_raised(asked, "q", 5))
    infeasible(_raised(asked, "rent", 5))


def test_a_limit_is_raised_for_its_worst_time(build: Build) -> None:
    """Proves: a quota that is short by 1 GPU in one slot and by 4 in another is raised by 4.
    Sensitivity: the first or the last time's need would say 3 instead of 6.
    """
    over = build.calendar(slots=(8.0, 8.0, 8.0))
    asked = build.workload(rps={("t1", "h1", "o1"): 3.0, ("t1", "h2", "o1"): 6.0, ("t1", "h3", "o1"): 1.0})
    made = build.scenario(
        asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")], quotas=[build.quota(2)], over=over
    )
    raise_it, accept = infeasible(made).repairs
    assert raise_it.details == ("quota q from 2 to 6 GPUs",)
    assert accept.details == (
        "demand of chat in t1/h1/o1: 33.4 % more unserved",
        "demand of chat in t1/h2/o1: 66.7 % more unserved",
    )
    planned(repaired(made, raise_it))
    planned(repaired(made, accept))


def test_whole_nodes_alone_can_be_in_the_way(build: Build) -> None:
    """Proves: 2.5 requests/s fit into 3 GPUs but not into nodes of two; the conflict and the repairs know it.
    Sensitivity: explained by the relaxation there would be no conflict, and a quota of 3 would seem enough.
    """
    asked = build.scenario(
        build.workload(rps=2.5), [build.rate("c", 1.0)], [build.line("rent", "Ax2")], quotas=[build.quota(3)]
    )
    error = infeasible(asked)
    assert set(error.conflict) == {"quota q", "demand of chat"}
    assert [repair.details for repair in error.repairs] == [
        ("quota q from 3 to 4 GPUs",),
        ("demand of chat in t1/h1/o1: 20 % more unserved",),
    ]


def test_the_conflict_is_minimal(build: Build) -> None:
    """Proves: of five groups of limits the two that clash are named, and without either of them there is a plan.
    Sensitivity: a conflict of all that bind would also name the offer of B, which is used up.
    """
    lines = [build.line("rent", "Ax1", max_nodes=9), build.line("b", "Bx1", max_nodes=1)]
    asked = build.scenario(
        [build.workload("chat", 5.0, gpu_types=("A",)), build.workload("code", 1.0, gpu_types=("B",))],
        [build.rate("a", 1.0), build.rate("b", 1.0, gpu="B")],
        lines,
        quotas=[build.quota(3)],
    )
    assert set(infeasible(asked).conflict) == {"quota q", "demand of chat"}
    planned(replace(asked, supply=replace(asked.supply, quotas=())))
    planned(replace(asked, workloads=asked.workloads[1:]))


def test_the_conflict_is_minimal_for_whole_nodes(build: Build) -> None:
    """Proves: 2.5 requests/s alone break a quota of 3 GPUs on nodes of two, so the workload beside them is not named.
    Sensitivity: filtered by the relaxation, where 2.5 GPUs fit and 3.5 do not, code would stand accused too.
    """
    asked = [build.workload("chat", 2.5), build.workload("code", 1.0)]
    made = build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax2")], quotas=[build.quota(3)])
    assert set(infeasible(made).conflict) == {"quota q", "demand of chat"}
    planned(replace(made, workloads=made.workloads[1:]))


def crowded(build: Build) -> Scenario:
    """Three workloads that ask for more than a quota and an offer leave together."""
    asked = [build.workload(name, 2.5) for name in ("chat", "code", "mail")]
    return build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax2")], quotas=[build.quota(7)])


def test_all_of_a_conflict_has_one_time_limit(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where no program with whole numbers is answered in its time, all that ask which limits are superfluous
    take twenty seconds together, each has its part, and the conflict is that of the relaxation.

    Sensitivity: twenty seconds for each limit are many minutes for a fleet of twenty workloads.
    """
    clock, seconds = [0.0], list[float]()

    def slow(program: Program, options: SolveOptions, *rest: Any, **more: Any) -> Solution:
        if not program.integer.any():
            return solve_here(program, options, *rest, **more)
        clock[0] += options.time_limit_s
        seconds.append(options.time_limit_s)
        return Solution(Reason.NO_SOLUTION_FOUND, None, None, None, options.time_limit_s)

    matrix = matrix_of(crowded(build))
    monkeypatch.setattr(elastic, "solve_here", slow)
    monkeypatch.setattr(elastic, "perf_counter", lambda: clock[0])
    found = diagnose(matrix)
    assert set(found.conflict) == {"quota q", "demand of chat", "demand of code", "demand of mail"}
    assert found.repairs == ()
    assert seconds[:2] == [elastic.SECONDS] * 2
    assert seconds[2:] == pytest.approx([elastic.SECONDS / 4] * 4)


def test_after_ctrl_c_nothing_more_is_asked(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what was found before Ctrl-C is told, no further program is solved, and no conflict is made up; whoever
    asks for progress is told before each question.

    Sensitivity: each question would have to be interrupted by itself, and all limits would look to be in conflict.
    """
    asked, told, real = list[Program](), list[str](), Watch.each

    def interrupted(watch: Watch, work: Any, items: Any) -> list[Any]:
        asked.append(items[0])
        found = real(watch, work, items)
        watch.interrupted = True
        return found

    matrix = matrix_of(crowded(build))
    monkeypatch.setattr(Watch, "each", interrupted)
    found = diagnose(matrix, lambda progress: told.append(progress.phase))
    assert len(asked) == 1
    assert told == ["explaining"]
    assert found.conflict == ()
    assert [repair.action for repair in found.repairs] == ["Raise this limit"]


def test_workloads_that_crowd_each_other_out_are_both_named(build: Build) -> None:
    """Proves: two workloads that each fit, but not together, are in conflict over the offer; dropping any one of
    the three leaves a plan.
    Sensitivity: stopping the filter early would leave the conflict without one of them.
    """
    lines = [build.line("rent", "Ax1", max_nodes=3)]
    asked = build.scenario([build.workload("chat", 2.0), build.workload("code", 2.0)], [build.rate("c", 1.0)], lines)
    assert set(infeasible(asked).conflict) == {"offer rent", "demand of chat", "demand of code"}
    for index in range(2):
        planned(replace(asked, workloads=asked.workloads[index : index + 1]))
    planned(_raised(asked, "rent", 4))


def test_what_no_limit_explains_is_not_repaired_by_limits(build: Build) -> None:
    """Proves: owned nodes are no limit that can be raised, so that only less demand helps.
    Sensitivity: an empty list of raised limits would read as a repair that changes nothing.
    """
    owned = [build.stock("own", "Ax1", 1)]
    asked = build.scenario(build.workload(rps=2.0), [build.rate("c", 1.0)], stock=owned)
    error = infeasible(asked)
    assert [repair.action for repair in error.repairs] == ["Accept a shortfall"]
    assert error.conflict == ("demand of chat",)


Shortage: TypeAlias = tuple[tuple[float, ...], tuple[int, int, int], int]
"""Requests/s of two workloads in two slots; a quota and what two lines offer; and GPUs of a node of the first."""

shortages = st.tuples(
    st.tuples(*[st.sampled_from((0.0, 0.7, 2.0, 3.3, 5.0))] * 4),
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from((1, 2, 4)),
)


def crowded_slots(build: Build, shortage: Shortage) -> Scenario:
    """Two workloads, on one GPU type in two roles or on another in one, with little of either."""
    rps, (quota, a, b), node = shortage
    keys = [("t1", "h1", "o1"), ("t1", "h2", "o1")]
    asked = [
        build.workload("chat", dict(zip(keys, rps[:2], strict=True))),
        build.workload("code", dict(zip(keys, rps[2:], strict=True))),
    ]
    candidates = [build.rate("p", 1.5, "prefill"), build.rate("d", 1.0, "decode"), build.rate("g", 1.0, gpu="B")]
    lines = [build.line("a", f"Ax{node}", max_nodes=a), build.line("b", "Bx2", 2.0, max_nodes=b)]
    over = build.calendar(slots=(8.0, 16.0))
    return build.scenario(asked, candidates, lines, quotas=[build.quota(quota)], over=over)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(shortages)
def test_every_repair_repairs(build: Build, shortage: Shortage) -> None:
    """Proves: whatever is infeasible, each repair taken literally makes it feasible.
    Sensitivity: an amount rounded down anywhere, or meant for one time only, would leave it infeasible.
    """
    scenario = crowded_slots(build, shortage)
    for repair in _repairs(build, scenario):
        planned(repaired(scenario, repair))


def _repairs(build: Build, scenario: Scenario) -> tuple[Repair, ...]:
    try:
        optimize_case(build.case(scenario), SolveOptions(gap=1e-6))
    except Infeasible as error:
        return error.repairs or (Repair("none", ("there is no repair",)),)
    return ()
