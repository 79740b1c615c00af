"""What no fleet can serve, whatever its size, told apart from what is only short."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetopt.catalog.domain import Candidate, Role
from fleetopt.errors import Infeasible, InputError, Repair
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario, Shortfall
from fleetopt.study.once import optimize

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build

EXACT = SolveOptions(gap=0.0)


def infeasible(scenario: Scenario) -> Infeasible:
    with pytest.raises(Infeasible) as stop:
        optimize(scenario, EXACT)
    return stop.value


@pytest.fixture
def split(build: Build) -> list[Candidate]:
    """2 prompts/s without queueing, so a TTFT floor of 500 ms; a TPOT of 30 ms at batch 1."""
    return [build.prefill("p", 2000.0), build.decode("d", (1, 0.03), (2, 0.04), (4, 0.06))]


def test_a_ttft_below_its_floor_is_no_matter_of_replicas(build: Build, split: list[Candidate]) -> None:
    """Proves: the reason names promise and floor, the repair a TTFT with which there is a plan.
    Sensitivity: treated as a shortage it would ask for more GPUs, which never help.
    """
    lines = [build.line("rent", "Ax1")]
    error = infeasible(build.scenario(build.workload(ttft_s=0.4), split, lines))
    (reason,) = error.reasons
    assert reason.startswith("chat: TTFT 0.4 s at mean is below the 0.5 s floor of every allowed config")
    assert reason.endswith("(lowest: p/prefill); no number of replicas reaches it")
    assert error.repairs == (Repair("Loosen the TTFT of chat", ("to more than 0.5 s",)),)
    assert optimize(build.scenario(build.workload(ttft_s=0.6), split, lines), EXACT).verdict.passed


def test_a_tpot_below_its_floor_is_no_matter_of_replicas(build: Build, split: list[Candidate]) -> None:
    """Proves: the same for the time per token of a batch of one.
    Sensitivity: the lowest floor of another latency, 500 ms, would be named.
    """
    lines = [build.line("rent", "Ax1")]
    error = infeasible(build.scenario(build.workload(tpot_s=0.02), split, lines))
    assert len(error.reasons) == 1
    assert "TPOT 20 ms at mean is below the 30 ms floor" in error.reasons[0]
    assert error.repairs == (Repair("Loosen the TPOT of chat", ("to more than 30 ms",)),)


def test_the_lowest_floor_is_named(build: Build, split: list[Candidate]) -> None:
    """Proves: of two configs the faster one's floor is what the promise would have to be loosened to.
    Sensitivity: the first found would say 500 ms instead of 250 ms.
    """
    candidates = [*split, build.prefill("q", 4000.0)]
    error = infeasible(build.scenario(build.workload(ttft_s=0.2), candidates, [build.line("rent", "Ax1")]))
    assert "0.25 s floor of every allowed config (lowest: q/prefill)" in error.reasons[0]


def test_a_shortage_is_not_called_a_floor(build: Build, split: list[Candidate]) -> None:
    """Proves: with promises that can be kept and too few nodes, limits are named and no latency.
    Sensitivity: a check that counts replicas would say that no number of them reaches it.
    """
    lines = [build.line("rent", "Ax1", max_nodes=1)]
    error = infeasible(build.scenario(build.workload(), split, lines))
    assert error.reasons == ("no fleet within the limits of the scenario serves the demand",)
    assert set(error.conflict) == {"offer rent", "demand of chat"}


def test_a_missing_profile_is_a_wrong_input(build: Build) -> None:
    """Proves: a model profiled on B alone and a supply of A is a mistake in the files, with what would fix it.
    Sensitivity: as Infeasible it would be exit 3 and ask for another fleet.
    """
    asked = build.scenario(build.workload(), [build.rate("c", 1.0, gpu="B")], [build.line("rent", "Ax1")])
    with pytest.raises(InputError) as stop:
        optimize(asked, EXACT)
    (issue,) = stop.value.issues
    assert issue.code == "missing-profile"
    assert issue.where.endswith("workloads.chat")
    assert issue.what == "no profile of m is allowed on the GPU types that the supply has (A)"
    assert issue.fix.startswith("Offer one of B, ")


@pytest.mark.parametrize(
    "idle", [{"rps": 0.0}, {"rps": 1.0, "shortfall": Shortfall(1.0, 0.0)}], ids=["no demand", "all may go unserved"]
)
def test_what_need_not_be_served_needs_no_profile(build: Build, idle: dict[str, float]) -> None:
    """Proves: without demand, or with all of it excused, the same question has an empty plan.
    Sensitivity: the check would stop scenarios whose workload starts later.
    """
    asked = build.scenario(build.workload(**idle), [build.rate("c", 1.0, gpu="B")], [build.line("rent", "Ax1")])  # type: ignore[arg-type]
    assert optimize(asked, EXACT).fleet == ()


def test_precisions_that_do_not_meet(build: Build) -> None:
    """Proves: prefill in fp8 and decode in bf16 are said not to work together.
    Sensitivity: left to the solver it would be a conflict of one demand, without the cause.
    """
    candidates = [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode", precision="bf16")]
    error = infeasible(build.scenario(build.workload(), candidates, [build.line("rent", "Ax1")]))
    assert len(error.reasons) == 1
    assert error.reasons[0].startswith(
        "chat: prefill and decode never stand at the same site with the same engine and precision"
    )


def test_sites_that_do_not_meet(build: Build) -> None:
    """Proves: prefill on A in the west and decode on B in the east are said not to work together.
    Sensitivity: a check of GPU types alone would let it pass.
    """
    candidates = [build.rate("p", 1.0, "prefill"), build.rate("d", 1.0, "decode", gpu="B")]
    lines = [build.line("a", "Ax1", site="west"), build.line("b", "Bx1")]
    error = infeasible(build.scenario(build.workload(), candidates, lines, sites=("east", "west")))
    assert "never stand at the same site" in error.reasons[0]


@pytest.mark.parametrize(("has", "lacks"), [("prefill", "decode"), ("decode", "prefill")])
def test_half_a_service_lacks_the_other_half(build: Build, has: Role, lacks: Role) -> None:
    """Proves: with profiles of one role alone the other's are what is missing.
    Sensitivity: "never stand at the same site" would send people to the wrong file.
    """
    with pytest.raises(InputError) as stop:
        optimize(build.scenario(build.workload(), [build.rate("c", 1.0, has)], [build.line("a", "Ax1")]), EXACT)
    assert stop.value.issues[0].what.startswith(f"no {lacks} profile of m is allowed on the GPU types")


def on_small_nodes(build: Build, *candidates: Candidate) -> Scenario:
    """Configs on nodes of two GPUs, where whole hosts of eight exist but are not offered."""
    asked = build.scenario(build.workload(), candidates, [build.line("rent", "Ax2")])
    whole = replace(asked.node_types["Ax2"], name="Ax8", gpus_per_node=8)
    return replace(asked, node_types=asked.node_types | {"Ax8": whole})


TOO_SMALL = "chat: no node type of the supply is large enough for a replica of any allowed config"


def test_nodes_that_are_too_small_are_said_to_be(build: Build) -> None:
    """Proves: prefill and decode of four GPUs have nowhere to stand on cut-up nodes of two.
    Sensitivity: the reason would be sites and precisions.
    """
    candidates = [build.rate("p", 1.0, "prefill", gpus=4), build.rate("d", 1.0, "decode", gpus=4)]
    assert infeasible(on_small_nodes(build, *candidates)).reasons == (TOO_SMALL,)


def test_nodes_that_are_too_small_for_aggregated_serving_are_said_to_be(build: Build) -> None:
    """Proves: the same for a model that is served aggregated alone.
    Sensitivity: told that no profile is allowed on A, and to offer A, people look for a file that is there.
    """
    assert infeasible(on_small_nodes(build, build.rate("c", 1.0, gpus=4))).reasons == (TOO_SMALL,)


def test_other_refusals_are_listed_with_an_example_of_each(build: Build) -> None:
    """Proves: requests beyond the context limit are refused for that, not for a latency.
    Sensitivity: a floor would be invented where none was computed.
    """
    asked = build.workload(input_tokens=200_000.0)
    error = infeasible(build.scenario(asked, [build.rate("c", 1.0)], [build.line("rent", "Ax1")]))
    assert len(error.reasons) == 1
    assert error.reasons[0].startswith("chat: no allowed config can serve it (c/aggregated: 200100 tokens per request")
    assert error.repairs == ()


def test_every_workload_out_of_reach_is_reported(build: Build, split: list[Candidate]) -> None:
    """Proves: two workloads below their floors give two reasons at once.
    Sensitivity: stopping at the first would take two runs to learn both.
    """
    asked = [build.workload("chat", ttft_s=0.4), build.workload("code", ttft_s=0.3)]
    error = infeasible(build.scenario(asked, split, [build.line("rent", "Ax1")]))
    assert [reason.split(":")[0] for reason in error.reasons] == ["chat", "code"]
