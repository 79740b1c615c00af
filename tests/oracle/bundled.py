"""Questions about models that share GPUs: each prefills for 0.1 s, and its decode step does not grow with the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.bundling import Bundling, Spatial, Swapping
from fleetopt.scenario.domain import Scenario
from fleetopt.units import Latency
from tests.oracle import build

PREFILL_TOKENS_PER_S = 10_000.0
SWAPPING = Swapping(8, 7e9, (("Ax1", 14e9),), "test")


def bundling(most_models: int = 3, interference: float = 1.0, swapping: Swapping | None = None) -> Bundling:
    return Bundling(most_models, interference, 400, "test", swapping)


def cut_up(most_models: int = 3, slowdown: float = 0.0) -> Bundling:
    """Groups whose members run side by side, each on its share of the GPUs."""
    return replace(bundling(most_models), spatial=Spatial(slowdown, "test"))


def with_shares(scenario: Scenario, shares: Mapping[str, Mapping[float, float]]) -> Scenario:
    """The same where models were also measured on shares of a GPU: seconds of a step by share; prefill as ever."""
    models = dict(scenario.models)
    for name, steps in shares.items():
        found = [
            replace(one, config=replace(one.config, gpu_share=share))
            for share, step_s in steps.items()
            for one in both(name, step_s, named=f"{name}-{100 * share:g}")
        ]
        models[name] = replace(models[name], candidates=(*models[name].candidates, *found))
    return replace(scenario, models=models)


def both(model: str, step_s: float, *, gpus: int = 1, batch: float = 32.0, named: str | None = None) -> list[Candidate]:
    """The profiles of a model of 7 GB on a group of so many GPUs."""
    name = named or f"{model}-{gpus}"
    return [
        build.prefill(name, PREFILL_TOKENS_PER_S, model=model, gpus=gpus),
        build.decode(name, (1.0, step_s), (batch, step_s), model=model, gpus=gpus),
    ]


def question(
    rates: Sequence[float],
    bundles: Bundling | None,
    steps_s: Sequence[float] | None = None,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    **same: Any,
) -> Scenario:
    """Workloads w0, w1.. of models m0, m1.., on nodes of one GPU at a dollar an hour; `changes` by workload."""
    steps = steps_s or [0.01] * len(rates)
    workloads = [
        replace(build.workload(f"w{i}", rps), model=f"m{i}", **{**same, **(changes or {}).get(i, {})})
        for i, rps in enumerate(rates)
    ]
    candidates = [one for i, step in enumerate(steps) for one in both(f"m{i}", step)]
    return replace(build.scenario(workloads, candidates, [build.line("l", "Ax1", 1.0)]), bundles=bundles)


def with_parameters(scenario: Scenario, billions: float) -> Scenario:
    """The same with larger models."""
    models = {
        name: replace(llm, card=replace(llm.card, parameters_b=billions)) for name, llm in scenario.models.items()
    }
    return replace(scenario, models=models)


PATIENT: dict[str, Any] = {"ttft": Latency(10.0)}
