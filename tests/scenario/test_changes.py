"""Changes between slots in a scenario file: what is read, and what is refused with the field, the reason and a fix."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from fleetopt.errors import InputError
from fleetopt.scenario.changing import Changes
from fleetopt.scenario.load import load
from tests.scenario.refusals import refused_once

QUICKSTART = Path(__file__).parents[2] / "scenarios/quickstart"


def loaded(folder: Path, block: str) -> Changes | None:
    there = folder / "asked"
    copytree(QUICKSTART, there)
    file = there / "scenario.yaml"
    file.write_text(f"{file.read_text()}\nchanges:\n{block}")
    return load(there).changes


def test_a_block_is_read_in_base_units(tmp_path: Path) -> None:
    """Proves the units: seconds, bytes/s into each GPU, GPUs; and that nothing is said without the block."""
    block = (
        "  {mode: roles, role_flip: 30 s, model_load: 2 min, loading: 5 GB/s, per_change: 8, per_day: 24, source: us}\n"
    )
    assert loaded(tmp_path, block) == Changes("roles", 30.0, 120.0, 5e9, 8, 24, "us")
    assert load(QUICKSTART).changes is None


BAD = [
    ("  mode: sometimes\n", "changes.mode"),
    ("  {role_flip: 30 s}\n", "source"),
    ("  {role_flip: -30 s, source: us}\n", "changes.role_flip"),
    ("  {model_load: .nan, source: us}\n", "changes.model_load"),
    ("  {loading: 0 GB/s, source: us}\n", "changes.loading"),
    ("  {loading: 30 s, source: us}\n", "changes.loading"),
    ("  {per_change: 1.5}\n", "changes.per_change"),
    ("  {per_change: -1}\n", "changes.per_change"),
    ("  {per_day: many}\n", "changes.per_day"),
    ("  {per_week: 3}\n", "per_week"),
]


@pytest.mark.parametrize(("block", "named"), BAD)
def test_what_cannot_be_is_refused(tmp_path: Path, block: str, named: str) -> None:
    """One error that names the field; nothing is repaired in silence."""
    refused_once(lambda: loaded(tmp_path, block), named)


def test_bundles_go_with_changes(tmp_path: Path) -> None:
    """Proves: groups of GPUs that models share start and stop like replicas, so that nothing is refused."""
    assert loaded(tmp_path, "  per_change: 8\nbundles: {}\n") == Changes(per_change_gpus=8)


@pytest.mark.parametrize(
    ("block", "refused"), [("  mode: free\n", False), ("  per_change: 2\n", True), ("  mode: static\n", True)]
)
def test_service_classes_go_with_changes_that_are_only_told(tmp_path: Path, block: str, refused: bool) -> None:
    """Proves: where starts are restricted, who could do without a replica in one slot may need it for another."""
    classes = "workloads: {chat: {priority: 1}, coding: {priority: 2}}\n"
    there = tmp_path / "asked"
    copytree(QUICKSTART, there)
    (there / "base.yaml").write_text((there / "scenario.yaml").read_text())
    (there / "scenario.yaml").write_text(f"name: ranked\ninclude: [base.yaml]\n{classes}changes:\n{block}")
    if not refused:
        assert load(there).changes == Changes()
        return
    with pytest.raises(InputError, match="service classes") as error:
        load(there)
    assert len(error.value.issues) == 1
