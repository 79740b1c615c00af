"""Many variants of one scenario, planned: each as `fleetopt plan` would plan it, each once, whatever happens between.

    files -> Source -> Variables -> choices -> variants, all read and checked -> tasks -> engine -> runs

Everything is read before anything is run, so that a mistake in the last variant is not found after an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from fleetopt.catalog.domain import Llm
from fleetopt.errors import InputError, Issue
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import Source
from fleetopt.study.holding import Decided
from fleetopt.study.sweep.base import base_orders
from fleetopt.study.sweep.bench import Shared, Task
from fleetopt.study.sweep.designs import Choice, Design, choices
from fleetopt.study.sweep.engines.engine import Engine, Inline
from fleetopt.study.sweep.folder import Folder
from fleetopt.study.sweep.records import Outcome, Question, Run, Sweep
from fleetopt.study.sweep.variables import read_variables
from fleetopt.study.sweep.variants import Variants, as_it_is

MOST_VARIANTS = 1000


@dataclass(frozen=True, slots=True)
class Ask:
    """What to vary, how, and how hard to try for each variant.

    `samples` and `seed` are for the Latin hypercube; `most` is the number of variants beyond which nothing is run;
    `plans` is whether every variant's plan is kept, which takes a folder; `regret` whether it is asked what keeping the
    orders of the scenario as it is would cost in every variant, which takes two solves for most.
    """

    vary: Sequence[str]
    design: Design = "grid"
    samples: int = 0
    seed: int = 1
    most: int = MOST_VARIANTS
    options: SolveOptions = field(default_factory=lambda: SolveOptions(diagnose=False))
    plans: bool = False
    regret: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How many runs are done: `kept` of them before this sweep began, `failed` without a plan.

    `last` is the latest; `damaged` are kept ones that could not be read and are run again.
    """

    done: int
    kept: int
    failed: int
    total: int
    last: Outcome | None = None
    damaged: int = 0


Tell: TypeAlias = Callable[[Progress], None]


def sweep(
    path: str | Path,
    ask: Ask,
    *,
    engine: Engine | None = None,
    folder: Path | None = None,
    force: bool = False,
    tell: Tell = lambda _progress: None,
) -> Sweep:
    """Plans every variant and returns all runs.

    Args:
        path: of the scenario, as for `load`.
        ask: what to vary.
        engine: what runs the variants; one after another in this process, unless told otherwise.
        folder: where finished runs are kept and found again; they are kept nowhere without one.
        force: whether to ask anew in a folder in which something else was asked.
        tell: told after every run; after Ctrl-C, of those that are kept.

    Raises:
        InputError: the scenario, an expression or a variant cannot be read, or the folder is another sweep's.
    """
    source = Source(path)
    as_written = source.scenario()
    variables = read_variables(source, ask.vary)
    chosen = choices(variables, ask.design, ask.samples, ask.seed, ask.most)
    desk = _Desk(Variants(source, variables), ask, chosen, as_written)
    question = _question(ask, as_written, desk)
    with closing(Folder(folder, question, force=force)) if folder is not None else nullcontext() as kept:
        if desk.base_key is not None:
            desk.base = base_orders(as_written, desk.base_key, desk.shared(), kept)
        outcomes = _outcomes(desk, engine or Inline(), kept, tell)
        return Sweep(
            question=question, gpu_types=tuple(sorted(desk.gpu_types)), runs=tuple(_runs(desk, outcomes, kept))
        )


class _Desk:
    """The variants, each read once before any is run; scenarios are made again when their turn comes."""

    def __init__(self, variants: Variants, ask: Ask, chosen: Sequence[Choice], as_written: Scenario) -> None:
        self.variants, self.ask = variants, ask
        unchanged = as_it_is(variants.variables)
        self.base: Decided | None = None
        self.base_key = variants.hash_of(unchanged, as_written, ask.options) if ask.regret else None
        self.models: dict[str, Llm] = dict(as_written.models) if ask.regret else {}
        self.gpu_types: set[str] = set()
        self.keys: dict[str, Choice] = {}
        self.runs: list[tuple[Choice, str]] = []
        issues: dict[str, Issue] = {}
        for choice in chosen:
            try:
                scenario = variants.scenario(choice)
                if ask.regret:
                    _check_about_cost(scenario)
            except InputError as error:
                issues |= {str(issue): issue for issue in error.issues}
                continue
            key = variants.hash_of(choice, scenario, ask.options, self.base_key)
            self.models |= scenario.models
            self.gpu_types |= _gpu_types(scenario)
            self.keys.setdefault(key, choice)
            self.runs.append((choice, key))
        if issues:
            raise InputError(issues.values())

    def tasks(self, wanted: Sequence[str]) -> Iterator[Task]:
        return (Task.of(key, self.variants.scenario(self.keys[key])) for key in wanted)

    def shared(self) -> Shared:
        hardware = self.variants.source.hardware
        options = replace(self.ask.options, start=None)  # no run depends on another plan (docs/decisions/0015)
        return Shared(self.models, hardware.gpu_types, hardware.node_types, options, self.ask.plans, self.base)


def _question(ask: Ask, as_written: Scenario, desk: _Desk) -> Question:
    variants = desk.variants
    return Question(
        scenario=as_written.name,
        inputs=variants.read_hash(as_it_is(variants.variables), as_written),
        vary=tuple(ask.vary),
        design=ask.design,
        samples=ask.samples if ask.design == "lhs" else len(desk.runs),
        seed=ask.seed if ask.design == "lhs" else 0,
        gap_tolerance=ask.options.gap,
        time_limit_s=ask.options.time_limit_s,
        method=ask.options.method,
        plans=ask.plans,
        regret=ask.regret,
        fleetopt_version=version("fleetopt"),
    )


def _check_about_cost(scenario: Scenario) -> None:
    if scenario.objective is not None:
        what, fix = (
            "has an objective other than cost, and regret is a cost",
            "Take the objective out, or ask without --regret",
        )
        raise InputError([Issue("no-regret", "--regret", what, fix)])


def _gpu_types(scenario: Scenario) -> set[str]:
    supply = scenario.supply
    nodes = {line.offer.node_type for line in supply.lines} | {stock.node_type for stock in supply.stock}
    return {scenario.node_types[name].gpu_type for name in nodes}


def _outcomes(desk: _Desk, engine: Engine, kept: Folder | None, tell: Tell) -> dict[str, Outcome]:
    """What came of every variant, those that are kept already and then the others."""
    before = {key: kept.kept(key) for key in desk.keys} if kept is not None else {}
    found = {key: outcome for key, outcome in before.items() if outcome is not None}
    wanted, count = [key for key in desk.keys if key not in found], len(found)
    damaged = 0 if kept is None else kept.damaged

    def progress(last: Outcome | None = None) -> Progress:
        failed = sum(one.cost_usd is None for one in found.values())
        return Progress(len(found), count, failed, len(desk.keys), last, damaged)

    tell(progress())
    try:
        with closing(engine.run(desk.shared(), desk.tasks(wanted))) as answers:
            for answer in answers:
                if kept is not None:
                    kept.keep(answer)
                found[answer.key] = answer.outcome
                tell(progress(answer.outcome))
    except KeyboardInterrupt:
        if kept is not None:
            # The last one may have been kept and not yet told of; failures are told of and not kept.
            there = {key: kept.kept(key) for key in desk.keys}
            found = {key: outcome for key, outcome in there.items() if outcome is not None}
            tell(progress())
        raise
    return found


def _runs(desk: _Desk, outcomes: dict[str, Outcome], kept: Folder | None) -> Iterator[Run]:
    for number, (choice, key) in enumerate(desk.runs, 1):
        yield Run(
            variant=number,
            settings=desk.variants.settings(choice),
            input_hash=key,
            outcome=outcomes[key],
            plan=None if kept is None else kept.plan(key),
        )
