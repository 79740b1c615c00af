"""Which of a model's profiles are drawn: those asked for, else for each GPU type and role the best one per GPU."""

from __future__ import annotations

from collections.abc import Sequence

from fleetopt.capacity.table import derive
from fleetopt.catalog.domain import AggregatedProfile, Candidate, DecodeProfile, PrefillProfile, RateProfile
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.report.curves import Asked
from fleetopt.scenario.domain import Scenario, Workload


def asked_of(scenario: Scenario, model: str, name: str | None) -> Asked:
    """The workload of a model in a scenario, and its capacities.

    Raises:
        InputError: no workload runs the model, several do and none is named, or the one named does not.
    """
    serving = {workload.name: workload for workload in scenario.workloads if workload.model == model}
    if not serving:
        models = sorted({workload.model for workload in scenario.workloads})
        what = f"no workload of scenario '{scenario.name}' runs it"
        raise InputError([Issue("unknown-model", model, what, did_you_mean(model, models))])
    if name is None and len(serving) > 1:
        fix = f"Name one with --workload: {', '.join(serving)}"
        raise InputError([Issue("many-workloads", model, f"is run by {len(serving)} workloads", fix)])
    if name is not None and name not in serving:
        what = f"'{name[:60]}' is no workload of {model}"
        raise InputError([Issue("unknown-workload", "--workload", what, did_you_mean(name, serving))])
    workload: Workload = serving[name] if name is not None else next(iter(serving.values()))
    rows = derive(scenario).rows_of(workload.name)
    return Asked(workload, {row.candidate.name: row for row in rows})


def chosen(
    candidates: Sequence[Candidate],
    *,
    gpus: Sequence[str] = (),
    configs: Sequence[str] = (),
    role: str | None = None,
    everything: bool = False,
    asked: Asked | None = None,
) -> tuple[list[Candidate], str]:
    """The candidates to draw, and a sentence about those that are not shown, empty if all are.

    Raises:
        InputError: a GPU type or a config is not among them, or nothing is left to draw.
    """
    _check("--gpu", gpus, {one.config.gpu_type for one in candidates})
    _check("--config", configs, {one.config.name for one in candidates})
    fitting = [
        one
        for one in candidates
        if (not gpus or one.config.gpu_type in gpus)
        and (not configs or one.config.name in configs)
        and (role is None or one.role == role)
    ]
    drawable = [one for one in fitting if not isinstance(one.profile, RateProfile)]
    if not drawable:
        fix = "Ask for other configs or another role; stated rates have no curve"
        raise InputError([Issue("nothing-to-draw", "profile show", "no profile is left to draw", fix)])
    kept = drawable if everything or configs else _best(drawable, asked)
    return kept, _hidden(fitting, kept, len(fitting) - len(drawable))


def _check(option: str, names: Sequence[str], known: set[str]) -> None:
    issues = [
        Issue("unknown-name", option, f"'{name[:60]}' has no profile here", did_you_mean(name, known))
        for name in names
        if name not in known
    ]
    if issues:
        raise InputError(issues)


def _best(candidates: Sequence[Candidate], asked: Asked | None) -> list[Candidate]:
    best: dict[tuple[str, str], Candidate] = {}
    for one in candidates:
        key = (one.role, one.config.gpu_type)
        if key not in best or _worth(one, asked) > _worth(best[key], asked):
            best[key] = one
    return list(best.values())


def _worth(one: Candidate, asked: Asked | None) -> tuple[float, float]:
    """Per GPU: the capacity under the workload, then the largest tokens/s of the profile."""
    row = asked.capacities.get(one.name) if asked else None
    gpus = one.config.gpus_per_replica
    return (row.capacity_rps / gpus if row else 0.0, _most_tokens_per_s(one) / gpus)


def _most_tokens_per_s(one: Candidate) -> float:
    profile = one.profile
    if isinstance(profile, PrefillProfile):
        return max(point.tokens_per_s for point in profile.points)
    if isinstance(profile, DecodeProfile):
        return max(point.batch / point.tpot_s for point in profile.points)
    assert isinstance(profile, AggregatedProfile)
    return max(point.rate_rps * (point.input_tokens + point.output_tokens) for point in profile.points)


def _hidden(fitting: Sequence[Candidate], kept: Sequence[Candidate], stated: int) -> str:
    others = len(fitting) - len(kept) - stated
    said = []
    if others:
        best = "the best per GPU for each GPU type and role is drawn"
        said.append(f"{others} more profiles are not shown ({best}): --all, --gpu or --config shows them")
    if stated:
        said.append(f"{stated} profiles are stated rates, which have no curve")
    return "; ".join(said)
