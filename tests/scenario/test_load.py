from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from fleetopt.errors import InputError, Issue
from fleetopt.scenario.load import load

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]


def test_a_folder_a_file_and_a_shipped_name_are_scenarios(folder: Folder) -> None:
    path = folder()
    assert load(path) == load(path / "scenario.yaml")
    assert load("seed-paper").name == "seed-paper"


def test_a_local_folder_hides_a_shipped_scenario(folder: Folder) -> None:
    path = folder(files={"seed-paper/scenario.yaml": (folder() / "scenario.yaml").read_text(encoding="utf-8")})
    assert load("seed-paper").name == "seed"
    assert path.is_dir()


def test_a_calendar_is_built_from_its_start(folder: Folder) -> None:
    calendar = load(folder()).calendar
    assert [(p.name, p.start, p.months, p.days) for p in calendar.periods] == [
        ("2027-Q1", date(2027, 1, 1), 3, 90),
        ("2027-Q2", date(2027, 4, 1), 3, 91),
    ]
    assert [(s.name, s.hours_per_day) for s in calendar.slots] == [("night", 8.0), ("day", 16.0)]
    assert [(o.name, o.probability) for o in calendar.outlooks] == [("low", 0.25), ("high", 0.75)]


@pytest.mark.parametrize(
    ("start", "names", "days"),
    [
        ("2027-Q4", ["2027-Q4", "2028-Q1"], [92, 91]),
        ("2027-12", ["2027-12", "2028-01"], [31, 31]),
        ("2028-02", ["2028-02", "2028-03"], [29, 31]),
        ("'2027'", ["2027", "2028"], [365, 366]),
    ],
)
def test_periods_follow_the_calendar(folder: Folder, start: str, names: list[str], days: list[int]) -> None:
    periods = load(folder("2027-Q1", start)).calendar.periods
    assert ([p.name for p in periods], [p.days for p in periods]) == (names, days)


def test_units_are_turned_into_base_units(folder: Folder) -> None:
    overhead = "slo: {ttft: 2 s at p99, tpot: 20 ms}\n    ttft_overhead: {fixed: 100 ms, kv_transfer_per_token: 5 us}"
    workload = load(folder("slo: {ttft: 2 s, tpot: 20 ms}", overhead)).workloads[0]
    assert workload.ttft is not None
    assert (workload.ttft.limit_s, workload.ttft.percentile) == (2.0, 0.99)
    assert workload.ttft_overhead_s == 0.1
    assert workload.kv_transfer_s_per_token == pytest.approx(5e-6)


def test_an_offer_stands_at_each_of_its_sites(folder: Folder) -> None:
    supply = load(folder("supply:", "supply:\n  sites: [eu, us]")).supply
    assert [(line.name, line.site) for line in supply.lines] == [("h200@eu", "eu"), ("h200@us", "us")]


def test_a_price_per_gpu_is_a_price_per_node(folder: Folder) -> None:
    offer = "nebius-8xh200-on-demand-eu-north1"
    line = load(folder(offer, f"{offer}, price: 3 USD/GPU/h")).supply.lines[0]
    assert line.offer.usd_per_node_h == 24.0
    assert line.offer.provenance.evidence == "assumed"


def test_an_offer_may_be_written_out(folder: Folder) -> None:
    written = "{node_type: 8xH200, kind: reserved, price: 2 USD/GPU/h, upfront: 10 k USD, term_months: 12}"
    offer = load(folder("{offer: nebius-8xh200-on-demand-eu-north1}", written)).supply.lines[0].offer
    assert (offer.usd_per_node_h, offer.upfront_usd_per_node, offer.term_months) == (16.0, 10_000.0, 12)


@pytest.mark.parametrize(
    ("supply", "where", "what"),
    [
        ("  offers: {}\n", "supply", "neither offers nor owned"),
        ("  offers: {a: {kind: spot}}\n", "supply.offers.a", "has no node_type, price"),
        (
            "  offers: {a: {node_type: 8xH200, kind: reserved, price: 2 USD/GPU/h}}\n",
            "supply.offers.a.term_months",
            "is missing",
        ),
        (
            "  offers: {a: {node_type: 8xH200, kind: spot, price: 2 USD/GPU/h, term_months: 12}}\n",
            "supply.offers.a.kind",
            "has a term",
        ),
        ("  owned: {a: {node_type: 8xH20, nodes: 1}}\n", "supply.owned.a.node_type", "'8xH20' is no node type"),
        ("  owned: {a: {node_type: 8xH200, nodes: 1, site: x}}\n", "supply.owned.a.site", "'x' is no site"),
        (
            "  sites: [eu, us]\n  owned: {a: {node_type: 8xH200, nodes: 1}}\n",
            "supply.owned.a",
            "names no site",
        ),
        ("  sites: [eu, eu]\n  owned: {a: {node_type: 8xH200, nodes: 1}}\n", "supply.sites", "names a site twice"),
    ],
)
def test_a_wrong_supply_is_named(folder: Folder, issues: Find, supply: str, where: str, what: str) -> None:
    path = folder()
    text = (path / "scenario.yaml").read_text(encoding="utf-8")
    (path / "scenario.yaml").write_text(text[: text.index("supply:")] + "supply:\n" + supply, encoding="utf-8")
    found = [issue for issue in issues(path) if what in issue.what]
    assert [issue.where.partition(" ")[2] for issue in found] == [where]
    assert found[0].fix


@pytest.mark.parametrize("old", ["name: seed\n", "  start: 2027-Q1\n"])
def test_a_missing_key_is_named(folder: Folder, issues: Find, old: str) -> None:
    (found,) = issues(folder(old, ""))
    assert f"has no '{old.partition(':')[0].strip()}'" in found.what
    assert found.fix


def test_issues_are_in_the_order_of_the_file(folder: Folder) -> None:
    path = folder("name: seed", "name: 5") / "scenario.yaml"
    text = path.read_text(encoding="utf-8").replace("6144", "-1").replace("8 h", "8").replace("20 ms", "20")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load(path)
    lines = [int(issue.where.split(":")[1].split()[0]) for issue in refused.value.issues]
    assert lines == sorted(lines)
    assert len(lines) == 4
