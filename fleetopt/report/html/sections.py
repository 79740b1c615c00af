"""The sections of report.html, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleetopt.plan.domain import Plan
from fleetopt.report import cost_views as costs
from fleetopt.report import plan_views as views
from fleetopt.report.change_views import schedule_view
from fleetopt.report.class_views import order_sentences
from fleetopt.report.html import charts
from fleetopt.report.html.blocks import Block, Heat, Pictures, Section, Sentences, Table
from fleetopt.report.loss_view import loss_view
from fleetopt.report.money import KIND_WORDS, KINDS, periods_of, spend, table, top
from fleetopt.report.network_views import pattern_view, traffic_view
from fleetopt.report.purchase_orders import NodeSale, PurchaseOrder, node_sales
from fleetopt.report.ratio_views import ratio_view
from fleetopt.report.risks import bands, outlook_costs
from fleetopt.report.study_views import baseline_view
from fleetopt.report.token_prices import TokenCost, summed, token_costs
from fleetopt.report.utilization import busy_by_hour, busy_rows, gpus_by
from fleetopt.report.view import View, number, usd, view
from fleetopt.report.words import kind_name, summary
from fleetopt.report.work_views import work_view
from fleetopt.scenario.domain import Scenario
from fleetopt.study.baselines import Baseline
from fleetopt.study.lifetimes import LifeCost, life_costs


def sections(
    plan: Plan, scenario: Scenario, orders: Sequence[PurchaseOrder], baselines: Sequence[Baseline]
) -> list[Section]:
    """All sections that have something to say."""
    found = [
        Section("summary", "Summary", "", (Sentences(tuple(summary(plan, orders))),)),
        _orders(orders, node_sales(plan, scenario), life_costs(scenario)),
        _fleet(plan, scenario),
        _spend(plan),
        _tokens(plan, scenario),
        _busy(plan, scenario),
        _promises(plan, scenario),
        _risks(plan, scenario),
        _baselines(plan, baselines),
        _proof(plan),
        _assumptions(plan, scenario),
    ]
    return [section for section in found if section.blocks]


def _orders(orders: Sequence[PurchaseOrder], sales: Sequence[NodeSale], lives: Sequence[LifeCost]) -> Section:
    title = "What to order and sell when" if sales else "What to order when"
    prices = (Table("life-table", costs.life_view(lives), folded=True),) if lives else ()
    if not orders and not sales:
        none = "Nothing: everything is rented by the hour or owned already."
        return Section("orders", title, "", (Sentences((none,)), *prices))
    found = Table("order-table", costs.purchase_order_view(orders, sales), cards=True)
    return Section("orders", title, "", (found, *prices))


def _fleet(plan: Plan, scenario: Scenario) -> Section:
    periods = periods_of(plan)
    types = gpus_by(plan, scenario, lambda line: line.gpu_type)
    kinds = gpus_by(plan, scenario, lambda line: kind_name(line.kind))
    if not types:
        return Section("fleet", "Fleet", "")
    pictures = [
        charts.stacked("types", "GPUs by type", periods, top(types, charts.MOST_SERIES), "GPUs"),
        charts.stacked("kinds", "GPUs by kind of supply", periods, top(kinds, charts.MOST_SERIES), "GPUs"),
    ]
    lead = "GPUs in service, the mean over the hours of the day, expected over outlooks."
    tables = (
        Table("gpu-table", _gpu_view("GPUs by type and supply", periods, types, kinds)),
        Table("fleet-table", views.fleet_view(plan), folded=True),
        Table("replica-table", views.placement_view(plan), folded=True),
        Table("pattern-table", pattern_view(plan), folded=True),
        Table("schedule-table", schedule_view(plan), folded=True),
        Table("role-table", views.role_view(plan), folded=True),
        Table("ratio-table", ratio_view(plan, scenario), folded=True),
    )
    return Section("fleet", "Fleet", lead, (*_worth_seeing(periods, pictures), *(t for t in tables if t.view.rows)))


def _gpu_view(title: str, periods: list[str], *parts: dict[str, list[float]]) -> View:
    names = ("GPU type", "supply")
    rows = [
        [of, name, *(number(v) for v in values)]
        for of, part in zip(names, parts, strict=True)
        for name, values in part.items()
    ]
    return view(title, ["by", "", *periods], rows, text=2)


def _spend(plan: Plan) -> Section:
    periods, entries = periods_of(plan), spend(plan)
    lines = table(entries, lambda entry: entry.title, lambda entry: entry.period, periods)
    kinds = table(entries, lambda entry: entry.kind, lambda entry: entry.period, periods)
    paid = {KIND_WORDS[kind]: kinds[kind] for kind in KINDS if kind in kinds and kind != "unpaid"}
    pictures = [
        charts.stacked("lines", "Spend by line", periods, top(lines, charts.MOST_SERIES), "USD"),
        charts.stacked("capex", "Cash: capex and opex", periods, paid, "USD"),
    ]
    by_item = Table("cost-table", views.cost_view(plan), folded=True)
    tables = (Table("kind-table", costs.kind_view(plan)), Table("spend-table", costs.spend_view(plan)), by_item)
    lead = "What the plan's cost lines come to, in dollars of their day, expected over outlooks."
    return Section("spend", "Spend", lead, (*_worth_seeing(periods, pictures), *tables))


def _worth_seeing(periods: Sequence[str], pictures: Iterable[charts.Chart]) -> list[Pictures]:
    """Charts, without those that would show a single bar of a single colour."""
    found = tuple(chart for chart in pictures if len(chart.legend) > 1 or (chart.legend and len(periods) > 1))
    return [Pictures(found)] if found else []


def _tokens(plan: Plan, scenario: Scenario) -> Section:
    found, periods = token_costs(plan, scenario), periods_of(plan)
    models = {workload.name: workload.model for workload in scenario.workloads}
    by_model = summed(found, lambda workload, _: (models.get(workload, workload),))
    by_workload = summed(found, lambda workload, _: (workload,))
    blocks: list[Block] = []
    if len(periods) > 1:
        by_both = summed(found, lambda workload, period: (models.get(workload, workload), period))
        blocks.append(_price_chart(by_model, by_both, periods))
    blocks += [
        Table("model-table", costs.token_view("By model", "model", _named(by_model))),
        Table("workload-table", costs.token_view("By workload", "workload", _named(by_workload))),
    ]
    lead = (
        "The fleet's cost at present value by GPUs set aside, accrued over the hours they serve. Where prefill and "
        "decode run apart, prefill GPUs are what input tokens cost and decode GPUs what output tokens cost, each over "
        "the tokens of requests that are served split. A replica that does both has one cost for both; it is in the "
        "mean alone."
    )
    return Section("tokens", "Cost of a million tokens", lead, tuple(blocks))


def _price_chart(
    by_model: dict[tuple[str, ...], TokenCost], by_both: dict[tuple[str, ...], TokenCost], periods: list[str]
) -> Pictures:
    ranked = sorted((name for name, cost in by_model.items() if cost.mean_price), key=lambda n: -by_model[n].usd)
    rows = {name[0]: [by_both[*name, period].mean_price for period in periods] for name in ranked[: charts.MOST_SERIES]}
    title = "Mean cost by model" + (", the largest" if len(ranked) > len(rows) else "")
    return Pictures((charts.lines("prices", title, periods, rows, "USD per million tokens"),))


def _named(costs_by: dict[tuple[str, ...], TokenCost]) -> Iterable[tuple[str, TokenCost]]:
    return ((name[0], cost) for name, cost in costs_by.items())


def _busy(plan: Plan, scenario: Scenario) -> Section:
    heat = Heat("busy-table", tuple(periods_of(plan)), tuple(busy_rows(plan, scenario)))
    lead = "Share of the GPUs in service that carry load, by part of the day, expected over outlooks."
    if not heat.rows:
        return Section("utilization", "Utilization", "")
    edges, shares = busy_by_hour(plan, scenario)
    if len(edges) < 3:
        return Section("utilization", "Utilization", lead, (heat,))
    # In the order of the fleet's chart, so that a type has one colour on the page.
    ordered = top(gpus_by(plan, scenario, lambda line: line.gpu_type), charts.MOST_SERIES)
    most = {name: shares[name] for name in ordered if name in shares}
    title = "Over the day, all periods together" + (", the largest" if len(shares) > len(most) else "")
    chart = charts.over_the_day("hours", title, edges, most)
    lead += " Parts of the day stand end to end in the scenario's order, which says how long each is."
    return Section("utilization", "Utilization", lead, (Pictures((chart,)), heat))


def _promises(plan: Plan, scenario: Scenario) -> Section:
    margins = costs.margin_view(plan)
    blocks = [Table("margin-table", margins), Table("asked-table", views.workload_view(plan), folded=True)]
    blocks.append(Table("loss-table", loss_view(plan, scenario)))
    blocks += [Table("work-table", work_view(plan)), Table("traffic-table", traffic_view(plan), folded=True)]
    short = (*views.shortfall_sentences(plan), *order_sentences(plan))
    if short:
        blocks.append(Table("short-table", view("Falls short", ["what"], [[one] for one in short])))
    binding = views.binding_view(plan)
    if binding.rows:
        blocks.append(Table("binding-table", binding, folded=len(binding.rows) > 8))
    lead = "What each workload was promised, and the time at which the plan comes closest to it."
    return Section("promises", "Promises kept, and by how much", lead, tuple(b for b in blocks if b.view.rows))


def _risks(plan: Plan, scenario: Scenario) -> Section:
    found = outlook_costs(plan, scenario)
    if len(found) < 2:
        return Section("risks", "Risks", "")
    periods = periods_of(plan)
    band = bands(found)
    pictures = Pictures((charts.fan("fan", "Cash paid up to the end of each period", periods, band, "USD"),))
    rows = [[name, *(usd(v) for v in values)] for name, values in _band_rows(band).items()]
    tables = (
        Table("outlook-table", costs.outlook_view(found, plan)),
        Table("fan-table", view("Cash paid up to the end of each period, USD", ["", *periods], rows)),
    )
    lead = (
        "Orders are placed before anybody knows which outlook comes true; what is rented by the hour follows it. "
        "P10 and P90 are the costs that are not exceeded with 10 % and 90 % probability, as the outlooks are weighted."
    )
    return Section("risks", "Risks", lead, (pictures, *tables))


def _band_rows(band: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    return {name: [values[n] for values in band] for n, name in enumerate(("P10", "P50", "P90"))}


def _baselines(plan: Plan, baselines: Sequence[Baseline]) -> Section:
    if not baselines:
        return Section("baselines", "Baselines", "")
    lead = f"What plainer ways to size the fleet would cost; this plan costs {usd(plan.objective_usd)} USD."
    return Section("baselines", "Baselines", lead, (Table("baseline-table", baseline_view(baselines)),))


def _proof(plan: Plan) -> Section:
    lead = "Separate code computed every promise and every dollar of this plan again."
    return Section("proof", "Verification", lead, (Table("check-table", views.check_view(plan.verdict), most=99),))


def _assumptions(plan: Plan, scenario: Scenario) -> Section:
    blocks: list[Block] = []
    assumed = plan.provenance.assumptions
    if assumed:
        blocks.append(Sentences(assumed, f"{len(assumed)} assumptions" if len(assumed) > 5 else ""))
    blocks += [
        Table("capacity-table", costs.capacity_view(plan)),
        Table("price-table", price_view(plan, scenario)),
        Table("input-table", input_view(plan), most=40),
    ]
    lead = "What the plan rests on: assumptions, evidence behind capacities, prices, and the files it was made from."
    return Section("assumptions", "Assumptions and provenance", lead, tuple(blocks))


def price_view(plan: Plan, scenario: Scenario) -> View:
    """Where the prices of what is in use come from."""
    used = dict.fromkeys([*(line.supply for line in plan.fleet), *(order.supply for order in plan.orders)])
    rows = [
        [
            *(line.name, line.offer.name, line.offer.provider, line.offer.price_date),
            *(line.offer.provenance.evidence, line.offer.provenance.source),
        ]
        for line in scenario.supply.lines
        if line.name in used
    ]
    return view("Prices in use", ["supply", "offer", "provider", "price of", "evidence", "source"], rows, text=6)


def input_view(plan: Plan) -> View:
    """The files behind the plan, and the program that made it."""
    made, solver = plan.provenance, plan.provenance.solver
    rows = [[item.name, f"sha256 {item.sha256}"] for item in made.inputs]
    rows.append(["fleetopt", made.fleetopt_version])
    rows.append([solver.name, f"{solver.version}, {solver.method}, gap asked for {100 * solver.gap_tolerance:g} %"])
    return view("Made from", ["what", "which"], rows, text=2)
