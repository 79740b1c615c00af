"""Splitwise (Patel et al., ISCA 2024): its designs on its measurements, and the planner beside them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from shutil import copytree

import pytest

import fleetopt
from fleetopt.capacity.table import derive
from fleetopt.catalog.domain import AggregatedProfile, DecodeProfile, Llm
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.scenario.domain import Scenario
from fleetopt.study.resolve import Resolver
from fleetopt.study.styles.comparison import compare_styles
from fleetopt.study.styles.records import StyleRow
from tests.golden.splitwise_profiles import MEASURED_AT, curves, decode_rows, mixed_rows

TWO = ("llama2-70b", "bloom-176b")
MANY = 20
"""Configs in a role that serve one of both."""


@cache
def asked(name: str = "splitwise") -> Scenario:
    return fleetopt.load(name)


@cache
def rows(name: str = "splitwise") -> dict[str, StyleRow]:
    """The table of styles by name."""
    return {row.name: row for row in compare_styles(asked(name), Resolver(fleetopt.SolveOptions(gap=1e-4))).rows}


def measured(model: str) -> Llm:
    """The model as shipped."""
    return load_model(model, (shipped("models"),), asked().gpu_types)[0]


@pytest.mark.parametrize("model", TWO)
def test_modelled_decode_is_what_the_readme_says(model: str) -> None:
    """Proves: rows at 576 tokens are the shipped measurements, and all others follow from them by the formula.
    Sensitivity: a figure changed by hand, or another factor, would differ.
    """
    here = {
        (one.config.name, p.context_tokens, p.batch): p.tpot_s
        for one in asked().models[model].candidates
        if isinstance(one.profile, DecodeProfile)
        for p in one.profile.points
    }
    there = {
        (one.config.name, p.context_tokens, p.batch): p.tpot_s
        for one in measured(model).candidates
        if isinstance(one.profile, DecodeProfile)
        for p in one.profile.points
    }
    longer = {(c, float(t), b): ms / 1000.0 for c, t, b, ms in decode_rows(measured(model), asked().gpu_types)}
    assert {context for _, context, _ in there} == {MEASURED_AT}
    assert here == pytest.approx(there | longer, rel=1e-5)


@pytest.mark.parametrize("model", TWO)
def test_mixed_machines_are_what_the_readme_says(model: str) -> None:
    """Proves: each operating point of a mixed machine follows from the measured times by the rule of the simulator, at
    the mean lengths of the two traces. Sensitivity: the time of a prompt without the 1.1 would carry more.
    """
    mixes = [fleetopt.load(path).workloads[0].mix for path in ("splitwise", asked().path.parent / "coding.yaml")]
    for one in asked().models[model].candidates:
        if not isinstance(one.profile, AggregatedProfile):
            continue
        base = one.config.name.replace("-mixed", "-splitwise")
        made = []
        for mix in mixes:
            output = sum(part.share * part.output_tokens for part in mix)
            context = sum(part.share * part.input_tokens for part in mix) + output / 2.0
            made += list(mixed_rows(*curves(measured(model), base, context, asked().gpu_types), mix))
        kept = [(p.concurrency, p.rate_rps, 1000.0 * p.ttft_s, 1000.0 * p.tpot_s) for p in one.profile.points]
        flat = [[figure for row in sorted(points) for figure in row] for points in (kept, made)]
        assert flat[0] == pytest.approx(flat[1], rel=1e-3)


def test_the_table_of_designs() -> None:
    """Proves: machines, cost and power of each design as the scenario's comments have them, each verified.
    Sensitivity: a design that may use another GPU type would be cheaper than its row.
    """
    found = {
        name: (round(row.usd or 0.0), row.largest.nodes, round(row.largest.power_kw))
        for name, row in rows().items()
        if row.largest is not None and row.verified
    }
    assert found["splitwise-aa"] == (1_710_720, 135, 878)
    assert found["splitwise-ha"] == (1_590_336, 100, 731)
    assert found["splitwise-hh"] == (1_586_880, 58, 592)
    assert found["splitwise-hhcap"] == (1_586_880, 58, 481)
    assert found["aggregated"][:2] == (1_816_416, 68)
    assert found["all"][:2] == (1_471_968, 64)


def test_no_design_beats_the_planner_and_splitting_beats_the_mixed_pool() -> None:
    """Proves the paper's order: both designs on H100 cost less than no splitting, the capped one draws the least power,
    and the planner costs no more than any. Sensitivity: prices or power of another machine would turn it.
    """
    found = rows()
    designs = [row for name, row in found.items() if name.startswith("splitwise-")]
    usd = {row.name: row.usd or 0.0 for row in found.values()}
    assert all(usd["all"] <= row.usd + 1e-6 for row in designs if row.usd is not None)
    assert max(usd["splitwise-hh"], usd["splitwise-hhcap"]) < usd["aggregated"]
    power = {row.name: row.largest.power_kw for row in designs if row.largest is not None}
    assert min(power, key=lambda name: power[name]) == "splitwise-hhcap"


def test_a_capped_machine_is_a_column_of_its_own() -> None:
    """Proves: the capped H100 has its own power (70 % of the machine, half of the GPU), price and profile, slower only
    at prompts, by 1.3. Sensitivity: a switch on the H100 would have one profile.
    """
    scenario = asked()
    whole, capped = (scenario.node_types[name].power_w or 0.0 for name in ("8xH100", "8xH100-capped"))
    assert capped == pytest.approx(0.7 * whole)
    assert scenario.gpu_types["H100-capped"].power_w == 0.5 * scenario.gpu_types["H100"].power_w
    (prompt, token), (slower, same) = (
        curves(measured("bloom-176b"), f"{gpu}-tp8-fp16-splitwise", MEASURED_AT, scenario.gpu_types)
        for gpu in ("h100", "h100-capped")
    )
    assert [time for _, time in slower] == pytest.approx([1.3 * time for _, time in prompt], rel=1e-4)
    assert same == token


def test_the_latency_promised_at_p50_is_the_tightest(tmp_path: Path) -> None:
    """Proves: with the paper's table (TTFT within 2, 3, 6 and TBT within 1.25, 1.5, 5 times an idle A100 at P50, P90,
    P99) no latency holds a config to less at P90 or P99 than at P50; what does is the end of a profile or KV memory,
    which requests in flight then reach more often than they do half of the time.
    Sensitivity: with 2x at P99 the tail would bind.
    """
    carried: dict[str, dict[str, tuple[float, str]]] = {}
    for ttft, tpot, at in (("2x", "1.25x", "p50"), ("3x", "1.5x", "p90"), ("6x", "5x", "p99")):
        folder = tmp_path / at
        copytree(asked().path.parent, folder)
        file, of = folder / "scenario.yaml", "of a100-tp8-fp16-splitwise at"
        text = re.sub(r"ttft: \[.*\]", f"ttft: {ttft} {of} {at}", file.read_text())
        file.write_text(re.sub(r"tpot: \[.*\]", f"tpot: {tpot} {of} {at}", text))
        for row in derive(fleetopt.load(folder)).rows:
            carried.setdefault(f"{row.workload} {row.candidate.name}", {})[at] = (row.capacity_rps, row.binds)
    at_p50 = [rates for rates in carried.values() if "p50" in rates]
    assert len(at_p50) > MANY
    held = {why for rates in at_p50 for rps, why in rates.values() if rps < rates["p50"][0] - 1e-9}
    assert held == {"profile_end", "kv_memory"}
    together = {f"{row.workload} {row.candidate.name}": row.capacity_rps for row in derive(asked()).rows}
    least = {name: min(rps for rps, _ in rates.values()) for name, rates in carried.items() if len(rates) == 3}
    assert together == pytest.approx(least)
