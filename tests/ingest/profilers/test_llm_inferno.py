"""llm-inferno's problem is read whole, and its own rates come out of its parameters."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from fleetopt.catalog.domain import RatePoint
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.profilers.inferno_problem import read_problem
from fleetopt.ingest.profilers.inferno_queue import Parameters, Replica, Targets, carried, state_at
from fleetopt.ingest.profilers.llm_inferno import gpus_of, rate_of
from fleetopt.ingest.reading import Told

ROUNDING_RPS = 5.1e-6
"""candidates.csv has five decimals; the peer computes in 32 bits."""

with (Path(__file__).parent / "data/llm-inferno-small/candidates.csv").open(encoding="utf-8") as stream:
    CANDIDATES = list(csv.DictReader(stream))


def _name(row: dict[str, str]) -> str:
    return f"{row['server']}-{row['accelerator']}"


@pytest.mark.parametrize("row", CANDIDATES, ids=_name)
def test_the_rate_of_every_candidate_comes_out_of_its_parameters(row: dict[str, str], data: Path) -> None:
    """All 90 pairs of server and accelerator: the same are feasible, and the rates are equal but for rounding."""
    problem = read_problem(data / "llm-inferno-small")
    server = next(one for one in problem.servers if one.name == row["server"])
    performance = next(
        one for one in problem.performance if (one.model, one.accelerator) == (row["model"], row["accelerator"])
    )
    state = rate_of(server, performance)
    assert (state is not None) == (row["feasible"] == "1")
    if state is not None:
        stated = float(row["max_req_per_s_per_replica"])
        assert state.rate_rps == pytest.approx(stated, rel=0.01)
        assert state.rate_rps == pytest.approx(stated, abs=ROUNDING_RPS)
    assert gpus_of(problem, performance) == int(row["units_per_replica"])


def test_latencies_at_the_rate_of_the_plan_are_those_of_the_peer(data: Path) -> None:
    """ITL and TTFT at demand / replicas, which the peer computed with the same queue, for every feasible pair."""
    problem = read_problem(data / "llm-inferno-small")
    parameters = {(one.model, one.accelerator): one.parameters for one in problem.performance}
    for row in CANDIDATES:
        if row["feasible"] == "1":
            replica = Replica(parameters[row["model"], row["accelerator"]], int(row["max_batch"]), 128, 1024)
            rate_per_ms = float(row["arrival_req_per_min"]) / 60_000 / float(row["replicas"])
            state = state_at(replica, rate_per_ms, replica.rates_per_ms())
            assert state.itl_ms == pytest.approx(float(row["itl_ms"]), rel=1e-4)
            assert state.ttft_ms == pytest.approx(float(row["ttft_ms"]), rel=2e-3)


def test_one_request_at_a_time_takes_what_the_equations_say() -> None:
    """By hand: alpha 10, beta 0.1, gamma 0.01; 2 tokens in, 4 out: T = 10.16, P = 10.38, D = 10.3 ms."""
    replica = Replica(Parameters(10.0, 0.1, 0.01), 1, 2.0, 4.0)
    assert float(replica.rates_per_ms()[0]) == pytest.approx(1 / (10.38 + 4 * 10.3))


def test_a_target_on_throughput_keeps_a_tenth_below_the_top() -> None:
    """With nothing else promised, arrivals are 0.9 x 0.999 of the largest service rate."""
    replica = Replica(Parameters(10.0, 0.1, 0.01), 8, 128.0, 64.0)
    state = carried(replica, Targets(tokens_per_s=1.0))
    assert state is not None
    assert state.rate_rps == pytest.approx(1000 * 0.9 * 0.999 * float(replica.rates_per_ms()[-1]), rel=1e-3)


def test_the_whole_problem_is_there_in_our_units(data: Path) -> None:
    """Requests per minute become per second, cents dollars; accelerators keep their units, types their stock."""
    problem = read_problem(data / "llm-inferno-small")
    first = problem.servers[0]
    assert (len(problem.servers), len(problem.performance), len(problem.accelerators)) == (15, 30, 6)
    assert (first.service_class, first.priority, first.rate_rps) == ("Premium", 1, 1.0)
    assert problem.accelerators["4xA100"].gpus == 4
    assert problem.accelerators["4xA100"].usd_per_h == pytest.approx(1.6)
    assert problem.stock == {"L4": 1024, "A100": 768, "AIU2": 1024, "G2": 512}


def test_the_reading_holds_the_rates_of_the_shipped_scenario(data: Path) -> None:
    """The folder, read as profiles, is models/*/rates.csv of scenarios/llm-inferno-small, point for point."""
    reading = read_profiles(data / "llm-inferno-small", Told())
    ours = {(s.setup.model, s.setup.config): s for s in reading.series}
    root = shipped("scenarios") / "llm-inferno-small" / "models"
    gpu_types = load_hardware((root,))[0].gpu_types
    count = 0
    for card in sorted(root.glob("*/card.yaml")):
        llm, _ = load_model(card.parent.name, (root,), gpu_types)
        for candidate in llm.candidates:
            series = ours[card.parent.name.replace("-", "_").replace("8x7b", "8_7b"), candidate.config.name]
            assert series.setup.gpus_per_replica == candidate.config.gpus_per_replica
            mine = sorted((p.ttft_s, p.rate_rps) for p in series.points if isinstance(p, RatePoint))
            theirs = sorted((p.ttft_s, p.rate_rps) for p in candidate.profile.points if isinstance(p, RatePoint))
            assert [rate for _, rate in mine] == pytest.approx([rate for _, rate in theirs], abs=ROUNDING_RPS)
            count += len(mine)
    assert count == 51
    assert all(series.evidence == "modelled" for series in reading.series)


EDITS = {
    "an accelerator that does not exist": ("model-data.json", ("models", 0, "acc"), "H100", "is no accelerator"),
    "a class that promises nothing": ("server-data.json", ("servers", 0, "class"), "Gold", "promises nothing"),
    "no batch": ("model-data.json", ("models", 0, "maxBatchSize"), 0, "out of range"),
    "a batch of astronomic size": ("model-data.json", ("models", 0, "atTokens"), 10**9, "requests at once"),
    "no output": (
        "server-data.json",
        ("servers", 0, "currentAlloc", "load", "AvgOutTokens"),
        0,
        "out of range",
    ),
    "the same server twice": ("server-data.json", ("servers", 1, "name"), "Premium-llama_13b", "repeats"),
    "time that is a word": ("model-data.json", ("models", 0, "perfParms", "alpha"), "fast", "not a finite number"),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_slip_in_the_folder_is_one_clear_error(case: str, data: Path, tmp_path: Path) -> None:
    """File, place, value and what to do about it, for each kind of slip."""
    name, keys, value, wanted = EDITS[case]
    shutil.copytree(data / "llm-inferno-small", tmp_path / "problem")
    path = tmp_path / "problem" / name
    document = json.loads(path.read_text(encoding="utf-8"))
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_profiles(tmp_path / "problem", Told())
    (issue,) = refused.value.issues
    assert name in issue.where
    assert wanted in issue.what
    assert issue.fix


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    """A folder that no format knows is named as what it is."""
    with pytest.raises(InputError, match="no format"):
        read_profiles(tmp_path, Told())
