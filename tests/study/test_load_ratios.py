"""DOPD's ratio beside the plan: by hand, for more than one decode replica, and where it does not apply.

A prefill replica takes a third of a second for a prompt of 1000 tokens, so it fills 3 requests/s. A decode replica has
KV memory for 31 500 tokens, which is 30 requests of 1000 + 100/2, and takes 40 ms a step whatever its batch.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import fleetopt
from fleetopt.catalog.domain import Candidate
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Margins, Outlook, Scenario
from fleetopt.study.load_ratios import RatioLine, load_ratios
from fleetopt.units import Latency
from tests.oracle import build

FILL = build.prefill("p", 3000.0)


def drain(kv_tokens: float = 31_500.0, *points: tuple[float, float]) -> Candidate:
    one = build.decode("d", *(points or ((1.0, 0.04), (64.0, 0.04))))
    return replace(one, config=replace(one.config, max_kv_tokens=kv_tokens))


def asked(rps: float, *candidates: Candidate, max_nodes: int | None = None) -> Scenario:
    ways = candidates or (FILL, drain())
    gpus = dict.fromkeys(one.config.gpu_type for one in ways)
    lines = [build.line(f"l{gpu}", f"{gpu}x1", max_nodes=max_nodes if gpu == "A" else None) for gpu in gpus]
    return build.scenario([build.workload("chat", rps)], ways, lines)


def planned(scenario: Scenario) -> Plan:
    return fleetopt.optimize(scenario, SolveOptions(gap=0.0))


def line_of(scenario: Scenario) -> RatioLine:
    (line,) = load_ratios(planned(scenario), scenario).lines
    return line


def test_the_formula_beside_the_plan_by_hand() -> None:
    """Proves both counts at 14 requests/s: 14 x 100 x 0.04 = 56 run at once, on 2 D of 30; each drains 30 / 4 = 7.5, so
    that P:D is 2.5 and P is 5. The plan's 7 P carry 3 - 1/1 s = 2 requests/s each inside the TTFT, its 3 D 6.4,
    not 7.1 with a memory that is always full, so that those that come when it is do not wait for long.

    Sensitivity: the ratio of one decode replica, rounded, would be 3 P, and scaled after rounding 6.
    """
    line = line_of(asked(14.0))
    assert (line.held_requests, line.held_by) == (30, "kv_memory")
    assert [line.tpot_s, line.drain_rps, line.fill_rps] == pytest.approx([0.04, 7.5, 3.0])
    assert line.prefill_per_decode == pytest.approx(2.5)
    assert (line.formula_prefill, line.formula_decode) == (5, 2)
    assert (line.plan_prefill, line.plan_decode) == (7, 3)
    assert line.plan_prefill_per_decode == pytest.approx(7 / 3)


@pytest.mark.parametrize(("rps", "prefill", "decode"), [(7.5, 3, 1), (7.51, 5, 2), (15.0, 5, 2), (22.5, 8, 3)])
def test_full_replicas_are_not_rounded_up(rps: float, prefill: int, decode: int) -> None:
    """Proves the rounding, last and once: 1, 2 and 3 full decode replicas of 7.5 req/s ask for 2.5, 5 and 7.5 P."""
    line = line_of(asked(rps))
    assert (line.formula_prefill, line.formula_decode) == (prefill, decode)


def test_no_batch_beyond_the_promise_or_the_measurements_is_held() -> None:
    """Proves the two other bounds of C: steps of 1 ms a request keep 50 ms up to 50, and 20 is the largest measured.

    Sensitivity: KV memory alone would hold 30 or 952 requests at a TPOT that is broken or unknown.
    """
    slow = line_of(asked(4.0, FILL, drain(1e6, (1.0, 0.001), (80.0, 0.08))))
    assert (slow.held_requests, slow.held_by) == (50, "tpot")
    short = line_of(asked(4.0, FILL, drain(1e6, (1.0, 0.02), (20.0, 0.02))))
    assert (short.held_requests, short.held_by) == (20, "profile_end")
    assert [slow.tpot_s, short.tpot_s] == pytest.approx([0.05, 0.02])


def test_margins_headroom_and_outlooks_count() -> None:
    """Proves: margins slow both roles, headroom is demand, and replicas of which an outlook takes a fifth drain less.

    14 requests/s and a quarter more are 17.5; at 40 ms x 1.25 / 0.8 = 62.5 ms 109.4 run, on 4 of 30.
    """
    base = asked(14.0)
    poor = replace(base.calendar, outlooks=(Outlook("o1", 1.0, 1.0, 0.8),))
    chat = replace(base.workloads[0], headroom=0.25, ttft=Latency(2.0), tpot=Latency(0.08))
    line = line_of(replace(base, calendar=poor, workloads=(chat,), margins=Margins(0.0, 0.0, 0.25)))
    assert line.planned_rps == pytest.approx(17.5)
    assert [line.tpot_s, line.drain_rps, line.fill_rps] == pytest.approx([0.0625, 4.8, 1.92])
    assert (line.formula_prefill, line.formula_decode) == (10, 4)


def test_groups_of_a_replica_fill_side_by_side() -> None:
    """Proves data-parallel groups: a replica of two that makes 3000 tokens/s has prompts of 0.67 s, two at a time."""
    double = replace(FILL, config=replace(FILL.config, data_parallel=2))
    assert line_of(asked(2.0, double, drain())).fill_rps == pytest.approx(3.0)


def test_several_configs_in_a_pool_are_said() -> None:
    """Proves: a prefill pool on two GPU types, one of them scarce, has counts of the plan and none of DOPD."""
    line = line_of(asked(14.0, FILL, build.prefill("q", 3000.0, gpu="B"), drain(), max_nodes=5))
    assert sorted(line.prefill_config.split(", ")) == ["p", "q"]
    assert line.plan_prefill == 7
    assert (line.formula_prefill, line.formula_decode, line.prefill_per_decode) == (None, None, None)
    assert "the prefill pool has several configs" in line.why_not


def test_a_stated_rate_has_no_ratio() -> None:
    """Proves: who states a rate says nothing of KV memory or of one prompt's time."""
    ways = build.rate("p", 2.0, "prefill"), build.rate("d", 1.0, "decode")
    assert "stated as a rate" in line_of(asked(2.0, *ways)).why_not


def test_what_is_not_served_split_has_no_line() -> None:
    """Proves: aggregated replicas have no ratio; beside them only what pools serve is counted."""
    whole = asked(2.0, build.rate("a", 1.0))
    assert load_ratios(planned(whole), whole).lines == ()
    both = asked(9.0, FILL, drain(), build.rate("a", 1.0, gpu="A"), max_nodes=9)
    plan = planned(both)
    split = [row for row in plan.placements if row.role == "decode"]
    carried = sum(row.replicas * row.load_rps for row in split)
    assert [line.planned_rps for line in load_ratios(plan, both).lines] == [pytest.approx(carried)] * bool(split)


def test_every_slot_has_a_line() -> None:
    """Proves: as many decode replicas as each slot asks for, none in one in which nobody asks."""
    over = build.calendar(1, (8.0, 16.0))
    demand = {("t1", "h1", "o1"): 30.0, ("t1", "h2", "o1"): 0.0}
    base = asked(1.0)
    scenario = replace(base, calendar=over, workloads=(build.workload("chat", demand, over=over),))
    lines = load_ratios(planned(scenario), scenario).lines
    assert [(line.slot, line.formula_prefill, line.formula_decode) for line in lines] == [("h1", 10, 4)]
