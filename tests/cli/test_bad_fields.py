"""Thirty ways to write a scenario wrongly: each is one error that names file, line, field, value and fix."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]

CHAT = "workloads.chat"
H200 = "supply.offers.h200"
OFFER = "nebius-8xh200-on-demand-eu-north1"

WRONG = [
    # old, new, line, field, words of the message
    ("name: seed", "nam: seed", 1, "nam", ["unknown key", "'name'"]),
    ("name: seed", "name: seed\nobjective: speed", 2, "objective.least", ["'speed'"]),
    ("name: seed", "name: seed\nobjective: {least: power, at_most: 5}", 2, "objective.at_most", ["500 %", "5 %"]),
    ("name: seed", "name: seed\nobjective: {least: cost, at_most: 5 %}", 2, "objective.at_most", ["nothing is gained"]),
    ("name: seed", "name: seed\nobjective: {least: gpus, then: gpus}", 2, "objective.then", ["'gpus'", "already"]),
    ("name: seed", "name: seed\nobjective: carbon", 2, "objective.least", ["facilities", "g/kWh"]),
    ("name: seed", f"name: {'x' * 201}", 1, "name", ["longer than 200", "Shorten it"]),
    ("start: 2027-Q1", "start: 2027-Q5", 3, "calendar.start", ["'2027-Q5'", "2027-Q1"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  periods: 0", 4, "calendar.periods", ["'0'"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  periods: 1.5", 4, "calendar.periods", ["'1.5'"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  slots: {a: 8 h, b: 9 h}", 4, "calendar.slots", ["17 h", "24 h"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  slots: {a: 24}", 4, "calendar.slots.a", ["'24'", "no unit", "8 h"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  outlooks: {a: 0.5, b: 0.4}", 4, "calendar.outlooks", ["90 %", "100 %"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  outlooks: {a: 1, b: 0}", 4, "calendar.outlooks.b", ["zero"]),
    ("start: 2027-Q1", "start: 2027-Q1\n  outlooks: {a: .nan}", 4, "calendar.outlooks.a", ["'nan'", "finite"]),
    ("terminus", "termnus", 6, f"{CHAT}.model", ["'deepseek-v3.1-termnus'", "Did you mean", "terminus'"]),
    ("deepseek-v3.1-terminus", "../../etc", 6, f"{CHAT}.model", ["'../../etc'", "Known"]),
    ("5 M tokens/min", "12.5", 7, f"{CHAT}.demand", ["'12.5'", "no unit", "40 requests/s"]),
    ("5 M tokens/min", "5 M tokens/day", 7, f"{CHAT}.demand", ["'M tokens/day'", "5 M tokens/min"]),
    ("5 M tokens/min", "-5 M tokens/min", 7, f"{CHAT}.demand", ["'-5 M tokens/min'", "negative"]),
    ("5 M tokens/min", "nan requests/s", 7, f"{CHAT}.demand", ["'nan requests/s'", "not a number"]),
    ("5 M tokens/min", "1e999 requests/s", 7, f"{CHAT}.demand", ["'1e999 requests/s'", "too large"]),
    ("6144", "-6144", 8, f"{CHAT}.input_tokens", ["'-6144'"]),
    ("6144", ".nan", 8, f"{CHAT}.input_tokens", ["'nan'"]),
    ("6144", "6k", 8, f"{CHAT}.input_tokens", ["'6k'", "number"]),
    ("6144", "'6144'", 8, f"{CHAT}.input_tokens", ["'6144'", "number"]),
    ("6144", "", 8, f"{CHAT}.input_tokens", ["nothing"]),
    ("ttft: 2 s", "ttft: 2 sec", 10, f"{CHAT}.slo.ttft", ["'sec'", "us, ms, s, min, h"]),
    ("ttft: 2 s", "ttft: 2", 10, f"{CHAT}.slo.ttft", ["'2'", "no unit"]),
    ("ttft: 2 s", "ttft: 0 s", 10, f"{CHAT}.slo.ttft", ["'0 s'", "more than zero"]),
    ("ttft: 2 s", "ttft: 2 s at p0", 10, f"{CHAT}.slo.ttft", ["p0", "p99"]),
    ("tpot: 20 ms", "tpott: 20 ms", 10, f"{CHAT}.slo.tpott", ["unknown key", "'tpot'"]),
    ("{ttft: 2 s, tpot: 20 ms}", "{}", 10, f"{CHAT}.slo", ["promises nothing", "ttft or tpot"]),
    ("{ttft: 2 s, tpot: 20 ms}", "fast", 10, f"{CHAT}.slo", ["'fast'", "ttft, tpot"]),
    ("quadratic", "cubic", 12, f"{CHAT}.decode_fit", ["'cubic'", "pchip, quadratic"]),
    ("decode_fit: quadratic", "shortfall: {allowed: 3}", 12, f"{CHAT}.shortfall.allowed", ["'3'", "100 %"]),
    ("decode_fit: quadratic", "shortfall: {allowed: -3 %}", 12, f"{CHAT}.shortfall.allowed", ["'-3 %'", "negative"]),
    ("decode_fit: quadratic", "gpu_types: {forbid: [H2000]}", 12, f"{CHAT}.gpu_types.forbid.0", ["'H2000'", "'H200'"]),
    ("decode_fit: quadratic", "roles: [prefill]", 12, f"{CHAT}.roles", ["prefill alone"]),
    ("decode_fit: quadratic", "roles: [prefil, decode]", 12, f"{CHAT}.roles.0", ["'prefil'", "'prefill'"]),
    (f"{{offer: {OFFER}}}", "[]", 15, H200, ["mapping"]),
    (OFFER, "zzz", 15, f"{H200}.offer", ["'zzz'", "Known"]),
    (f"{OFFER}}}", f"{OFFER}, price: 28}}", 15, f"{H200}.price", ["'28'", "31.92 USD/node/h"]),
    (f"{OFFER}}}", f"{OFFER}, price: 28 EUR/node/h}}", 15, f"{H200}.price", ["in EUR", "money.rates", "EUR: 1.08 USD"]),
    (f"{OFFER}}}", f"{OFFER}, max_nodes: -3}}", 15, f"{H200}.max_nodes", ["'-3'"]),
    (f"{OFFER}}}", f"{OFFER}, sites: [nowhere]}}", 15, f"{H200}.sites", ["'nowhere'", "main"]),
    (f"{OFFER}}}", f"{OFFER}, kind: spot}}", 15, f"{H200}.kind", ["beside 'offer'"]),
    (f"offer: {OFFER}", "kind: on_demand", 15, H200, ["node_type, price"]),
    (
        f"{{offer: {OFFER}}}",
        "{node_type: 8xH200, kind: purchase, price: 30 USD/GPU/h, term_months: 48}",
        *(15, H200, ["has no upfront"]),
    ),
    ("  offers:", "  quotas: {q: {gpu_type: H20, max_gpus: 8}}\n  offers:", 14, "supply.quotas.q.gpu_type", ["'H20'"]),
    ("  offers:", "  quotas: {q: {gpu_type: H200}}\n  offers:", 14, "supply.quotas.q", ["max_gpus"]),
    ("  chat:", "  chat/eu:", 5, "workloads.chat/eu", ["is no name"]),
    ("  chat:", f"  {'x' * 81}:", 5, f"workloads.{'x' * 60}", ["up to 80 characters"]),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_field_is_named_with_its_place_value_and_fix(
    fleetopt: Run, seed: Seed, wrong: tuple[str, str, int, str, list[str]]
) -> None:
    old, new, line, field, words = wrong
    answer = fleetopt("check", seed(old, new))
    assert (answer.returncode, answer.stdout) == (2, "")
    place = re.compile(rf"error: q3/scenario\.yaml:{line} {re.escape(field)}(\.base|\.probability)?: ")
    told = [issue for issue in answer.stderr.splitlines() if place.match(issue)]
    assert len(told) == 1, answer.stderr
    assert all(word in told[0] for word in words), told[0]


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new, *_ in WRONG])
def test_a_wrong_field_is_one_error(fleetopt: Run, seed: Seed, old: str, new: str) -> None:
    answer = fleetopt("check", seed(old, new))
    # A misspelt key that is required is two things to know: what is unknown and what is missing.
    assert answer.stderr.count("error: ") == (2 if new.startswith("nam:") else 1)


def test_every_problem_is_told_at_once_in_the_order_of_the_file(fleetopt: Run, seed: Seed) -> None:
    path = seed("6144", "-1") / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("20 ms", "20").replace("name: seed", "name: 7"))
    answer = fleetopt("check", "q3")
    fields = re.findall(r"scenario\.yaml:\d+ (\S+):", answer.stderr)
    assert fields == ["name", "workloads.chat.input_tokens", "workloads.chat.slo.tpot"]


def test_a_plan_is_no_scenario(fleetopt: Run, seed: Seed) -> None:
    """Its fields used to be told as unknown, one after another."""
    fleetopt("plan", seed(), "-o", "out")
    answer = fleetopt("check", "out/plan.json")
    assert (answer.returncode, answer.stderr) == (
        2,
        "error: out/plan.json: is a plan. Name the scenario.yaml that it is of\n",
    )


def test_a_broken_calendar_is_told_alone(fleetopt: Run, seed: Seed) -> None:
    """Whatever names its periods used to be called unknown as well, once for each."""
    answer = fleetopt("check", seed("start: 2027-Q1", "start: 2027-Q5"))
    assert answer.returncode == 2
    assert answer.stderr.count("error: ") == 1
    assert "calendar.start" in answer.stderr


def test_what_cannot_make_a_difference_is_noted(fleetopt: Run, seed: Seed) -> None:
    """The plan lists it among its assumptions, as few people check."""
    path = seed("supply:\n", "supply:\n  quotas: {q: {gpu_type: B200, max_gpus: 8}}\n")
    said = "quota q limits nothing: the supply has no B200"
    assert f"note: {said}" in fleetopt("check", path).stdout
    assert json.loads(fleetopt("check", path, "--json").stdout)["notes"] == [said]
    assert said in json.loads(fleetopt("plan", path, "--json").stdout)["provenance"]["assumptions"]


def test_issues_come_as_json_where_json_was_asked_for(fleetopt: Run, seed: Seed) -> None:
    answer = fleetopt("check", seed("ttft: 2 s", "ttft: 2 sec"), "--json")
    record = json.loads(answer.stdout)
    assert (answer.returncode, record["status"]) == (2, "BAD_INPUT")
    assert [issue["where"] for issue in record["issues"]] == ["q3/scenario.yaml:10 workloads.chat.slo.ttft"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--gap", "abc"), ["--gap", "'abc'", "3 %"]),
        (("--gap", "5"), ["--gap", "'5'", "no unit", "'5 %'"]),
        (("--gap", "0.5"), ["--gap", "'0.5 %'", "'50 %'"]),
        (("--gap", "500 %"), ["--gap", "'500 %'", "100 %"]),
        (("--gap=-1",), ["--gap", "'-1'"]),
        (("--gap", "nan"), ["--gap", "'nan'"]),
        (("--gap", "100 %"), ["--gap", "'100 %'"]),
        (("--time-limit", "10"), ["--time-limit", "'10'", "no unit"]),
        (("--time-limit", "0 s"), ["--time-limit", "'0 s'"]),
        (("--time-limit=-5 s",), ["--time-limit", "'-5 s'"]),
        (("--time-limit", "5 parsecs"), ["--time-limit", "'parsecs'"]),
        (("--bogus",), ["--bogus"]),
        (("again",), ["again"]),
    ],
)
def test_a_wrong_option_is_named_with_its_value(
    fleetopt: Run, seed: Seed, options: tuple[str, ...], words: list[str]
) -> None:
    answer = fleetopt("plan", seed(), *options)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert all(word in answer.stderr for word in words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pln",), "'plan'"),
        (("plan",), "scenario"),
        (("catalog", "model"), "'models'"),
        (("schema", "pla"), "'plan'"),
        (("verify", "nope", "seed-paper"), "nope"),
        (("catalog", "--folder", "nope"), "nope"),
        (("init", "new", "--like", "quickstrt"), "'quickstart'"),
    ],
)
def test_a_wrong_command_line_says_what_there_is(fleetopt: Run, seed: Seed, words: tuple[str, ...], told: str) -> None:
    seed()
    answer = fleetopt(*words)
    assert answer.returncode == 2
    assert told in answer.stderr


@pytest.mark.parametrize("name", ["seed-papr", "nope", "a\nb"])
def test_an_unknown_scenario_lists_the_shipped_ones(fleetopt: Run, seed: Seed, name: str) -> None:
    seed()
    answer = fleetopt("plan", name)
    assert answer.returncode == 2
    assert "quickstart, rent-or-buy, seed-paper" in answer.stderr
