"""What a scenario asks and has, before it is solved."""

from __future__ import annotations

from collections.abc import Callable

from fleetopt.capacity.domain import CapacityTable
from fleetopt.report.view import View, number, time, usd, view
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.idle import idle
from fleetopt.scenario.work import even_rps
from fleetopt.units import Latency


def scenario_views(scenario: Scenario, capacities: CapacityTable) -> list[View]:
    """Workloads with the configs that can serve them, and the supply."""
    rows = [
        [
            *(
                w.name,
                w.model,
                _peak(scenario, w),
                f"{w.input_tokens:g} / {w.output_tokens:g}",
                _slo(w.ttft, *w.further_ttft),
                _slo(w.tpot, *w.further_tpot) + "".join(f"; {_slo(one)} end to end" for one in w.e2e),
            ),
            *(str(len(capacities.rows_of(w.name))), str(len(capacities.rejections_of(w.name)))),
        ]
        for w in scenario.workloads
    ]
    titles = ["workload", "model", "peak req/s", "tokens in / out", "TTFT", "TPOT", "configs", "ruled out"]
    supply = [
        [
            *(line.name, line.offer.node_type, line.site, line.offer.kind, usd(line.offer.usd_per_node_h)),
            *(_or_none(usd, line.offer.upfront_usd_per_node), _or_none(str, line.offer.term_months)),
            *(
                _or_none(str, line.offer.lead_time_months),
                "no limit" if line.max_nodes is None else f"{line.max_nodes:,}",
            ),
            line.offer.price_date or "-",
        ]
        for line in scenario.supply.lines
    ]
    supply += [
        [stock.name, stock.node_type, stock.site, "owned", usd(stock.usd_per_node_h), *"---", f"{stock.nodes:,}", "-"]
        for stock in scenario.supply.stock
    ]
    quotas = [
        [q.name, q.gpu_type, q.site or "each", q.period or "each", f"{q.max_gpus:,}"] for q in scenario.supply.quotas
    ]
    budgets = [[b.name, b.spending, b.period or "all", usd(b.max_usd)] for b in scenario.supply.budgets]
    names = ["supply", "node type", "site", "kind", "USD/node/h"]
    names += ["upfront USD/node", "term months", "lead months", "nodes", "price of"]
    return [
        view("Workloads", titles, rows, text=2),
        view("Supply", names, supply, text=4),
        view("Quotas", ["quota", "GPU type", "site", "period", "GPUs"], quotas, text=4),
        view("Budgets", ["budget", "spending", "period", "USD"], budgets, text=3),
    ]


def _or_none(say: Callable[[int | float], str], amount: float | None) -> str:
    return say(amount) if amount else "-"


def summary(scenario: Scenario, capacities: CapacityTable) -> dict[str, object]:
    """The same for programs."""
    return {
        "scenario": scenario.name,
        "periods": [period.name for period in scenario.calendar.periods],
        "slots": [slot.name for slot in scenario.calendar.slots],
        "outlooks": [outlook.name for outlook in scenario.calendar.outlooks],
        "workloads": [
            {
                "workload": w.name,
                "model": w.model,
                "peak_rps": peak_rps(scenario, w),
                "batch": w.batch is not None,
                "configs": len(capacities.rows_of(w.name)),
                "ruled_out": len(capacities.rejections_of(w.name)),
            }
            for w in scenario.workloads
        ],
        "supply": [line.name for line in scenario.supply.lines] + [stock.name for stock in scenario.supply.stock],
        "notes": idle(scenario),
    }


def peak_rps(scenario: Scenario, workload: Workload) -> float:
    """The largest demand in requests/s; of batch work, its rate if it is spread evenly over the hours it has."""
    batch = workload.batch
    return max(workload.demand_rps.values()) if batch is None else even_rps(batch, scenario.calendar)


def _peak(scenario: Scenario, workload: Workload) -> str:
    return number(peak_rps(scenario, workload)) + ("" if workload.batch is None else " (batch, even)")


def _slo(*latencies: Latency | None) -> str:
    return ", ".join("-" if one is None else f"{time(one.limit_s)} {one.at}" for one in latencies)
