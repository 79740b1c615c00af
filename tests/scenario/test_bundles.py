"""What a scenario says about models that share GPUs: read as written, and every mistake named once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import Issue
from fleetopt.scenario.bundling import Bundling, Spatial, Swapping
from fleetopt.scenario.load import load

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]
SWAPPING = "host_link: 25 GB/s, host_memory: {8xH200: 2 TB}, source: mine"


def test_everything_is_read_as_written(folder: Folder) -> None:
    """Proves the way from the file to values, in bytes and bytes/s."""
    text = f"bundles: {{most_models: 4, interference: 60 %, source: ours, swapping: {{{SWAPPING}}}}}\n"
    swapping = Swapping(8, 25e9, (("8xH200", 2e12),), "mine")
    assert load(folder(new=text)).bundles == Bundling(4, 0.6, 400, "ours", swapping)


def test_nothing_is_shared_unless_it_says_so(folder: Folder) -> None:
    """Proves the defaults: no bundles without the block, steps that take turns with an empty one."""
    assert load(folder()).bundles is None
    assert load(folder(new="bundles: {}\n")).bundles == Bundling(3, 1.0, 400, "")


def test_spatial_sharing_is_read(folder: Folder) -> None:
    """Proves the way of `spatial` into values, and that nothing is slower beside others unless somebody says so."""
    assert load(folder(new="bundles: {spatial: {source: ours}}\n")).bundles == Bundling(
        3, 1.0, 400, "", spatial=Spatial(0.0, "ours")
    )
    found = load(folder(new="bundles: {spatial: {slowdown: 8 %, source: ours}}\n")).bundles
    assert found is not None
    assert found.spatial == Spatial(0.08, "ours")


def test_isolation_is_read(folder: Folder) -> None:
    """Proves that a workload can be kept apart."""
    scenario = load(folder("    output_tokens: 512\n", "    output_tokens: 512\n    isolation: true\n"))
    assert [workload.isolation for workload in scenario.workloads] == [True]


@pytest.mark.parametrize(
    ("block", "field", "words"),
    [
        ("{most_models: 0}", "bundles.most_models", "1"),
        ("{most_models: 33}", "bundles.most_models", "32"),
        ("{most_models: 2.5}", "bundles.most_models", "whole number"),
        ("{interference: 120 %, source: x}", "bundles.interference", "more than 100 %"),
        ("{interference: 60 %}", "bundles.interference", "nobody is named"),
        ("{interference: .nan}", "bundles.interference", "finite"),
        ("{most_bundles: 6000}", "bundles.most_bundles", "5,000"),
        ("{shares: 2}", "bundles.shares", "unknown"),
        ("{spatial: {}}", "bundles.spatial", "source"),
        ("{spatial: {source: ''}}", "bundles.spatial.source", ""),
        ("{spatial: {slowdown: 120 %, source: x}}", "bundles.spatial.slowdown", "more than 100 %"),
        ("{spatial: {slowdown: -1 %, source: x}}", "bundles.spatial.slowdown", "negative"),
        ("{spatial: {slowdown: .inf, source: x}}", "bundles.spatial.slowdown", "finite"),
        ("{spatial: true}", "bundles.spatial", ""),
        ("{swapping: {host_link: 25 GB/s, source: x}}", "bundles.swapping", "host_memory"),
        (f"{{swapping: {{{SWAPPING.replace('8xH200', '8xH20')}}}}}", "bundles.swapping.host_memory.8xH20", "node type"),
        (f"{{swapping: {{{SWAPPING.replace('2 TB', '2 TBps')}}}}}", "bundles.swapping.host_memory.8xH200", "unit"),
        (f"{{swapping: {{{SWAPPING.replace('2 TB', '-2 TB')}}}}}", "bundles.swapping.host_memory.8xH200", "negative"),
        (f"{{swapping: {{{SWAPPING.replace('25 GB/s', '0 GB/s')}}}}}", "bundles.swapping.host_link", "zero"),
        (f"{{swapping: {{{SWAPPING.replace('25 GB/s', '25')}}}}}", "bundles.swapping.host_link", "unit"),
    ],
)
def test_a_mistake_is_one_issue_with_its_place(
    folder: Folder, issues: Find, block: str, field: str, words: str
) -> None:
    """Proves that what cannot be meant is refused, at its field."""
    found = issues(folder(new=f"bundles: {block}\n"))
    assert [issue.where.split(" ")[-1] for issue in found] == [field]
    assert words in found[0].what + found[0].fix


def test_isolation_is_yes_or_no(folder: Folder, issues: Find) -> None:
    """Proves that a word is no answer."""
    found = issues(folder("    output_tokens: 512\n", "    output_tokens: 512\n    isolation: mostly\n"))
    assert [issue.where.split(" ")[-1] for issue in found] == ["workloads.chat.isolation"]
