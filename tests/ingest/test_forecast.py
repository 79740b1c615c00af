"""Forecasts find what was put into a history, say how wrong they were, and refuse what cannot be forecast."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.documents import write_files
from fleetopt.errors import InputError
from fleetopt.ingest import forecast as forecasting
from fleetopt.ingest.forecast import OUTLOOKS, PEARSON_TUKEY, SWANSON, Forecast, Rule, Score, forecast_all
from fleetopt.ingest.history import chosen_of, past_slots, read_past
from fleetopt.ingest.traces.domain import Floats
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.report.forecast_files import DayShape, forecast_files
from fleetopt.scenario.load import load

DATA = Path(__file__).parent / "traces/data"

Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """A CSV file with this content."""

    def write(content: str) -> Path:
        path = tmp_path / "history.csv"
        path.write_text(content)
        return path

    return write


def _daily(days: int, growth: float = 0.0, noise: float = 0.0) -> str:
    """Days to the end of 2026 with a weekly cycle of 20 around 100."""
    draw = np.random.default_rng(1).normal(0, 1, days)
    first = date(2027, 1, 1) - timedelta(days=days)
    rates = (100 + growth * i + 20 * math.sin(2 * math.pi * i / 7) + noise * draw[i] for i in range(days))
    rows = (f"{first + timedelta(days=i)},{rate:.6f}\n" for i, rate in enumerate(rates))
    return "date,requests_per_s\n" + "".join(rows)


def _forecast(path: Path, start: str = "2027-01", periods: int = 1) -> Forecast:
    (found,) = forecast_all(read_past(path, TraceOptions()), start, periods, SWANSON)
    return found


def test_a_repeated_week_is_forecast_as_it_is(file: Write) -> None:
    """A history without noise or growth goes on as it was, with next to nothing between low and high."""
    ((_, (low, base, high)),) = _forecast(file(_daily(42))).periods
    january = [100 + 20 * math.sin(2 * math.pi * i / 7) for i in range(42, 42 + 31)]
    assert base == pytest.approx(sum(january) / 31, rel=0.005)
    assert low <= base <= high
    assert high - low < 2.0


@pytest.mark.slow
def test_growth_is_carried_on(file: Write) -> None:
    """A history that grows by 0.6 a day is forecast to grow on, and the winner beats repeating the season."""
    found = _forecast(file(_daily(63, 0.6, 3.0)))
    base = found.periods[0][1][1]
    assert base == pytest.approx(100 + 0.6 * (63 + 15), rel=0.03)
    scores = {score.candidate: score for score in found.scores}
    assert found.candidate != "SeasonalNaive"
    assert scores[found.candidate].pinball < scores["SeasonalNaive"].pinball
    assert scores[found.candidate].mape == pytest.approx(0.03, abs=0.03)
    assert scores[found.candidate].coverage > 0.5


def test_scores_are_ranked_and_the_best_is_chosen(file: Write) -> None:
    """Every candidate is scored from the same origins, and the smallest pinball loss wins."""
    found = _forecast(file(_daily(35, noise=5.0)))
    losses = [score.pinball for score in found.scores]
    assert losses == sorted(losses)
    assert found.candidate == found.scores[0].candidate
    assert {score.folds for score in found.scores} == {4}


def _never_on_all(monkeypatch: pytest.MonkeyPatch, names: set[str], days: int) -> None:
    """These candidates cannot be fitted to so many days, only to fewer."""
    fitted = forecasting._predict

    def predict(candidate: Any, values: Floats, steps: int, rule: Rule) -> list[Floats] | None:
        hard = type(candidate).__name__ in names and len(values) == days
        return None if hard else fitted(candidate, values, steps, rule)

    monkeypatch.setattr(forecasting, "_predict", predict)


def test_the_score_that_is_told_is_that_of_the_candidate_that_forecasts(
    file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: where the best of the back-test cannot be fitted to the whole history, a flag says so with its loss, and
    forecast.yaml has the loss of the one that is taken. Sensitivity: the first score of all would be the better one's.
    """
    path = file(_daily(28, 1.0, 1.0))
    best, second = _forecast(path).scores[:2]
    assert f"{100 * best.pinball:.3g}" != f"{100 * second.pinball:.3g}"
    _never_on_all(monkeypatch, {best.candidate}, 28)
    past = read_past(path, TraceOptions())
    [found] = forecast_all(past, "2027-01", 1, SWANSON)
    assert (found.candidate, found.scores[0]) == (second.candidate, second)
    head = forecast_files(past, [found], SWANSON, DayShape(6), name="chat")["forecast.yaml"]
    assert f"{second.candidate}, off by {100 * second.pinball:.3g} % (pinball)" in head
    [said] = [flag for flag in found.flags if "cannot be fitted to the whole history" in flag.what]
    assert said.what.startswith(f"{best.candidate}, off by {100 * best.pinball:.3g} %")
    assert f"dropped: {said.what}." in head


def test_without_a_score_none_is_told(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a season that is repeated because nothing else can be fitted, and that has no score, is told without one.
    Sensitivity: told as before, the loss would be that of a candidate that is not used.
    """
    path = file(_daily(28, 1.0, 1.0))
    _never_on_all(monkeypatch, {"AutoETS", "AutoARIMA"}, 28)
    tested = forecasting._back_test

    def back_test(values: Floats, season: int, steps: int, rule: Rule) -> tuple[Score, ...]:
        return tuple(one for one in tested(values, season, steps, rule) if one.candidate != "SeasonalNaive")

    monkeypatch.setattr(forecasting, "_back_test", back_test)
    past = read_past(path, TraceOptions())
    [found] = forecast_all(past, "2027-01", 1, SWANSON)
    assert (found.candidate, found.scores) == ("SeasonalNaive", ())
    head = forecast_files(past, [found], SWANSON, DayShape(6), name="chat")["forecast.yaml"]
    assert "All: SeasonalNaive.\n" in head
    assert sum("SeasonalNaive is taken" in flag.what for flag in found.flags) == 2


@pytest.mark.parametrize(("days", "enough"), [(13, False), (14, True)])
def test_two_seasons_are_needed(file: Write, days: int, enough: bool) -> None:
    """Thirteen days are refused with the number that is needed; fourteen are taken, and the far horizon is flagged."""
    path = file(_daily(days, noise=1.0))
    if enough:
        assert any("further ahead than there is history" in flag.what for flag in _forecast(path).flags)
        return
    with pytest.raises(InputError, match="at least 14 days"):
        _forecast(path)


def test_months_have_a_season_of_a_year(file: Write) -> None:
    """Two years of months are enough, and a quarter is the mean of its months."""
    rows = "".join(f"{2025 + m // 12}-{m % 12 + 1:02d},{10 + m % 12}\n" for m in range(24))
    found = _forecast(file("date,requests_per_s\n" + rows), "2027-Q1", 2)
    assert [period for period, _ in found.periods] == ["2027-Q1", "2027-Q2"]
    assert found.periods[0][1][1] == pytest.approx(11.0, rel=0.1)


@pytest.mark.slow
def test_what_has_already_happened_is_not_forecast(file: Write) -> None:
    """In a period that has begun, the days that are known count as they were, so less is uncertain."""
    past = _daily(70, noise=5.0).splitlines()
    whole, part = (_forecast(file("\n".join(past[:upto])), "2026-12").periods[0][1] for upto in (40, 60))
    known = [float(line.split(",")[1]) for line in past[40:]]
    assert 0 < part[2] - part[0] < whole[2] - whole[0]
    assert part[1] == pytest.approx(sum(known) / len(known), rel=0.03)


@pytest.mark.parametrize("rule", [SWANSON, PEARSON_TUKEY], ids=lambda rule: rule.name)
def test_probabilities_sum_to_one_and_keep_the_spread_of_a_normal(rule: Rule) -> None:
    """Both rules have mean 0 and nearly variance 1 for a standard normal distribution."""
    points = [NormalDist().inv_cdf(q) for q in rule.quantiles]
    assert sum(rule.probabilities) == pytest.approx(1.0, abs=1e-12)
    assert sum(p * x for p, x in zip(rule.probabilities, points, strict=True)) == pytest.approx(0.0, abs=1e-12)
    assert sum(p * x**2 for p, x in zip(rule.probabilities, points, strict=True)) == pytest.approx(1.0, abs=0.02)


def test_hours_become_days_and_slots() -> None:
    """ServeGen's two weeks are 14 days, and the slots keep the day's mean."""
    past = read_past(DATA / "servegen_hourly_head.csv", TraceOptions())
    (history,) = past.histories
    assert len(history.rps) == 14
    slots, factors = past_slots(past, 4)
    weighted = sum(s.hours_per_day * f for s, f in zip(slots, factors[history.model], strict=True))
    assert weighted / 24 == pytest.approx(1.0, rel=1e-12)


SCENARIO = """\
name: forecast
include: [forecast.yaml]
workloads:
  chat: {model: llama-3.1-70b, input_tokens: 100, output_tokens: 10, slo: {ttft: 5 s, tpot: 100 ms}}
supply: {offers: {h200: {offer: nebius-8xh200-on-demand-eu-north1}}}
"""


def test_a_scenario_that_includes_the_forecast_loads(file: Write, tmp_path: Path) -> None:
    """Periods, outlooks with their probabilities, and demand come out of the loaded scenario as they were forecast."""
    past = read_past(file(_daily(28, noise=2.0)), TraceOptions())
    found = forecast_all(past, "2027-Q1", 2, SWANSON)
    contents = forecast_files(past, found, SWANSON, DayShape(6), name="chat")
    write_files(tmp_path / "s", contents | {"scenario.yaml": SCENARIO})
    scenario = load(tmp_path / "s")
    assert {one.name: one.probability for one in scenario.calendar.outlooks} == {"low": 0.3, "base": 0.4, "high": 0.3}
    for period, demand in found[0].periods:
        for outlook, rps in zip(OUTLOOKS, demand, strict=True):
            assert scenario.workloads[0].demand_rps[period, "day", outlook] == rps


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("2026-12-20,", "2026-12-21,"), "repeats|gap"),
        (("2026-12-20,", "20th,"), "no day"),
        (("2026-12-20,", "2026-12-20,-"), "out of range"),
        (("date,", "day,"), "no column|trace format|unknown|has 2"),
    ],
)
def test_a_malformed_history_is_refused(file: Write, change: tuple[str, str], what: str) -> None:
    """Dates twice, dates missing, no dates and negative rates are each named."""
    with pytest.raises(InputError, match=what):
        read_past(file(_daily(28).replace(*change)), TraceOptions())


@pytest.mark.parametrize(("start", "what"), [("soon", "not a quarter"), ("2020", "over"), ("2026-10", "begins on")])
def test_periods_that_cannot_be_forecast_are_refused(file: Write, start: str, what: str) -> None:
    """A start that is no period, lies in the past, or before the history, is an InputError."""
    periods = 4 if start == "2026-10" else 1
    with pytest.raises(InputError, match=what):
        _forecast(file(_daily(28)), start, periods)


def test_a_missing_library_is_one_clear_error(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without statsforecast the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(InputError, match=r"fleetopt\[forecast\]"):
        _forecast(file(_daily(28)))


def test_one_model_of_several_can_be_chosen(file: Write) -> None:
    """A history of two models is cut down to one, and a model that is not there is refused."""
    text = "date,requests_per_s,model\n" + "".join(f"2026-12-{d:02d},{d},{m}\n" for d in range(1, 31) for m in "ab")
    past = read_past(file(text), TraceOptions())
    assert [one.model for one in chosen_of(past, "b").histories] == ["b"]
    with pytest.raises(InputError):
        chosen_of(past, "c")


@settings(derandomize=True, deadline=None, max_examples=60, database=None)
@given(data=st.data())
def test_a_mutated_history_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Slips in a daily or hourly history never come out as anything but an InputError."""
    path = tmp_path_factory.getbasetemp() / "mutated.csv"
    hours = "model,start,covered_s,requests_per_s,input_tokens,output_tokens\n" + "".join(
        f"a,2027-01-0{d}T{h:02d}:00:00+00:00,3600,5,10,1\n" for d in (1, 2) for h in range(24)
    )
    content = data.draw(st.sampled_from([_daily(10), hours])).encode()[:1500]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content = content[:at] + data.draw(st.binary(max_size=5)) + content[at + data.draw(st.integers(0, 8)) :]
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_past(path, TraceOptions())
