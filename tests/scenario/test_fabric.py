"""Fabrics of sites: read as written, every mistake named once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError, Issue
from fleetopt.scenario.load import load
from fleetopt.scenario.supply_domain import Fabric

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]
OFFERS = "supply:\n"
SLO = "    slo: {ttft: 2 s, tpot: 20 ms}\n"


def wired(fabrics: str) -> str:
    return OFFERS + f"  fabrics: {fabrics}\n"


def test_a_fabric_is_read_as_written(folder: Folder) -> None:
    """Bytes a second for hops, Gbit/s for the total; what a workload hides of its transfer stays with it."""
    overlap = SLO + "    ttft_overhead: {fixed: 20 ms, kv_overlap: 25 %}\n"
    text = "{main: {inside: 900 GB/s, between: 400 Gbit/s, fill: 80 %, total: 1600 Gbit/s}}"
    path = folder(OFFERS, wired(text))
    (path / "scenario.yaml").write_text((path / "scenario.yaml").read_text().replace(SLO, overlap))
    scenario = load(path)
    assert scenario.supply.fabrics == (Fabric("main", 9e11, 5e10, 0.8, 1600.0),)
    assert (scenario.workloads[0].kv_seen, scenario.workloads[0].kv_transfer_s_per_token) == (0.75, 0.0)


def test_layerwise_transfer_leaves_one_of_the_layers(folder: Folder) -> None:
    """DeepSeek-V3.1 has 61 layers."""
    path = folder(OFFERS, wired("{main: {between: 400 Gbit/s}}"))
    text = (path / "scenario.yaml").read_text()
    (path / "scenario.yaml").write_text(text.replace(SLO, SLO + "    ttft_overhead: {kv_overlap: layerwise}\n"))
    assert load(path).workloads[0].kv_seen == pytest.approx(1 / 61)


WRONG = [
    ("{elsewhere: {between: 400 Gbit/s}, main: {between: 1 Gbit/s}}", "supply.fabrics.elsewhere", "is no site here"),
    ("{main: {fill: 50 %}}", "supply.fabrics.main", "has no speed"),
    ("{main: {inside: 900 GB/s, total: 1 Gbit/s}}", "supply.fabrics.main.total", "of which there is none"),
    ("{main: {between: 1 Gbit/s, fill: 0 %}}", "supply.fabrics.main.fill", "leaves nothing"),
    ("{main: {between: 0 Gbit/s}}", "supply.fabrics.main.between", "not more than zero"),
    ("{main: {between: 1 Gbit/s, fill: 1e-300}}", "supply.fabrics.main.fill", "leaves nothing"),
    ("{main: {inside: 1e-300 GB/s}}", "supply.fabrics.main.inside", "past all sense for a link"),
    ("{main: {between: 0.9 Mbit/s}}", "supply.fabrics.main.between", "1 Mbit/s to 1,000,000 GB/s"),
    ("{main: {between: 1000001 GB/s}}", "supply.fabrics.main.between", "Check the unit"),
    ("{main: {between: 25 Gbit/s, total: 1e-9 Gbit/s}}", "supply.fabrics.main.total", "past all sense for a link"),
    ("{main: {between: .inf}}", "supply.fabrics.main.between", "400 Gbit/s"),
    ("{main: {between: .nan GB/s}}", "supply.fabrics.main.between", ""),
    ("{main: {between: 400}}", "supply.fabrics.main.between", "400 Gbit/s"),
    ("{main: {between: 400 Gbit/s, latency: 1 us}}", "supply.fabrics.main.latency", ""),
    ("{main: 400 Gbit/s}", "supply.fabrics.main", ""),
    ("{mian: {between: 400 Gbit/s}}", "supply.fabrics.mian", "Did you mean 'main'?"),
    ("{main: {between: 1 Gbit/s, fill: 120 %}}", "supply.fabrics.main.fill", "100 %"),
]


@pytest.mark.parametrize(("text", "where", "what"), WRONG, ids=[case[0] for case in WRONG])
def test_a_mistake_is_named_once_where_it_stands(
    text: str, where: str, what: str, folder: Folder, issues: Find
) -> None:
    """One issue with its place and words that say what is wrong."""
    (found,) = issues(folder(OFFERS, wired(text)))
    assert where in str(found)
    assert what in str(found)


def test_a_fabric_for_some_sites_only_is_refused(folder: Folder, issues: Find) -> None:
    """At the others KV caches would travel in no time, in silence."""
    (found,) = issues(folder(OFFERS, "supply:\n  sites: [main, west]\n  fabrics: {main: {between: 400 Gbit/s}}\n"))
    assert "says nothing of west" in found.what


@pytest.mark.parametrize("given_by_hand", ["kv_transfer_per_token: 10 us", "kv_link: 400 Gbit/s"])
def test_a_transfer_by_hand_beside_a_fabric_is_refused(given_by_hand: str, folder: Folder, issues: Find) -> None:
    """There would be two answers, and one of them would win in silence."""
    path = folder(OFFERS, wired("{main: {between: 400 Gbit/s}}"))
    text = (path / "scenario.yaml").read_text()
    (path / "scenario.yaml").write_text(text.replace(SLO, f"{SLO}    ttft_overhead: {{{given_by_hand}}}\n"))
    (found,) = issues(path)
    assert "beside supply.fabrics" in found.what


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["inside", "between", "fill", "total", "x"]), st.text(max_size=12), max_size=4
    )
)
def test_whatever_is_written_is_read_or_refused(fields: dict[str, str], folder: Folder) -> None:
    """Text in any field: a fabric, or an InputError, and nothing else."""
    written = ", ".join(f"{key}: {value!r}" for key, value in fields.items())
    path = folder(OFFERS, wired(f"{{main: {{{written}}}}}"))
    with suppress(InputError):
        (fabric,) = load(path).supply.fabrics
        assert (fabric.site, 0.0 < fabric.fill <= 1.0) == ("main", True)
