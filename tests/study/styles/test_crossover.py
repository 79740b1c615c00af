"""Where aggregated serving stops being the better one, by hand. A node at 1 USD/h costs 2160 USD."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.catalog.domain import Candidate, RateProfile
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.study.resolve import USUAL, Answer, Effort, Resolver
from fleetopt.study.styles.crossover import tightness
from fleetopt.study.styles.records import Came
from fleetopt.study.styles.tight import Way
from fleetopt.study.styles.ways import best_of, with_ways
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
    assert (tight.aggregated.usd, tight.best) == (None, "disaggregated")
    assert [tight.disaggregated.usd, tight.mixed.usd] == pytest.approx([2 * NODE, 2 * NODE])
    assert [loose.aggregated.usd, loose.disaggregated.usd, loose.mixed.usd] == pytest.approx([NODE, 2 * NODE, NODE])
    assert (loose.best, loose.ttft_s, loose.tpot_s) == ("aggregated", 2.0, 0.1)
    assert (tight.aggregated.came, tight.mixed.came, loose.aggregated.gap) == ("IMPOSSIBLE", "VERIFIED", 0.0)
    [one] = found.crossovers
    assert {one.low, one.high} <= {row.factor for row in found.halvings}
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
    assert [row.best for row in below.rows] == ["neither", "disaggregated"]
    assert below.crossovers[0].low < 0.1 <= below.crossovers[0].high


class Graded(Resolver):
    """Says what it likes, to a gap of 20 %: aggregated costs 8, 4 from 1.2 times the limits on and 2 from twice on;
    apart costs 4.
    """

    def solve(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Answer:
        limit = scenario.workloads[0].ttft
        assert limit is not None
        together = 8.0 if limit.limit_s < 1.2 else 4.0 if limit.limit_s < 2.0 else 2.0
        usd = together if what.endswith(" aggregated") else 4.0
        plan = optimize(scenario, EXACT)
        return Answer(plan.model_copy(update={"objective_usd": usd}), bound_usd=0.8 * usd)


def test_both_ends_of_a_stretch_that_is_open_are_found() -> None:
    """Proves: where between the two there is a stretch in which neither is known to be cheaper, both of its ends are
    crossovers. Sensitivity: halving towards one side only would leave out where the second begins.
    """
    found = tightness(turning(), [1.0, 4.0], Graded(EXACT))
    assert [(one.tighter, one.looser) for one in found.crossovers] == [
        ("disaggregated", "equal"),
        ("equal", "aggregated"),
    ]
    for one, at in zip(found.crossovers, (1.2, 2.0), strict=True):
        assert one.low < at <= one.high <= 1.05 * one.low


def test_the_same_cost_is_no_winner() -> None:
    """Proves: an aggregated replica of half the rate costs what the pair does, and neither is called best.
    Sensitivity: the first of the two would win by an accident of order.
    """
    scenario = turning()
    half = [within(build.rate("a", 0.5), 1.0), *scenario.models["m"].candidates[1:]]
    made = build.scenario(scenario.workloads, half, scenario.supply.lines)
    [row] = tightness(made, [1.0], Resolver(EXACT)).rows
    assert row.aggregated.usd == pytest.approx(row.disaggregated.usd)
    assert row.best == "equal"


def way(usd: float | None, bound: float | None = None, came: Came = "VERIFIED") -> Way:
    return Way(came=came, usd=usd, bound_usd=bound, gap=None, why="")


NONE = way(None, came="IMPOSSIBLE")
ABSENT = way(None, came="DOES_NOT_APPLY")
LATE = way(None, 50.0, came="NOT_FINISHED")


@pytest.mark.parametrize(
    ("together", "apart", "best"),
    [
        (way(100.0, 99.0), way(102.0, 101.0), "aggregated"),
        (way(102.0, 101.0), way(100.0, 99.0), "disaggregated"),
        (way(100.0, 99.0), way(102.0, 99.5), "equal"),
        (way(100.0, None), way(102.0, None), "equal"),
        (way(100.0, 100.0), way(100.0, 100.0), "equal"),
        (NONE, way(1.0, 1.0), "disaggregated"),
        (way(1.0, 1.0), ABSENT, "aggregated"),
        (way(1.0, 1.0), way(0.5, 0.5, "BREAKS_THE_SCENARIO"), "aggregated"),
        (NONE, ABSENT, "neither"),
        (way(100.0, 99.0), LATE, None),
    ],
)
def test_a_way_is_best_only_where_its_cost_is_below_the_bound_of_the_other(
    together: Way, apart: Way, best: str
) -> None:
    """Proves: a winner is one whatever the gaps hide; without a proof neither is; what ran out of time is not known.
    Sensitivity: with costs alone, a solve that ended early would lose to one that did not.
    """
    assert best_of(together, apart) == best


def test_mixed_is_never_dearer_than_what_it_holds() -> None:
    """Proves: where the solve of everything ended dearer than a way, or with nothing, the plan of the way is its plan,
    with the bound of the larger solve. Sensitivity: 'everything allowed' would be dearer than a part of it.
    """
    dear, cheap = way(120.0, 80.0), way(100.0, 99.0)
    assert with_ways(dear, cheap, NONE) == cheap.model_copy(update={"bound_usd": 80.0, "gap": 0.2})
    assert with_ways(LATE, NONE, cheap) == cheap.model_copy(update={"bound_usd": 50.0, "gap": 0.5})
    assert with_ways(cheap, dear, NONE) == cheap
    assert with_ways(NONE, NONE, ABSENT) == NONE


def test_a_way_that_nobody_has_profiled_says_so() -> None:
    """Proves: no profile is told from a limit that cannot be kept, by model. Sensitivity: both were a dash."""
    scenario = turning()
    apart = build.scenario(scenario.workloads, scenario.models["m"].candidates[1:], scenario.supply.lines)
    [row] = tightness(apart, [1.0], Resolver(EXACT)).rows
    assert (row.aggregated.came, row.aggregated.why) == ("DOES_NOT_APPLY", "no aggregated profile of m")
    assert row.best == "disaggregated"


class Stopped(Resolver):
    """Somebody presses Ctrl-C at the fourth question."""

    def solve(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Answer:
        if self.solves == 3:
            raise KeyboardInterrupt
        return Resolver.solve(self, scenario, what, effort)


def test_what_is_stopped_or_out_of_time_is_not_called_complete() -> None:
    """Proves: Ctrl-C ends it without an error, and without solves left every row says that it is not known.
    Sensitivity: a row without plans would be read as one that nothing can serve.
    """
    assert not tightness(turning(), [1.0, 2.0], Stopped(EXACT)).complete
    spent = tightness(turning(), [1.0, 0.5], Resolver(EXACT, most=0))
    assert [row.complete for row in spent.rows] == [False, False]
    assert (spent.crossovers, spent.complete) == ((), False)
