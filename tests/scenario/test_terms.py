"""Terms of offers, budgets, facilities and money: read as written, and every mistake named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import Issue
from fleetopt.scenario.load import load
from fleetopt.scenario.supply_domain import Budget, Carbon, Facility, Sale, Terms

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]
OFFER = "    h200: {offer: nebius-8xh200-on-demand-eu-north1}\n"
BUY = (
    "    buy: {node_type: 8xH200, kind: purchase, price: 1 USD/node/h, upfront: 300 k USD, term_months: 48,"
    " lead_time_months: 3, TERMS}\n"
)


def test_everything_is_read_as_written(folder: Folder) -> None:
    """Proves the way from the file to values, volume prices as offers of their own with a smallest order."""
    terms = "terms: {last: 2027-Q1, max_order: 9, price_changes: {2027-Q2: -10 %}, availability: 97 %}"
    volume = BUY.replace("TERMS", "terms: {volume: [{nodes: 16, price: -5 %}]}").replace("buy:", "bulk:")
    limits = (
        "  budgets: {b: {spending: capex, period: 2027-Q2, max: 2 M USD}}\n"
        "  facilities: {main: {power: 200 kW, pue: 1.3, load: 70 %, electricity: 0.1 USD/kWh, carbon: 300 g/kWh}}\n"
        "  carbon: {price: 80 USD/t, max: 2 kt}\n"
        "  owned: {old: {node_type: 8xH200, nodes: 2, last: 2027-Q1, committed: true}}\n"
        "money: {discount_rate: 8 %}\n"
    )
    scenario = load(folder(OFFER, OFFER + BUY.replace("TERMS", terms) + volume + limits))
    lines = {line.name: line for line in scenario.supply.lines}
    assert lines["buy"].terms == Terms(
        last="2027-Q1", max_order=9, price_factors=(("2027-Q2", 0.9),), availability=0.97
    )
    assert (lines["bulk"].terms, lines["bulk from 16"].terms) == (Terms(), Terms(min_order=16))
    assert lines["bulk from 16"].offer.upfront_usd_per_node == pytest.approx(285_000)
    assert scenario.supply.budgets == (Budget("b", "capex", "2027-Q2", 2e6),)
    assert scenario.supply.facilities == (Facility("main", 2e5, None, 1.3, 0.7, 0.1, 300.0),)
    assert scenario.supply.carbon == Carbon(80.0, 2000.0)
    assert (scenario.supply.stock[0].last, scenario.supply.stock[0].committed) == ("2027-Q1", True)
    assert scenario.discount_rate == 0.08


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ("{first: 2027-Q9}", "terms.first", "2027-Q9"),
        ("{price_changes: {2028-Q1: 5 %}}", "terms.price_changes.2028-Q1", "no period"),
        ("{price_changes: {2027-Q1: -100 %}}", "terms.price_changes.2027-Q1", "no price"),
        ("{first: 2027-Q2, last: 2027-Q1}", "terms.last", "before"),
        ("{min_order: 5, max_order: 4}", "terms.min_order", "above max_order"),
        ("{min_order: 0}", "terms.min_order", "1"),
        ("{availability: 0 %}", "terms.availability", "no node"),
        ("{availability: 101 %}", "terms.availability.fraction", "more than 100 %"),
        ("{availability: {mtbf: 2000 h}}", "terms.availability", "states mtbf"),
        ("{availability: {}}", "terms.availability", "states nothing"),
        ("{availability: {mtbf: 2000 h, recovery: 1 h}}", "terms.availability", "states mtbf, recovery"),
        ("{availability: {mtbf: 0 h, repair: 0 h}}", "terms.availability", "no node"),
        ("{availability: {mtbf: 2000, repair: 1 h}}", "terms.availability.mtbf", "no unit"),
        ("{availability: {mtbf: 900 k d, repair: 1 h}}", "terms.availability.mtbf", "unit"),
        ("{availability: {mtbf: 99999999 d, repair: 1 h}}", "terms.availability.mtbf", "hundred years"),
        ("{availability: {interruptions: 2 /node/h, recovery: 30 min}}", "terms.availability", "no node"),
        ("{availability: {interruptions: 2 /h, recovery: 30 min}}", "terms.availability.interruptions", "'/h'"),
        ("{availability: {interruptions: -1 /node/h, recovery: 1 h}}", "terms.availability.interruptions", "negative"),
        ("{volume: [{nodes: 8, price: -5 %}], max_order: 4}", "terms.volume.0.nodes", "max_order is 4"),
        ("{weight: 5}", "terms.weight", "unknown"),
    ],
)
def test_a_wrong_term_is_one_error(folder: Folder, issues: Find, terms: str, field: str, words: str) -> None:
    """Proves that whoever writes one of these reads which field it was, and why."""
    [issue] = issues(folder(OFFER, BUY.replace("TERMS", f"terms: {terms}")))
    assert issue.where.endswith(f"supply.offers.buy.{field}")
    assert words in f"{issue.what} {issue.fix}"


def test_lots_of_an_offer_share_its_limits(folder: Folder) -> None:
    """Proves that limits stand with the first lot, to which the others point, and that no lot undercuts min_order."""
    volume = "[{nodes: 2, price: -1 %}, {nodes: 16, price: -5 %}]"
    terms = f"max_nodes: 40, terms: {{min_order: 4, max_order: 20, volume: {volume}}}"
    lines = {line.name: line for line in load(folder(OFFER, BUY.replace("TERMS", terms))).supply.lines}
    assert (lines["buy"].max_nodes, lines["buy"].lot_of, lines["buy"].terms.max_order) == (40, None, 20)
    assert [(name, line.lot_of, line.terms) for name, line in lines.items()][1:] == [
        ("buy from 2", "buy", Terms(min_order=4)),
        ("buy from 16", "buy", Terms(min_order=16)),
    ]


@pytest.mark.parametrize(
    ("written", "fraction", "formula"),
    [
        ("{mtbf: 1999 h, repair: 1 h}", 0.9995, "1999 h / (1999 h + 1 h)"),
        ("{interruptions: 0.05 /node/h, recovery: 30 min}", 0.975, "1 - 0.05 /node/h x 0.5 h"),
        ("{interruptions: 1.2 /node/day, recovery: 1 h}", 0.95, "1 - 0.05 /node/h x 1 h"),
        ("95 %", 0.95, ""),
    ],
)
def test_availability_follows_from_evidence(folder: Folder, written: str, fraction: float, formula: str) -> None:
    """Proves both formulas, of offers and owned nodes alike: 1999 of 2000 h; a twentieth of an interruption an hour."""
    offer = OFFER.replace("}", f", terms: {{availability: {written}}}}}")
    owned = f"  owned: {{old: {{node_type: 8xH200, nodes: 2, availability: {written}}}}}\n"
    supply = load(folder(OFFER, offer + owned)).supply
    terms, stock = supply.lines[0].terms, supply.stock[0]
    assert [terms.availability, stock.availability] == pytest.approx([fraction, fraction])
    assert terms.availability_from == stock.availability_from == formula


def test_rented_nodes_have_no_orders(folder: Folder, issues: Find) -> None:
    """Proves that a limit which would do nothing is refused."""
    [issue] = issues(folder(OFFER, OFFER.replace("}", ", terms: {max_delivery: 4}}")))
    assert "limits orders, which on_demand nodes do not have" in issue.what


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("  budgets: {b: {period: 2027-Q7, max: 1 USD}}", "supply.budgets.b.period", "2027-Q7"),
        ("  budgets: {b: {max: 5 EUR}}", "supply.budgets.b.max", "EUR"),
        ("  facilities: {moon: {power: 1 kW}}", "supply.facilities.moon", "no site"),
        ("  facilities: {main: {power: 1 kVA}}", "supply.facilities.main.power", "kVA"),
        (
            "  facilities: {main: {rack_units: 42}}",
            "supply.facilities.main.rack_units",
            "nobody states those of",
        ),
        ("  facilities: {main: {nodes_per_rack: 0}}", "supply.facilities.main.nodes_per_rack", "1"),
        ("  facilities: {main: {nodes_per_rack: 201}}", "supply.facilities.main.nodes_per_rack", "200"),
        ("  facilities: {main: {pue: 0.9}}", "supply.facilities.main.pue", ""),
        ("  carbon: {price: 80 EUR/t}", "supply.carbon.price", "EUR"),
        ("  owned: {o: {node_type: 8xH200, nodes: 1, last: 2026-Q4}}", "supply.owned.o.last", "2026-Q4"),
        ("money: {discount_rate: 8}", "money.discount_rate", "800 %"),
    ],
)
def test_a_wrong_limit_is_one_error(folder: Folder, issues: Find, written: str, where: str, words: str) -> None:
    """Proves the same for what limits the supply."""
    [issue] = issues(folder(OFFER, f"{OFFER}{written}\n"))
    assert issue.where.endswith(where)
    assert words in f"{issue.what} {issue.fix}"


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("sites: [moon]", "sites.0", "no site"),
        ("spares: {decoder: 1}", "spares.decoder", ""),
        ("roles: [aggregated]\n    spares: {decode: 1}", "spares.decode", "no role"),
        ("least_replicas: {prefill: 0}", "least_replicas.prefill", "1"),
        ("pooled: true\n    spares: {prefill: 1}", "spares", "pooled or shared"),
        ("shortfall: {allowed: 5 %}\n    spares: {prefill: 1}", "spares", "need not be met"),
        ("survive: {moon: 1}", "survive.moon", ""),
        ("survive: {site: 120 %}", "survive.site", "more than 100 %"),
        ("survive: {rack: 50 %}", "survive.rack", "nodes_per_rack"),
        ("pooled: true\n    survive: {node: 50 %}", "survive.node", "pools of sizes"),
        ("shortfall: {allowed: 5 %}\n    survive: {node: 96 %}", "survive.node", "at most 95 %"),
        ("headroom: 20 %\n    shortfall: {allowed: 20 %}\n    survive: {node: 97 %}", "survive.node", "at most 96 %"),
        ("survive: {site: 50 %}", "survive.site", "no other site"),
    ],
)
def test_a_wrong_promise_is_one_error(folder: Folder, issues: Find, written: str, where: str, words: str) -> None:
    """Proves the same for residency, least replicas, spares and losses."""
    [issue] = issues(folder("    slo:", f"    {written}\n    slo:"))
    assert f"workloads.chat.{where}" in issue.where
    assert words in f"{issue.what} {issue.fix}"


def test_upkeep_is_read_as_written(folder: Folder) -> None:
    """Proves support as money or as a share of the stated upfront price, the same for every lot, and room in euros."""
    lots = "support: 5 %/year, terms: {volume: [{nodes: 16, price: -5 %}]}"
    more = (
        "  owned: {old: {node_type: 8xH200, nodes: 2, support: 1000 USD/GPU/year}}\n"
        "  facilities: {main: {colocation: {power: 100 EUR/kW/month}}}\nmoney: {rates: {EUR: 1.1 USD}}\n"
    )
    supply = load(folder(OFFER, BUY.replace("TERMS", lots) + more)).supply
    assert [line.offer.support_usd_per_node_year for line in supply.lines] == [15_000.0, 15_000.0]
    assert supply.stock[0].support_usd_per_node_year == 8000.0
    assert supply.facilities[0].colocation_usd_per_kw_month == pytest.approx(110.0)


SLIP = "outlooks: {low: 25 %, high: {probability: 75 %, delivery_slip: WRITTEN}}"


def slipping(folder: Folder, written: str) -> Path:
    """The seed with owned purchases and rent, and a slip in its second outlook."""
    path = folder(OFFER, OFFER + BUY.replace("TERMS", "max_nodes: 9"))
    text = (path / "scenario.yaml").read_text(encoding="utf-8")
    told = SLIP.replace("WRITTEN", written)
    (path / "scenario.yaml").write_text(text.replace("outlooks: {low: 25 %, high: 75 %}", told), encoding="utf-8")
    return path


@pytest.mark.parametrize("written", ["1 period", "2 months", "{buy: 3 months}", "{'*': 1 periods}"])
def test_late_deliveries_are_read_in_whole_periods(folder: Folder, written: str) -> None:
    """Proves that a slip reaches the offers that are ordered, in quarters rounded up, and no rented one."""
    lines = {line.name: line.terms.slips for line in load(slipping(folder, written)).supply.lines}
    assert lines == {"h200": (), "buy": (("high", 1),)}


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        (OFFER.replace("}", ", support: 1 USD/node/year}"), "offers.h200.support", "on_demand nodes have it in"),
        (
            BUY.replace("upfront: 300 k USD", "upfront: 0 USD").replace("TERMS", "support: 5 %"),
            "offers.buy.support",
            "there is not",
        ),
        (BUY.replace("TERMS", "support: 5 USD"), "offers.buy.support", "9 k USD/node/year"),
        (BUY.replace("TERMS", "support: 500 %"), "offers.buy.support", "100 %"),
        (BUY.replace("TERMS", "support: 5 EUR/node/year"), "offers.buy.support", "money.rates"),
        (
            OFFER + "  owned: {o: {node_type: 8xH200, nodes: 1, support: 5 %}}\n",
            "owned.o.support",
            "there is not",
        ),
        (
            OFFER + "  owned: {o: {node_type: 8xH200, nodes: 1, committed: true, support: 5 USD/node/year}}\n",
            "owned.o.support",
            "committed nodes have it in",
        ),
        (
            OFFER + "  facilities: {main: {colocation: {power: 5 USD/U/month}}}\n",
            "facilities.main.colocation.power",
            "per U",
        ),
        (
            BUY.replace("TERMS", "") + "  facilities: {main: {colocation: {rack_units: 5 USD/U/month}}}\n",
            "facilities.main.colocation.rack_units",
            "counts rack units",
        ),
    ],
)
def test_wrong_upkeep_is_one_error(folder: Folder, issues: Find, written: str, where: str, words: str) -> None:
    """Proves that each mistake is one error that names the field."""
    [issue] = issues(folder(OFFER, written))
    assert where in issue.where
    assert words in f"{issue.what} {issue.fix}"


OWNED = "  owned: {old: {node_type: 8xH200, nodes: 2, MORE}}\n"


def test_a_sale_is_read_as_written(folder: Folder) -> None:
    """Proves price, window, changes and value at the end, per GPU and in euros."""
    sale = "{price: 10 k USD/GPU, first: 2027-Q2, price_changes: {2027-Q2: -10 %}, value_at_end: 50 k EUR}"
    more = OWNED.replace("MORE", f"sale: {sale}") + "money: {rates: {EUR: 1.1 USD}}\n"
    [stock] = load(folder(OFFER, OFFER + more)).supply.stock
    assert stock.sale is not None
    assert stock.sale == Sale(80_000.0, "2027-Q2", None, (("2027-Q2", 0.9),), stock.sale.end_usd_per_node)
    assert stock.sale.end_usd_per_node == pytest.approx(55_000.0)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("sale: {price: -1 USD}", "price", "negative"),
        ("sale: {price: 5 USD/node/h}", "price", "310 k USD"),
        ("sale: {price: 5 EUR}", "price", "money.rates"),
        ("sale: {price: 5 USD, first: 2028-Q2}", "first", "no period"),
        ("sale: {price: 5 USD, first: 2027-Q2, last: 2027-Q1}", "last", "before"),
        ("sale: {price: 5 USD, price_changes: {2029-Q1: 1 %}}", "price_changes.2029-Q1", "no period"),
        ("last: 2027-Q1, sale: {price: 5 USD, first: 2027-Q2}", "first", "when they leave"),
        ("last: 2027-Q1, sale: {price: 5 USD, value_at_end: 1 USD}", "value_at_end", "leave with"),
    ],
)
def test_a_wrong_sale_is_one_error(folder: Folder, issues: Find, more: str, field: str, words: str) -> None:
    """Proves that each mistake is one error that names the field."""
    [issue] = issues(folder(OFFER, OFFER + OWNED.replace("MORE", more)))
    assert issue.where.endswith(f"supply.owned.old.sale.{field}")
    assert words in f"{issue.what} {issue.fix}"


def test_what_is_somebody_elses_is_not_sold(folder: Folder, issues: Find) -> None:
    """Proves that committed nodes, which a provider hosts, have no sale."""
    [issue] = issues(folder(OFFER, OFFER + OWNED.replace("MORE", "committed: true, sale: {price: 5 USD}")))
    assert "are their provider's" in issue.what


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("{bay: 1 period}", "delivery_slip.bay", "buy"),
        ("{h200: 1 period}", "delivery_slip.h200", "no deliveries"),
        ("1 quarter", "delivery_slip.*", "1 period"),
        ("1", "delivery_slip.*", "1 period"),
        ("-1 periods", "delivery_slip.*", "1 period"),
        ("1.5 periods", "delivery_slip.*", "whole periods"),
        ("[1 period]", "delivery_slip.*", "1 period"),
    ],
)
def test_a_wrong_slip_is_one_error(folder: Folder, issues: Find, written: str, where: str, words: str) -> None:
    """Proves the same for late deliveries."""
    [issue] = issues(slipping(folder, written))
    assert f"calendar.outlooks.high.{where}" in issue.where
    assert words in f"{issue.what} {issue.fix}"
