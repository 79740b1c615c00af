from __future__ import annotations

import pytest

from fleetopt.plan.domain import Plan
from fleetopt.report import plan_views as views
from fleetopt.report.view import number, percent, time, usd


@pytest.mark.parametrize(("value", "text"), [(0, "0.00"), (-3, "-3.00"), (1e6, "1,000,000.00"), (0.005, "0.01")])
def test_dollars_are_shown_to_the_cent(value: float, text: str) -> None:
    assert usd(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (100, "100"), (12345.6, "12,346"), (0.012345, "0.0123")])
def test_numbers_are_shown_to_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0.0 %"), (1, "100.0 %"), (0.00012, "0.012 %")])
def test_shares_are_shown_as_percentages(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0, "0 ms"), (0.0188, "18.8 ms"), (1.5, "1.5 s")])
def test_times_are_shown_in_the_unit_that_reads_best(value: float | None, text: str) -> None:
    assert time(value) == text


def test_the_cost_view_sums_to_the_objective(plan: Plan) -> None:
    assert views.cost_view(plan).rows[-1][-1] == usd(plan.objective_usd)


def test_a_plan_without_a_bound_is_not_called_optimal(plan: Plan) -> None:
    unproven = plan.model_copy(update={"gap": None, "bound_usd": None, "status": "FEASIBLE"})
    assert "no proof" in views.quality(unproven)
    assert "stopped before" in views.quality(plan.model_copy(update={"gap": 0.05, "status": "FEASIBLE"}))
    assert views.quality(plan.model_copy(update={"gap": 0.00005})) == "within 0.005 % of the best possible"


def test_a_shortfall_says_which_role_limits(plan: Plan) -> None:
    (sentence,) = views.shortfall_sentences(plan)
    assert "short by 2.2 %" in sentence
    assert sentence.endswith("limited by prefill")


@pytest.mark.parametrize(
    ("achieved", "said", "cell"),
    [
        (
            90.0,
            "achieves 90 of 100 requests/s, short by 10.0 % and has none of its headroom of 20 requests/s;",
            "short 10.0 %",
        ),
        (
            109.0,
            "achieves all of 100 requests/s, and 9 of 20 requests/s of its headroom, short by 55.0 % of that;",
            "9.0 %",
        ),
    ],
)
def test_a_shortfall_is_what_the_table_says(plan: Plan, achieved: float, said: str, cell: str) -> None:
    """Of the demand and not of demand with headroom: the sentence once said 9.2 % where the table had 9 % to spare."""
    rates = {"asked_rps": 100.0, "planned_rps": 120.0, "achieved_rps": achieved, "served_rps": min(achieved, 100.0)}
    one = plan.workloads[0].model_copy(
        update=rates | {"shortfall_rps": 120.0 - achieved, "headroom": achieved / 100.0 - 1.0}
    )
    short = plan.model_copy(update={"workloads": (one,)})
    [sentence] = views.shortfall_sentences(short)
    assert said in sentence
    assert views.workload_view(short).rows[0][4] == cell
