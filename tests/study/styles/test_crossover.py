"""Where aggregated serving stops being the better one, by hand. A node at 1 USD/h costs 2160 USD."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.catalog.domain import Candidate, RateProfile
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Answer, Resolver
from fleetopt.study.styles.crossover import tightness
from tests.oracle import build
from tests.study.styles.conftest import EXACT, NODE


def within(one: Candidate, factor: float) -> Candidate:
    """The same rate, stated for limits of so many times those of the tests' workloads."""
    assert isinstance(one.profile, RateProfile)
    points = tuple(replace(p, ttft_s=factor * p.ttft_s, tpot_s=factor * p.tpot_s) for p in one.profile.points)
    return replace(one, profile=replace(one.profile, points=points))


def turning(at: float = 1.0) -> Scenario:
    """An aggregated replica carries 1 request/s within `at` times the limits, a pair apart as much within 0.1 times."""
    candidates = [
        within(build.rate("a", 1.0), at),
        within(build.rate("p", 1.0, "prefill"), 0.1),
        within(build.rate("d", 1.0, "decode"), 0.1),
    ]
    return build.scenario([build.workload("chat", 1.0)], candidates, [build.line("rent", "Ax1")])


def test_the_crossover_lies_where_the_profile_says() -> None:
    """Proves: one node from the limits themselves on, two below, mixed the cheaper of both, and the change between two
    factors within 5 % of one another, on either side of 1.
    Sensitivity: an interval that is halved at the wrong end would not hold 1.
    """
    found = tightness(turning(), [2.0, 0.5], Resolver(EXACT))
    tight, loose = found.rows
    assert (tight.aggregated_usd, tight.best) == (None, "disaggregated")
    assert [tight.disaggregated_usd, tight.mixed_usd] == pytest.approx([2 * NODE, 2 * NODE])
    assert [loose.aggregated_usd, loose.disaggregated_usd, loose.mixed_usd] == pytest.approx([NODE, 2 * NODE, NODE])
    assert (loose.best, loose.ttft_s, loose.tpot_s) == ("aggregated", 2.0, 0.1)
    [one] = found.crossovers
    assert (one.tighter, one.looser) == ("disaggregated", "aggregated")
    assert one.low < 1.0 <= one.high <= 1.05 * one.low
    assert found.complete


def test_without_a_change_there_is_no_crossover() -> None:
    """Proves: where one style is best at all factors nothing is claimed to change; where neither serves the workload,
    that is a state of its own. Sensitivity: the first would be called a change from nothing.
    """
    found = tightness(turning(), [1.0, 2.0, 4.0], Resolver(EXACT))
    assert {row.best for row in found.rows} == {"aggregated"}
    assert found.crossovers == ()
    below = tightness(turning(), [0.05, 0.2], Resolver(EXACT))
    assert [row.best for row in below.rows] == [None, "disaggregated"]
    assert below.crossovers[0].low < 0.1 <= below.crossovers[0].high


def test_the_same_cost_is_no_winner() -> None:
    """Proves: an aggregated replica of half the rate costs what the pair does, and neither is called best.
    Sensitivity: the first of the two would win by an accident of order.
    """
    scenario = turning()
    half = [within(build.rate("a", 0.5), 1.0), *scenario.models["m"].candidates[1:]]
    made = build.scenario(scenario.workloads, half, scenario.supply.lines)
    [row] = tightness(made, [1.0], Resolver(EXACT)).rows
    assert row.aggregated_usd == pytest.approx(row.disaggregated_usd)
    assert row.best is None


class Stopped(Resolver):
    """Somebody presses Ctrl-C at the fourth question."""

    def solve(self, scenario: Scenario, what: str, **options: object) -> Answer:
        if self.solves == 3:
            raise KeyboardInterrupt
        return Resolver.solve(self, scenario, what)


def test_what_is_stopped_or_out_of_time_is_not_called_complete() -> None:
    """Proves: Ctrl-C ends it without an error, and without solves left every row says that it is not known.
    Sensitivity: a row without plans would be read as one that nothing can serve.
    """
    assert not tightness(turning(), [1.0, 2.0], Stopped(EXACT)).complete
    spent = tightness(turning(), [1.0, 0.5], Resolver(EXACT, most=0))
    assert [row.complete for row in spent.rows] == [False, False]
    assert (spent.crossovers, spent.complete) == ((), False)
