"""A forecast as tables for a person and as a record for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fleetopt.ingest.forecast import OUTLOOKS, Forecast, Rule
from fleetopt.ingest.history import Past
from fleetopt.report.flag_view import flag_view
from fleetopt.report.view import View, number, percent, view


def forecast_views(past: Past, forecasts: Sequence[Forecast], rule: Rule) -> list[View]:
    """Demand by period and outlook, how the candidates did in the back-test, and what is odd."""
    flags = tuple(dict.fromkeys([*past.flags, *(flag for one in forecasts for flag in one.flags)]))
    return [_demand(forecasts, rule), _scores(forecasts, rule), flag_view(flags)]


def _demand(forecasts: Sequence[Forecast], rule: Rule) -> View:
    outlooks = [f"{name} (p{100 * q:g})" for name, q in zip(OUTLOOKS, rule.quantiles, strict=True)]
    rows = [
        [one.model or "-", period, *(number(rps) for rps in demand)]
        for one in forecasts
        for period, demand in one.periods
    ]
    odds = ", ".join(percent(share) for share in rule.probabilities)
    note = f"mean requests/s of the period; the outlooks have probabilities {odds} ({rule.name})"
    return view("Forecast demand", ["model", "period", *outlooks], rows, text=2, note=note)


def _scores(forecasts: Sequence[Forecast], rule: Rule) -> View:
    titles = ["model", "candidate", "chosen", "pinball", "MAPE", f"inside {rule.level} %", "origins"]
    rows = [
        [
            *(one.model or "-", score.candidate, "yes" if score.candidate == one.candidate else ""),
            *(percent(score.pinball), "-" if score.mape is None else percent(score.mape), percent(score.coverage)),
            str(score.folds),
        ]
        for one in forecasts
        for score in one.scores
    ]
    note = f"errors on the past, over its mean; {rule.level} % should fall inside"
    return view("Back-test", titles, rows, text=3, note=note)


def forecast_record(past: Past, forecasts: Sequence[Forecast], rule: Rule) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "rule": asdict(rule),
        "outlooks": dict(zip(OUTLOOKS, rule.probabilities, strict=True)),
        "histories": [
            {"model": one.model, "step": one.step, "start": one.start.isoformat(), "steps": len(one.rps)}
            for one in past.histories
        ],
        "forecasts": [asdict(one) for one in forecasts],
        "flags": [asdict(flag) for flag in past.flags],
    }
