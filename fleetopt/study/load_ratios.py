"""DOPD's load-driven ratio beside the plan: the P and D it asks for, by workload that is served split, and time.

    rate  =  planned requests/s x (what its decode replicas carry / what the workload is served in all)

A line stands for the replicas of a workload that hand over to one another: at one site, of one KV format, or in the
node patterns of one name. The formula knows one prefill and one decode config; a line of several says so instead. It
promises nothing, so it is computed from plan and scenario when it is shown, and is no part of plan.json.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Literal, TypeAlias

from fleetopt.capacity.drain_fill import load_ratio
from fleetopt.capacity.load_ratio import Drain, HeldBy, drain_of, fill_of
from fleetopt.catalog.domain import Candidate, Role
from fleetopt.plan.domain import Placement, Plan, WorkloadOutcome
from fleetopt.plan.record import Count, Record, Share
from fleetopt.scenario.domain import Scenario, Workload

SOURCE = "DOPD, arXiv 2511.20982, section 4"

Pair: TypeAlias = tuple[str, str, str, str | None]
"""Workload, site, KV format and node pattern: the replicas that hand over to one another."""


class RatioLine(Record):
    """Prefill and decode replicas of a workload at one time: those of the plan, and those of DOPD's formula.

    A decode replica holds `held_requests`, `held_by` what keeps it from holding more, drains `drain_rps` at `tpot_s`,
    and a prefill replica fills `fill_rps`: `prefill_per_decode` is drain over fill, P:D of one decode replica. Of
    `planned_rps`, headroom included, the formula asks for `formula_prefill` and `formula_decode`. All of these are null
    where `why_not` says why it does not apply.
    """

    workload: str
    model: str
    site: str
    kv_format: str
    pattern: str | None
    period: str
    slot: str
    outlook: str
    prefill_config: str
    decode_config: str
    planned_rps: float
    plan_prefill: Share
    plan_decode: Share
    plan_prefill_per_decode: float | None
    held_requests: Count | None = None
    held_by: HeldBy | None = None
    tpot_s: float | None = None
    drain_rps: float | None = None
    fill_rps: float | None = None
    prefill_per_decode: float | None = None
    formula_prefill: Count | None = None
    formula_decode: Count | None = None
    why_not: str = ""


class LoadRatios(Record):
    """ratios.json: the lines in the order of the plan's workloads and times."""

    schema_version: Literal["1"] = "1"
    scenario: str
    source: str = SOURCE
    lines: tuple[RatioLine, ...]


def load_ratios(plan: Plan, scenario: Scenario) -> LoadRatios:
    """The lines of a verified plan of the scenario; none where nothing is served split."""
    book = _Book(scenario)
    groups: dict[tuple[str, ...], dict[Pair, list[Placement]]] = defaultdict(lambda: defaultdict(list))
    served: dict[tuple[str, ...], float] = defaultdict(float)
    for row in plan.placements:
        at = _at(row)
        if row.role != "prefill":
            served[at] += row.working * row.load_rps
        if row.role != "aggregated":
            kv_format = book.candidate(row.model, row.config, row.role).config.kv_format
            groups[at][row.workload, row.site, kv_format, row.pattern].append(row)
    return LoadRatios(
        scenario=plan.scenario,
        lines=tuple(
            book.line(pair, outcome, rows, served[_at(outcome)])
            for outcome in plan.workloads
            for pair, rows in groups[_at(outcome)].items()
        ),
    )


def _at(row: Placement | WorkloadOutcome) -> tuple[str, ...]:
    return row.workload, row.period, row.slot, row.outlook


class _Book:
    """What the scenario says of workloads and configs, each figure computed once."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._workloads = {workload.name: workload for workload in scenario.workloads}
        self._capability = {outlook.name: outlook.capacity_factor for outlook in scenario.calendar.outlooks}
        self._candidates = {
            (model, one.config.name, one.role): one for model, llm in scenario.models.items() for one in llm.candidates
        }
        self._drains = cache(self._drain)
        self._fills = cache(self._fill)

    def candidate(self, model: str, config: str, role: Role) -> Candidate:
        return self._candidates[model, config, role]

    def line(self, pair: Pair, outcome: WorkloadOutcome, rows: Sequence[Placement], served: float) -> RatioLine:
        """The plan's replicas with the formula's."""
        prefill, decode = ([row for row in rows if row.role == role] for role in ("prefill", "decode"))
        carried = sum(row.working * row.load_rps for row in decode)
        p, d = (sum(row.replicas for row in own) for own in (prefill, decode))
        bare = RatioLine(
            workload=outcome.workload,
            model=outcome.model,
            site=pair[1],
            kv_format=pair[2],
            pattern=pair[3],
            period=outcome.period,
            slot=outcome.slot,
            outlook=outcome.outlook,
            prefill_config=_names(prefill),
            decode_config=_names(decode),
            planned_rps=outcome.planned_rps * carried / served if served > 0 else 0.0,
            plan_prefill=p,
            plan_decode=d,
            plan_prefill_per_decode=p / d if d else None,
        )
        return bare.model_copy(update=self._asked(bare, _mixed(prefill, decode)))

    def _asked(self, line: RatioLine, mixed: str) -> dict[str, object]:
        """The formula's figures, or why there are none."""
        if mixed:
            return {"why_not": mixed}
        drain = self._drains(line.workload, line.decode_config)
        fill = self._fills(line.workload, line.prefill_config)
        if isinstance(drain, str) or isinstance(fill, str):
            return {"why_not": drain if isinstance(drain, str) else fill}
        # An outlook in which replicas carry less has slower ones: the ratio stays, the counts grow.
        able, workload = self._capability[line.outlook], self._workloads[line.workload]
        running = line.planned_rps * workload.output_tokens * drain.tpot_s / able
        found = load_ratio(running, drain.held, drain.rps * able, fill * able)
        return {
            "held_requests": drain.held,
            "held_by": drain.held_by,
            "tpot_s": drain.tpot_s / able,
            "drain_rps": drain.rps * able,
            "fill_rps": fill * able,
            "prefill_per_decode": drain.rps / fill,
            "formula_prefill": found.prefill,
            "formula_decode": found.decode,
        }

    def _drain(self, name: str, config: str) -> Drain | str:
        workload = self._workloads[name]
        one, card = self.candidate(workload.model, config, "decode"), self._scenario.models[workload.model].card
        return drain_of(workload, one, card, self._scenario.gpu_types[one.config.gpu_type], self._slower(one))

    def _fill(self, name: str, config: str) -> float | str:
        workload: Workload = self._workloads[name]
        one = self.candidate(workload.model, config, "prefill")
        return fill_of(workload, one, self._slower(one))

    def _slower(self, one: Candidate) -> float:
        return 1.0 + float(getattr(self._scenario.margins, one.profile.provenance.evidence))


def _names(rows: Sequence[Placement]) -> str:
    return ", ".join(dict.fromkeys(row.config for row in rows))


def _mixed(prefill: Sequence[Placement], decode: Sequence[Placement]) -> str:
    """Why the formula knows no such pools; nothing where it does."""
    for role, rows in (("prefill", prefill), ("decode", decode)):
        if not rows:
            return f"no {role} replica stands on this link"
        if len({row.config for row in rows}) > 1:
            return f"the {role} pool has several configs, and the formula knows one"
    if any(row.shared is not None for row in (*prefill, *decode)):
        return "length buckets share its replicas, and the formula knows whole ones of one workload"
    return ""
