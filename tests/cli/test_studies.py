"""The verbs that ask about a plan: what they print, what they print as JSON, and what they refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Seed = Callable[..., Path]


def test_explain_says_why_in_sentences_and_in_json(fleetopt: Run, seed: Seed) -> None:
    """Proves: both outputs hold the same findings, each with its number.
    Sensitivity: a sentence without its number in JSON would have to be read by a program.
    """
    told = fleetopt("explain", seed())
    assert told.returncode == 0
    found = json.loads(fleetopt("explain", "q3", "--json").stdout)
    assert found["complete"]
    for finding in found["findings"]:
        assert finding["sentence"] in told.stdout
    costs = {one["about"]: one["usd"] for one in found["findings"] if one["topic"] == "promise"}
    assert set(costs) == {"chat: TTFT 2000 ms at mean", "chat: TPOT 20 ms at mean"}


def test_a_stored_plan_is_explained_if_it_is_one(fleetopt: Run, seed: Seed) -> None:
    """Proves: a stored plan serves in place of solving, and one that the scenario has left behind is refused.
    Sensitivity: differences to a plan of another question would be nonsense, and a file that has changed is no bug.
    """
    assert fleetopt("plan", seed(), "-o", "out").returncode == 0
    for verb in ("explain", "baselines", "alternatives"):
        assert fleetopt(verb, "q3", "--plan", "out").returncode == 0
    seed("5 M tokens/min", "9 M tokens/min")
    for verb in ("explain", "baselines", "futures", "alternatives", "study"):
        stale = fleetopt(verb, "q3", "--plan", "out")
        assert (stale.returncode, stale.stdout) == (2, "")
        said = "error: --plan out: is no plan of q3/scenario.yaml as it is now (changed since the plan was made: "
        assert stale.stderr.startswith(said)
        assert "demand_is_met" in stale.stderr
        assert "Plan again, with 'fleetopt plan q3/scenario.yaml', or leave out --plan" in stale.stderr
        assert "report this" not in stale.stderr


def test_a_budget_of_no_solves_is_kept(fleetopt: Run, seed: Seed) -> None:
    """Proves: what is not worked out is said to be missing.
    Sensitivity: it would look as if nothing cost anything.
    """
    told = fleetopt("explain", seed(), "--solves", "0")
    assert "2 questions ran into the limit" in told.stdout
    assert "not worked out within the number of solves and the time: chat: TTFT" in told.stdout


def test_baselines_stand_beside_the_plan(fleetopt: Run, seed: Seed) -> None:
    """Proves: the verb and `plan --baselines` show the same four, and JSON has the same dollars.
    Sensitivity: two ways to compute them would drift apart.
    """
    alone = fleetopt("baselines", seed()).stdout
    with_plan = fleetopt("plan", "q3", "--baselines").stdout
    found = json.loads(fleetopt("baselines", "q3", "--json").stdout)
    assert len(found) == 4
    for one in found:
        assert one["name"] in alone
        assert one["name"] in with_plan
        assert f"{one['usd']:,.2f}" in alone
        assert f"{one['usd']:,.2f}" in with_plan
    refused = fleetopt("plan", "q3", "--baselines", "--json")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_alternatives_are_written_as_plans(fleetopt: Run, seed: Seed) -> None:
    """Proves: each alternative is a plan on disk that verifies against the scenario, and the last line says which.
    Sensitivity: a plan of a narrower question claims a bound that is not one; the table begins with the best plan, so
    that folder 1 would be taken for that.
    """
    offer = "h200: {offer: nebius-8xh200-on-demand-eu-north1}"
    dearer = f"{offer}\n    other: {{node_type: 8xH200, kind: on_demand, price: 28.5 USD/node/h, provider: other}}"
    answer = fleetopt("alternatives", seed(offer, dearer), "--within", "3 %", "-o", "alt")
    assert answer.returncode == 0
    assert "without provider nebius" in answer.stdout
    assert "not among them: fewest nodes: the best plan is that already" in answer.stdout
    assert fleetopt("verify", "alt/1", "q3").returncode == 0
    assert answer.stdout.endswith("written: alt/1 (without provider nebius)\n")
    assert fleetopt("alternatives", "q3", "-o", "alt").returncode == 2


def test_scenarios_and_plans_are_compared(fleetopt: Run, seed: Seed) -> None:
    """Proves: two scenarios show the field and what it moved, two plans their fleets, and one of each is refused.
    Sensitivity: a plan's folder taken for a scenario would be an error about a missing file.
    """
    a, b = seed(), seed("tpot: 20 ms", "tpot: 25 ms", "q4")
    told = fleetopt("compare", a, b)
    assert told.returncode == 0
    assert "workloads.chat.tpot.limit_s" in told.stdout
    assert "SLOs" in told.stdout
    found = json.loads(fleetopt("compare", a, b, "--json").stdout)
    assert found["usd_b"] - found["usd_a"] == pytest.approx(sum(move["usd"] for move in found["moves"]))
    for name, folder in (("out3", a), ("out4", b)):
        fleetopt("plan", folder, "-o", name)
    plans = fleetopt("compare", "out3", "out4/plan.json")
    assert plans.returncode == 0
    assert "h200 (8xH200)" in plans.stdout
    mixed = fleetopt("compare", a, "out4")
    assert mixed.returncode == 2
    assert "give two plans or two scenarios" in mixed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain", "q3", "--gap", "2"), "--gap"),
        (("explain", "q3", "--total-time", "0 s"), "--total-time"),
        (("alternatives", "q3", "--within", "three"), "--within"),
        (("baselines", "q3", "--time-limit", "fast"), "--time-limit"),
        (("compare", "q3", "nowhere"), "nowhere"),
        (("plan", "q3", "--repair-time", "-1 s"), "--repair-time"),
    ],
)
def test_a_wrong_option_is_one_clear_error(fleetopt: Run, seed: Seed, words: tuple[str, ...], said: str) -> None:
    """Proves: what is wrong is named, with exit code 2 and nothing on stdout.
    Sensitivity: a default in its place would answer another question.
    """
    seed()
    answer = fleetopt(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr


def test_an_infeasible_question_is_not_explained(fleetopt: Run, seed: Seed) -> None:
    """Proves: without a plan the verbs say why there is none, with exit code 3.
    Sensitivity: a traceback, or an empty explanation.
    """
    path = seed("ttft: 2 s", "ttft: 0.2 s")
    for verb in ("explain", "baselines", "alternatives"):
        answer = fleetopt(verb, path)
        assert answer.returncode == 3
        assert "no number of replicas" in answer.stderr


def test_a_study_of_what_has_no_plan_says_where_repairs_are_priced(fleetopt: Run) -> None:
    """Proves: explain ends with exit code 3, the conflict, and the way to its price.
    Sensitivity: a reader would take unpriced repairs for all there is to know.
    """
    told = fleetopt("explain", "infeasible-on-purpose")
    assert told.returncode == 3
    assert "quota h200-eu" in told.stderr
    assert "'fleetopt plan' tries to" in told.stderr


def test_where_a_scenario_lies_is_no_difference(fleetopt: Run, seed: Seed) -> None:
    """Proves: a copy of a scenario in another folder differs in nothing, prices that it states itself included.
    Sensitivity: a source with the folder in it made every written price a difference, and a step of the cost.
    """
    offer = "h200: {offer: nebius-8xh200-on-demand-eu-north1}"
    stated = f"{offer[:-1]}, price: 27 USD/node/h}}\n    own: {{node_type: 8xH200, kind: spot, price: 28 USD/node/h}}"
    folder = seed(offer, stated)
    copy = folder.with_name("copy")
    copy.mkdir()
    (copy / "scenario.yaml").write_text((folder / "scenario.yaml").read_text())
    found = json.loads(fleetopt("compare", folder, copy, "--json").stdout)
    assert (found["differences"], found["moves"]) == ([], [])
