"""DOPD's load-driven ratio beside the plan's own: as a table to read, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from fleetopt.documents import inert
from fleetopt.plan.domain import Plan
from fleetopt.report.shown_times import TimeKey, labels, peaks_of, times_of
from fleetopt.report.view import View, count, number, time, view
from fleetopt.scenario.domain import Scenario
from fleetopt.study.load_ratios import LoadRatios, RatioLine, load_ratios

TITLE = "Prefill to decode: what the plan has, and what the load-driven ratio of DOPD asks for"

MOST_LINES = 48
"""Lines shown at once; beyond, workloads are shown at the peak of each period."""

HELD_BY = {"kv_memory": "KV memory", "tpot": "TPOT", "profile_end": "end of profile"}

NOTE = (
    "Replicas, P prefill and D decode. DOPD (arXiv 2511.20982): a full decode replica that holds C requests drains "
    "C / (output tokens x TPOT) of them a second, a prefill replica fills one after another; P:D is drain to fill, D "
    "what the running requests need, P what keeps D full, rounded last. The formula knows no queues, percentiles or "
    "limits of supply: the plan's counts are those that keep the SLO at the least cost."
)


def ratio_view(plan: Plan, scenario: Scenario) -> View:
    """Both ratios for every workload served split, at every time or at its peaks."""
    lines, note = load_ratios(plan, scenario).lines, ""
    if len(lines) > MOST_LINES:
        peaks = peaks_of(plan)
        words, note = peaks.words, peaks.note
    else:
        names = dict(zip(times_of(plan), labels(times_of(plan)), strict=True))
        words = {(line.workload, _at(line)): names[_at(line)] for line in lines}
    rows = [_row(line, words[line.workload, _at(line)]) for line in lines if (line.workload, _at(line)) in words]
    titles = ["workload", "where", "when", "req/s", "plan P + D", "plan P:D", "DOPD P + D", "DOPD P:D"]
    titles += ["drain req/s per D", "fill req/s per P", "C", "TPOT at C", "remark"]
    return view(TITLE, titles, rows, text=3, words=["remark"], note=f"{NOTE} {note}".strip())


def _at(line: RatioLine) -> TimeKey:
    return line.period, line.slot, line.outlook


def _row(line: RatioLine, when: str) -> list[str]:
    where = f"{line.pattern} at {line.site}" if line.pattern else f"{line.site}, {line.kv_format}"
    plan = [f"{count(line.plan_prefill)} + {count(line.plan_decode)}", _ratio(line.plan_prefill_per_decode)]
    said = [line.workload, where, when, number(line.planned_rps), *plan]
    if line.formula_prefill is None or line.drain_rps is None or line.fill_rps is None:
        return [*said, "-", "-", "-", "-", "-", "-", f"does not apply: {line.why_not}"]
    asked = [f"{line.formula_prefill} + {line.formula_decode}", _ratio(line.prefill_per_decode)]
    pace = [number(line.drain_rps), number(line.fill_rps), f"{line.held_requests}", time(line.tpot_s)]
    return [*said, *asked, *pace, f"C bound by {HELD_BY[line.held_by or 'kv_memory']}"]


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} : 1"


def ratio_files(plan: Plan, scenario: Scenario, *, parquet: bool) -> Iterator[tuple[str, str | bytes]]:
    """ratios.json and ratios.csv, as Parquet too if asked for, at every time; none where nothing is served split."""
    found = load_ratios(plan, scenario)
    if not found.lines:
        return
    yield "ratios.json", found.model_dump_json(indent=2) + "\n"
    yield "ratios.csv", ratios_csv(found)
    if parquet:
        from fleetopt.report.parquet import parquet_of

        lines = [line.model_dump() for line in found.lines]
        yield "ratios.parquet", parquet_of(RatioLine, RatioLine.model_fields, lines)


def ratios_csv(found: LoadRatios) -> str:
    """A row for each line, with the fields of ratios.json as columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(RatioLine.model_fields), lineterminator="\n")
    writer.writeheader()
    for line in found.lines:
        writer.writerow({name: inert(value) for name, value in line.model_dump().items()})
    return out.getvalue()
