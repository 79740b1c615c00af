"""Every verb on shipped scenarios, and every exit code."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetopt.catalog.roots import shipped
from fleetopt.cli.failure import tell_failure
from fleetopt.errors import Change, Infeasible, Repair
from fleetopt.plan.domain import Plan

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

VERBS = ("plan", "check", "capacity", "verify", "catalog", "schema", "init")
SMALL = ("quickstart", "seed-paper")


@pytest.fixture
def stored(fleetopt: Run, seed: Seed) -> dict[str, Any]:
    """A plan of the seed paper's case, as JSON; its scenario is the folder q3."""
    answer = fleetopt("plan", seed(), "--json")
    assert answer.returncode == 0
    plan: dict[str, Any] = json.loads(answer.stdout)
    return plan


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return found


def _fits(schema: dict[str, Any], part: dict[str, Any], value: Any) -> bool:
    """Whether a value has the shape of a part of a JSON Schema: keys, types, enums, constants, minima."""
    part = _resolved(schema, part)
    if "anyOf" in part:
        return any(_fits(schema, option, value) for option in part["anyOf"])
    if "enum" in part:
        return value in part["enum"]
    if "const" in part:
        return bool(value == part["const"])
    kind = part["type"]
    if kind == "object":
        known = part["properties"]
        whole = isinstance(value, dict) and set(part["required"]) <= value.keys() <= known.keys()
        return whole and all(_fits(schema, known[key], item) for key, item in value.items())
    if kind == "array":
        return isinstance(value, list) and all(_fits(schema, part["items"], item) for item in value)
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "null": type(None), "boolean": bool}
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, types[kind]) and (not numeric or value >= part.get("minimum", value))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(fleetopt: Run, verb: str) -> None:
    answer = fleetopt(verb, "--help")
    assert answer.returncode == 0
    assert f"fleetopt {verb} [OPTIONS]" in answer.stdout
    assert verb in fleetopt("--help").stdout


@pytest.mark.parametrize("group", [(), ("ingest",), ("profile",)])
def test_the_list_of_verbs_is_whole(fleetopt: Run, group: tuple[str, ...]) -> None:
    """Proves: each verb stands in its list on one line, with a sentence that ends.
    Sensitivity: the first sentence of the help is too long for that, and was cut off at 'and...'.
    """
    verbs = fleetopt(*group, "--help").stdout.partition("Commands:\n")[2].splitlines()
    assert verbs
    for line in verbs:
        assert re.fullmatch(r"  [a-z]+ +[A-Z].*[^.]\.", line), line


def test_plan_shows_the_answer_of_the_seed_paper(fleetopt: Run) -> None:
    answer = fleetopt("plan", "seed-paper")
    assert answer.returncode == 0
    assert "seed-paper: 423,360.00 USD for 2027-Q1, proven to be the best possible" in answer.stdout
    assert "3 x 8 H200" in answer.stdout
    assert "4 x 8 H200" in answer.stdout
    assert "short by 2.2 %" in answer.stdout
    assert answer.stderr == ""


def test_timings_go_to_stderr(fleetopt: Run) -> None:
    assert "total" in fleetopt("plan", "seed-paper", "--timings").stderr


def test_plan_json_is_the_plan_and_nothing_else(stored: dict[str, Any]) -> None:
    assert Plan.model_validate_json(json.dumps(stored)).model_dump(mode="json") == stored
    assert set(stored) >= {
        *("schema_version", "status", "objective_usd", "bound_usd", "gap", "verdict", "fleet", "placements"),
        *("workloads", "costs", "provenance"),
    }
    assert stored["verdict"]["passed"]
    assert all(check["passed"] for check in stored["verdict"]["checks"])
    assert set(stored["placements"][0]) >= {
        *("workload", "model", "role", "gpu_type", "node_type", "site", "period", "slot", "outlook", "replicas"),
        *("gpus_per_replica", "capacity_rps"),
    }
    assert set(stored["costs"][0]) >= {"line", "period", "outlook", "usd"}


def test_plan_json_follows_the_published_schema(fleetopt: Run, stored: dict[str, Any]) -> None:
    schema = json.loads(fleetopt("schema", "plan").stdout)
    assert _fits(schema, schema, stored)
    assert not _fits(schema, schema, {**stored, "extra": 1})
    assert not _fits(schema, schema, {**stored, "objective_usd": "1"})


def test_check_lists_workloads_and_supply(fleetopt: Run) -> None:
    answer = fleetopt("check", "quickstart")
    assert answer.returncode == 0
    assert "every workload can be served" in answer.stdout
    assert all(name in answer.stdout for name in ("chat", "summaries", "coding", "l40s"))
    summary = json.loads(fleetopt("check", "quickstart", "--json").stdout)
    assert [w["workload"] for w in summary["workloads"]] == ["chat", "summaries", "coding"]


def test_check_shows_all_that_is_paid_for_a_node_and_its_budgets(fleetopt: Run, seed: Seed) -> None:
    """Proves: a purchase stands with its upfront price, term and lead time, and a budget with what it is on.
    Sensitivity: by the price of running it alone, a node that is bought looked ten times cheaper than a rented one.
    """
    offer = "h200: {offer: nebius-8xh200-on-demand-eu-north1}"
    buy = "buy: {node_type: 8xH200, kind: purchase, price: 2 USD/node/h, upfront: 250 k USD/node, term_months: 48}"
    told = fleetopt("check", seed(offer, f"{offer}\n    {buy}\n  budgets: {{ours: {{max: 1 M USD, spending: capex}}}}"))
    assert re.search(r"^buy .* purchase +2\.00 +250,000\.00 +48 +- +no limit", told.stdout, re.MULTILINE)
    assert re.search(r"^h200 .* on_demand +28\.00 +- +- +- +no limit", told.stdout, re.MULTILINE)
    assert re.search(r"^ours +capex +all +1,000,000\.00$", told.stdout, re.MULTILINE)


def test_capacity_shows_what_a_replica_carries(fleetopt: Run) -> None:
    assert "TTFT" in fleetopt("capacity", "seed-paper").stdout
    found = json.loads(fleetopt("capacity", "seed-paper", "--json").stdout)
    assert {row["role"] for row in found["capacities"]} == {"prefill", "decode"}
    table = list(csv.DictReader(io.StringIO(fleetopt("capacity", "seed-paper", "--csv").stdout)))
    assert [row["capacity_rps"] for row in table] == [str(row["capacity_rps"]) for row in found["capacities"]]


def test_capacity_says_why_not(fleetopt: Run, seed: Seed) -> None:
    path = seed("ttft: 2 s", "ttft: 0.2 s")
    shown = fleetopt("capacity", path, "--why-not")
    assert (shown.returncode, "317 ms" in shown.stdout) == (0, True)
    ruled_out = json.loads(fleetopt("capacity", path, "--json").stdout)["ruled_out"]
    assert [row["role"] for row in ruled_out] == ["prefill"]


@pytest.mark.parametrize("what", ["models", "gpus", "nodes", "offers"])
def test_catalog_lists_what_scenarios_can_name(fleetopt: Run, what: str) -> None:
    records = json.loads(fleetopt("catalog", what, "--json").stdout)
    names = [record["name"] for record in records]
    assert len(names) == len(set(names)) > 3
    shown = fleetopt("catalog", what)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert {"models": "Llama", "gpus": "H200", "nodes": "8xH200", "offers": "on_demand"}[what] in shown.stdout


@pytest.mark.parametrize("of", ["scenario", "plan"])
def test_a_schema_is_json(fleetopt: Run, of: str) -> None:
    schema = json.loads(fleetopt("schema", of).stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("like", SMALL)
def test_init_writes_a_scenario_that_plans_as_it_is(fleetopt: Run, seed: Seed, like: str) -> None:
    seed()
    answer = fleetopt("init", "mine", "--like", like)
    assert answer.returncode == 0
    assert "next: fleetopt plan mine" in answer.stdout
    assert json.loads(Path("mine/scenario.schema.json").read_text(encoding="utf-8"))["title"] == "fleetopt scenario"
    assert fleetopt("plan", "mine").returncode == 0


def test_init_does_not_overwrite(fleetopt: Run, seed: Seed) -> None:
    before = (seed() / "scenario.yaml").read_text()
    answer = fleetopt("init", "q3")
    assert (answer.returncode, "--force" in answer.stderr) == (2, True)
    assert Path("q3/scenario.yaml").read_text() == before
    assert fleetopt("init", "q3", "--force").returncode == 0
    assert Path("q3/scenario.yaml").read_text() != before


def test_verify_accepts_a_stored_plan(fleetopt: Run, seed: Seed) -> None:
    fleetopt("plan", seed(), "-o", "out")
    for plan in ("out", "out/plan.json"):
        answer = fleetopt("verify", plan, "q3")
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "BROKEN" not in answer.stdout
    assert json.loads(fleetopt("verify", "out", "q3", "--json").stdout)["passed"]


def test_verify_tells_own_tables_from_shipped_ones_of_the_same_name(fleetopt: Run, seed: Seed) -> None:
    """Proves that a scenario with prices of its own, beside the shipped ones, is not said to have changed."""
    folder = seed()
    offers = shipped("models") / "_hardware/offers.csv"
    (folder / "models/_hardware").mkdir(parents=True)
    text = offers.read_text(encoding="utf-8").replace("23.6", "23.5")
    (folder / "models/_hardware/offers.csv").write_text(text, encoding="utf-8")
    fleetopt("plan", folder, "-o", "out")
    assert fleetopt("verify", "out", folder).stderr == ""


def test_verify_says_which_inputs_have_changed(fleetopt: Run, seed: Seed) -> None:
    fleetopt("plan", seed(), "-o", "out")
    answer = fleetopt("verify", "out", seed("name: seed", "name: seed  # a comment"))
    assert answer.returncode == 0
    assert "changed since the plan was made: scenario.yaml" in answer.stderr


def _fewer_nodes(plan: dict[str, Any]) -> None:
    plan["fleet"][0]["nodes"] -= 1
    plan["fleet"][0]["gpus"] -= 8


def _cheaper(plan: dict[str, Any]) -> None:
    plan["objective_usd"] = 1.0


def _fewer_replicas(plan: dict[str, Any]) -> None:
    plan["placements"][0]["replicas"] -= 1


def _faster(plan: dict[str, Any]) -> None:
    plan["placements"][0]["capacity_rps"] *= 2


def _measured(plan: dict[str, Any]) -> None:
    plan["placements"][0]["evidence"] = "assumed"


def _nothing(plan: dict[str, Any]) -> None:
    plan["placements"] = plan["fleet"] = plan["costs"] = []


def _absurd(plan: dict[str, Any]) -> None:
    plan["fleet"][0]["nodes"] = 10**30


def _stranger(plan: dict[str, Any]) -> None:
    plan["placements"][0] |= {"config": "zz", "node_type": "\x1b[31mzz", "site": "<script>", "workload": "=cmd()"}


@pytest.mark.parametrize(
    ("doctor", "broken"),
    [
        (_fewer_nodes, "gpus_pack_into_nodes"),
        (_cheaper, "dollars_add_up"),
        (_fewer_replicas, "demand_is_met"),
        (_faster, "slo_holds"),
        (_measured, "placements_are_allowed"),
        (_nothing, "demand_is_met"),
        (_absurd, "plan_is_well_formed"),
        (_stranger, "plan_is_well_formed"),
    ],
)
def test_verify_rejects_a_doctored_plan(
    fleetopt: Run, stored: dict[str, Any], doctor: Callable[[dict[str, Any]], None], broken: str
) -> None:
    doctor(stored)
    Path("plan.json").write_text(json.dumps(stored))
    answer = fleetopt("verify", "plan.json", "q3")
    assert answer.returncode == 5
    assert broken in answer.stderr
    assert "BROKEN" in answer.stdout
    assert "\x1b" not in answer.stdout + answer.stderr


def test_a_ttft_below_the_floor_is_infeasible_at_any_size(fleetopt: Run, seed: Seed) -> None:
    path = seed("ttft: 2 s", "ttft: 0.2 s")
    for verb in ("plan", "check"):
        answer = fleetopt(verb, path)
        assert (answer.returncode, answer.stdout) == (3, "")
        assert "TTFT 0.2 s" in answer.stderr
        assert "is below the 0.317 s floor of every allowed config" in answer.stderr
        assert "no number of replicas reaches it" in answer.stderr


def test_what_was_not_tried_is_not_said_to_be_enough(capsys: pytest.CaptureFixture[str]) -> None:
    """Two floors, of TTFT and TPOT, used to be called alternatives: loosening one of them leaves the other."""
    bare = [Repair(f"Loosen the {what} of chat", ("to more than 65.4 ms",)) for what in ("TTFT", "TPOT")]
    tried = [replace(repair, changes=(Change("TTFT of chat", 1.0, "s"),)) for repair in bare]
    said = []
    for repairs in (bare, bare[:1], tried, tried[:1]):
        tell_failure(Infeasible(["chat: no"], (), repairs))
        said.append(capsys.readouterr().err.splitlines()[1])
    assert said == [
        "Each of these is needed, and may not be enough:",
        "This is needed, and may not be enough:",
        "Any one of these would make a plan possible:",
        "What would help:",
    ]


def test_a_shortfall_is_not_offered_without_its_cost_to_others(capsys: pytest.CaptureFixture[str]) -> None:
    """An allowance without a price is used wherever that is cheaper, which the plan that was priced does too."""
    change = Change("demand of chat", 0.1, "of its demand", "t1")
    tell_failure(Infeasible(["no"], (), [Repair("Accept a shortfall", ("10 % more",), (change,), 9.0)]))
    assert "then costs 9.00 USD, and serves less at all times at which that is cheaper" in capsys.readouterr().err


def test_the_repair_of_a_floor_works(fleetopt: Run, seed: Seed) -> None:
    quick = fleetopt("plan", seed("ttft: 2 s", "ttft: 0.2 s"), "--json", "--repair-time", "0 s")
    assert "more than 0.317 s" in json.loads(quick.stdout)["repairs"][0]["details"][0]
    repairs = json.loads(fleetopt("plan", "q3", "--json").stdout)["repairs"]
    assert [repair["details"] for repair in repairs] == [
        ["TTFT of chat from 200 to 640 ms"],
        ["TTFT of chat from 200 to 320 ms"],
    ]
    promised = json.loads(fleetopt("plan", seed("ttft: 2 s", "ttft: 640 ms"), "--json").stdout)["objective_usd"]
    assert repairs[0]["usd"] == promised
    assert fleetopt("plan", seed("ttft: 2 s", "ttft: 0.33 s")).returncode == 0


def test_a_shortage_names_the_conflict_and_a_repair_that_works(fleetopt: Run, seed: Seed) -> None:
    quota = "  quotas: {q: {gpu_type: H200, max_gpus: %s}}\n  offers:"
    answer = fleetopt("plan", seed("  offers:", quota % 16), "-o", "out")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "quota q" in answer.stderr
    assert "demand of chat" in answer.stderr
    assert "quota q from 16 to 64 GPUs" in answer.stderr
    assert not Path("out").exists()
    assert fleetopt("plan", seed("  offers:", quota % 63)).returncode == 3
    assert fleetopt("plan", seed("  offers:", quota % 64)).returncode == 0


def test_a_shortage_comes_as_json(fleetopt: Run, seed: Seed) -> None:
    offer = "nebius-8xh200-on-demand-eu-north1"
    answer = fleetopt("plan", seed(offer, f"{offer}, max_nodes: 2"), "--json")
    record = json.loads(answer.stdout)
    assert (answer.returncode, record["status"]) == (3, "INFEASIBLE")
    assert record["conflict"]
    repairs = {repair["details"][0]: repair for repair in record["repairs"]}
    assert repairs["offer h200 from 2 to 8 nodes"]["changes"][0]["by"] == 6
    assert f"{repairs['offer h200 from 2 to 8 nodes']['usd']:,.2f} USD" in answer.stderr


def test_a_clock_that_runs_out_is_no_plan_and_no_infeasibility(fleetopt: Run, seed: Seed) -> None:
    seed()
    answer = fleetopt("plan", "quickstart", "--time-limit", "1 us", "--json", "-o", "out")
    record = json.loads(answer.stdout)
    assert (answer.returncode, record["status"]) == (4, "NO_SOLUTION_FOUND")
    assert "--time-limit" in answer.stderr
    assert not Path("out").exists()


def test_a_wide_gap_is_never_called_optimal_beyond_it(fleetopt: Run) -> None:
    plan = json.loads(fleetopt("plan", "quickstart", "--json", "--gap", "20 %").stdout)
    assert plan["gap"] <= 0.2 + 1e-9
    assert plan["bound_usd"] <= plan["objective_usd"]
