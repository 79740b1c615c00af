"""Lengths by slot in a scenario file: the parts that come of them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from fleetopt.errors import InputError
from fleetopt.scenario.by_slot import named_twice
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import load
from tests.scenario.refusals import refused_once

QUICKSTART = Path(__file__).parents[2] / "scenarios/quickstart"


def loaded(folder: Path, block: str, *more: tuple[str, str]) -> Scenario:
    """The quickstart with something said of the lengths of its first workload."""
    there = folder / "asked"
    copytree(QUICKSTART, there)
    file = there / "scenario.yaml"
    text = file.read_text().replace("    output_tokens: 800\n", f"    output_tokens: 800\n{block}", 1)
    for old, new in more:
        text = text.replace(old, new, 1)
    assert block in text
    file.write_text(text)
    return load(there)


def test_a_slot_with_lengths_of_its_own_is_a_part(tmp_path: Path) -> None:
    """Proves: two parts of one workload, each asked for in its own slots, with the lengths and queue of theirs."""
    halves = "{input_tokens: 500, output_tokens: 900, share: 0.5}, {input_tokens: 700, output_tokens: 1100, share: 0.5}"
    scenario = loaded(tmp_path, f"    by_slot: {{night: {{lengths: [{halves}]}}}}\n")
    night, usual = (w for w in scenario.workloads if w.whole == "chat")
    assert (night.name, usual.name) == ("chat (night)", "chat (other slots)")
    assert (night.input_tokens, night.output_tokens, night.queue) == (600.0, 1000.0, "mg1")
    assert (usual.input_tokens, usual.output_tokens, usual.queue) == (1000.0, 800.0, "mm1")
    assert {time[1] for time, rps in night.demand_rps.items() if rps} == {"night"}
    assert {time[1] for time, rps in usual.demand_rps.items() if rps} == {"day", "evening"}
    assert {w.written_as for w in (night, usual)} == {"chat"}


def test_tokens_of_a_rate_are_those_of_the_slot(tmp_path: Path) -> None:
    """Proves: demand in tokens is requests of the slot's own length: half as many where they are twice as long."""
    block = "    by_slot: {night: {input_tokens: 2000, output_tokens: 1600}}\n"
    scenario = loaded(tmp_path, block, ("20 requests/s", "36 k tokens/s"))
    night, usual = (w for w in scenario.workloads if w.whole == "chat")
    evening = next(rps for time, rps in usual.demand_rps.items() if time[1] == "day")
    assert evening == pytest.approx(20.0)
    factor = load(QUICKSTART).workloads[0].demand_rps
    expected = next(rps for time, rps in factor.items() if time[1] == "night") / 2.0
    assert max(night.demand_rps.values()) == pytest.approx(expected)


BAD = [
    ("    by_slot: {noon: {input_tokens: 1, output_tokens: 1}}\n", "is no slot of the calendar"),
    ("    by_slot: {night: {input_tokens: 100}}\n", "by_slot.night.output_tokens"),
    ("    by_slot: {night: {input_tokens: -1, output_tokens: 2}}\n", "by_slot.night.input_tokens"),
    ("    by_slot: {night: {input_tokens: .nan, output_tokens: 2}}\n", "by_slot.night.input_tokens"),
    ("    by_slot: {night: {lengths: none.csv}}\n", "none.csv"),
    ("    by_slot: {night: {lengths: [{input_tokens: 1, output_tokens: 1, share: 90 %}]}}\n", "90 %"),
    ("    by_slot: {night: {input_tokens: 9, output_tokens: 9, tokens: 3}}\n", "tokens"),
    ("    by_slot: [night]\n", "by_slot"),
    ("    pooled: true\n    by_slot: {night: {input_tokens: 9, output_tokens: 9}}\n", "(by_slot)"),
    ("    most_gpu_types: 1\n    by_slot: {night: {input_tokens: 9, output_tokens: 9}}\n", "(by_slot)"),
]


@pytest.mark.parametrize(("block", "named"), BAD)
def test_what_cannot_be_is_refused(tmp_path: Path, block: str, named: str) -> None:
    """One error that names the field; nothing is repaired in silence."""
    refused_once(lambda: loaded(tmp_path, block), named)


def test_what_is_wrong_with_the_whole_is_said_once(tmp_path: Path) -> None:
    """Proves: demand that cannot be read is one issue, not one for each part."""
    block = "    by_slot: {night: {input_tokens: 9, output_tokens: 9}}\n"
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, block, ("slots: {night: 30 %", "slots: {noon: 30 %"))
    assert len(refused.value.issues) == 1


def test_a_name_is_that_of_one(tmp_path: Path) -> None:
    """Proves: a workload that is called like a part of another is refused, and so are two parts of one name.
    Sensitivity: demand and capacities are known by name, so that one would take the other's place.
    """
    block = "    by_slot: {night: {input_tokens: 900, output_tokens: 300}}\n"
    with pytest.raises(InputError, match="two workloads named"):
        loaded(tmp_path, block, ("  summaries:\n", "  chat (night):\n"))
    more = tmp_path / "more"
    more.mkdir()
    parts = [replace(one, name="chat (other slots)") for one in loaded(more, block).workloads if one.part_of]
    assert list(named_twice(parts)) == [("chat (other slots)", "chat")]
