"""What a trace is written as can be included in a scenario as it stands, and says the same as the reading."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleetopt.documents import write_files
from fleetopt.errors import InputError
from fleetopt.ingest.traces.domain import TraceReading
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import read_trace
from fleetopt.ingest.traces.slots import slot_tokens
from fleetopt.report.trace_files import trace_files, workload_names
from fleetopt.scenario.load import load

DATA = Path(__file__).parents[1] / "ingest/traces/data"

SCENARIO = """\
name: from a trace
include: [workload.yaml]
calendar: {start: 2027-Q1}
workloads:
  chat: {slo: {ttft: 5 s, tpot: 100 ms}}
supply: {offers: {h200: {offer: nebius-8xh200-on-demand-eu-north1}}}
"""


@pytest.fixture
def reading() -> TraceReading:
    """An hour and a half of BurstGPT, of one model."""
    return read_trace(DATA / "burstgpt_head.csv", TraceOptions(only="ChatGPT"))


def test_a_scenario_that_includes_the_workload_loads(reading: TraceReading, tmp_path: Path) -> None:
    """Demand by slot, every length bin and the means come out of the loaded scenario as the trace has them."""
    contents = trace_files(reading, "chat", "llama-3.1-70b")
    write_files(tmp_path / "s", contents | {"scenario.yaml": SCENARIO})
    scenario = load(tmp_path / "s")
    (workload,), (traffic,) = scenario.workloads, reading.traffic
    assert [slot.hours_per_day for slot in scenario.calendar.slots] == [slot.hours_per_day for slot in reading.slots]
    assert list(workload.demand_rps.values()) == pytest.approx(list(traffic.slot_rps), rel=1e-12)
    assert len(workload.lengths) == len(traffic.lengths)
    means = (traffic.input_tokens, traffic.output_tokens)
    assert (workload.input_tokens, workload.output_tokens) == pytest.approx(means, rel=1e-12)


def test_a_burst_far_above_the_mean_can_be_read_again(reading: TraceReading, tmp_path: Path) -> None:
    """A slot at 20.3 times the mean is written as a percentage: a bare 20.3 might be one, and is refused."""
    (traffic,) = reading.traffic
    rates = (20.3 * traffic.mean_rps, *traffic.slot_rps[1:])
    burst = replace(reading, traffic=(replace(traffic, slot_rps=rates),))
    write_files(tmp_path / "s", trace_files(burst, "chat", "llama-3.1-70b") | {"scenario.yaml": SCENARIO})
    (workload,) = load(tmp_path / "s").workloads
    assert list(workload.demand_rps.values()) == pytest.approx(list(rates), rel=1e-12)


def test_a_trace_beside_the_scenario_may_have_a_folder_of_its_own(reading: TraceReading, tmp_path: Path) -> None:
    """Proves that an included file finds its tables beside itself, and that the plan calls them by their place."""
    write_files(tmp_path / "s" / "trace", trace_files(reading, "chat", "llama-3.1-70b"))
    text = SCENARIO.replace("workload.yaml", "trace/workload.yaml")
    (tmp_path / "s" / "scenario.yaml").write_text(text, encoding="utf-8")
    scenario = load(tmp_path / "s")
    assert {"trace/workload.yaml", "trace/lengths.csv"} <= {file.name for file in scenario.files}


def test_prefix_hits_and_lengths_are_part_of_the_workload() -> None:
    """A trace with hash ids gives the workload a prefix_cache_hit_rate, one with requests a lengths file."""
    reading = read_trace(DATA / "mooncake_conversation_head.jsonl", TraceOptions())
    workload = yaml.safe_load(trace_files(reading, "kimi")["workload.yaml"])["workloads"]["kimi"]
    found = reading.traffic[0].prefix_cache
    assert found is not None
    assert workload["prefix_cache_hit_rate"] == found.hit_ratio
    assert workload["lengths"] == "lengths.csv"


def test_the_lengths_file_has_shares_that_sum_to_one(reading: TraceReading) -> None:
    """Columns are the schema's, shares sum to one, and the means over rows are the workload's."""
    rows = list(csv.DictReader(trace_files(reading)["lengths.csv"].splitlines()))
    assert list(rows[0]) == ["input_tokens", "output_tokens", "share"]
    assert math.fsum(float(row["share"]) for row in rows) == pytest.approx(1.0, abs=1e-12)
    mean = math.fsum(float(row["share"]) * float(row["input_tokens"]) for row in rows)
    assert mean == pytest.approx(reading.traffic[0].input_tokens, rel=1e-12)


def test_the_hours_file_has_every_hour_of_every_model() -> None:
    """hours.csv is the hourly rates, one row for each model and hour."""
    reading = read_trace(DATA / "burstgpt_head.csv", TraceOptions())
    contents = trace_files(reading)
    rows = list(csv.DictReader(contents["hours.csv"].splitlines()))
    assert len(rows) == sum(len(one.hours) for one in reading.traffic)
    assert {row["model"] for row in rows} == {"ChatGPT", "GPT-4"}
    assert {"lengths-ChatGPT.csv", "lengths-GPT-4.csv"} <= contents.keys()


def test_each_slot_may_have_lengths_of_its_own(tmp_path: Path) -> None:
    """Proves: a file of lengths for each slot, with the means of its requests, and a scenario of as many parts.

    Long prompts until noon, long answers after it, and the busiest hour from three on.
    """
    trace = tmp_path / "trace.csv"
    times = [3600 * hour + 60 * n for hour in range(24) for n in range(9)] + [3 * 3600 + 1]
    lengths = {True: "800,50", False: "200,400"}
    text = "".join(f"{1_800_057_600 + t},{lengths[t < 43_200]}\n" for t in sorted(times))
    trace.write_text("timestamp,input_tokens,output_tokens\n" + text)
    reading = read_trace(trace, TraceOptions(slots=3, in_order=True))
    contents = trace_files(reading, "chat", "qwen3-32b", by_slot=True)
    written = yaml.safe_load(contents["workload.yaml"])["workloads"]["chat"]["by_slot"]
    assert set(written) == {slot.name for slot in reading.slots}
    for name, block in written.items():
        mix = list(csv.DictReader(contents[block["lengths"]].splitlines()))
        means = [sum(float(r["share"]) * float(r[kind]) for r in mix) for kind in ("input_tokens", "output_tokens")]
        (slot,) = (one for one in reading.slots if one.name == name)
        assert means == pytest.approx(slot_tokens(reading.traffic[0].profile, slot))
    write_files(tmp_path / "s", contents | {"scenario.yaml": SCENARIO})
    assert {w.name for w in load(tmp_path / "s").workloads} == {f"chat ({slot.name})" for slot in reading.slots}
    assert "by_slot" not in trace_files(reading, "chat", "qwen3-32b")["workload.yaml"]


def test_names_of_models_become_names_of_workloads() -> None:
    """Characters that a scenario's names cannot have are replaced, and what then falls together is told apart."""
    assert workload_names(_named("a/b", "a.b", "a b", "..")) == ["a-b", "a-b-v2", "a-b-v3", "workload"]


def _named(*names: str) -> TraceReading:
    reading = read_trace(DATA / "servegen_10min_head.csv", TraceOptions())
    return replace(reading, traffic=tuple(replace(reading.traffic[0], model=name) for name in names))


def test_a_formula_or_a_line_break_in_a_name_stays_text() -> None:
    """Names out of a trace start no formula in a spreadsheet and end no comment in YAML."""
    contents = trace_files(_named("=cmd()"))
    assert "\n'=cmd()," in contents["hours.csv"]
    assert all(line.startswith("#") or ":" in line for line in contents["workload.yaml"].splitlines())


def test_models_can_be_given_by_workload() -> None:
    """--model takes one model for all, or pairs; a pair that names no workload is refused."""
    reading = _named("a", "b")
    placed = yaml.safe_load(trace_files(reading, models="a=qwen3-32b")["workload.yaml"])["workloads"]
    assert [placed[name]["model"] for name in ("a", "b")] == ["qwen3-32b", "CHOOSE-A-MODEL"]
    for wrong in ("c=x", "a="):
        with pytest.raises(InputError):
            trace_files(reading, models=wrong)
    with pytest.raises(InputError):
        trace_files(reading, name="one")
