"""Chips that do not exist: what SPAD claims of them is what the carried-over profiles show."""

from __future__ import annotations

from statistics import mean

import pytest

import fleetopt
from fleetopt.catalog.domain import DecodeProfile, PrefillProfile
from fleetopt.scenario.domain import Scenario


def speedups(scenario: Scenario, chip: str) -> tuple[float, float]:
    """Mean prefill and decode speed against the H100, over every point of its profiles."""
    llm = scenario.models["llama-3.1-70b"]
    by_name = {candidate.name: candidate.profile for candidate in llm.candidates}
    prefill, decode = [], []
    for name, profile in by_name.items():
        base = by_name.get(name.replace(f"-as-{chip}", ""))
        if f"-as-{chip}" not in name:
            continue
        if isinstance(profile, PrefillProfile) and isinstance(base, PrefillProfile):
            prefill += [p.tokens_per_s / b.tokens_per_s for p, b in zip(profile.points, base.points, strict=True)]
        if isinstance(profile, DecodeProfile) and isinstance(base, DecodeProfile):
            decode += [b.tpot_s / p.tpot_s for p, b in zip(profile.points, base.points, strict=True)]
    return mean(prefill), mean(decode)


def test_the_chips_perform_as_their_paper_says() -> None:
    """Proves the ratios of the scenario against arXiv 2510.08544: prefill +8 %, decode 97 %, each to one percent."""
    scenario = fleetopt.load("spad")
    assert speedups(scenario, "spad-prefill")[0] == pytest.approx(1.08, abs=0.01)
    assert speedups(scenario, "spad-decode")[1] == pytest.approx(0.97, abs=0.01)


def test_the_plan_says_that_its_evidence_is_assumed() -> None:
    """Proves that nobody can take a chip on paper for one in a rack."""
    plan = fleetopt.optimize(fleetopt.load("spad"))
    assert {line.evidence for line in plan.provenance.evidence} == {"assumed"}
    assert all("SPAD, arXiv 2510.08544" in line.source for line in plan.provenance.evidence)
