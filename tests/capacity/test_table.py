"""The table: who is in it, in which order, how slowed, and how fast it is made."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from fleetopt.capacity.domain import latency_at
from fleetopt.capacity.table import derive
from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Margins, Scenario, Workload
from fleetopt.units import Latency

Make = Callable[..., Workload]
NONE = Margins(0.0, 0.0, 0.0)


@pytest.fixture
def pair(candidate: Any, prefill_profile: Any, decode_profile: Any) -> tuple[Candidate, Candidate]:
    return candidate(prefill_profile(), name="p"), candidate(decode_profile(kind="modelled"), name="d")


def test_every_allowed_pair_is_there_once_in_order(
    scenario: Callable[..., Scenario], workload: Make, pair: tuple[Candidate, Candidate]
) -> None:
    """Proves the order by workload and then by name, and that disallowed roles and GPU types are left out."""
    asked = (
        workload(name="z"),
        workload(name="a", roles=("decode",)),
        workload(name="n", forbidden_gpu_types=("H200",)),
        workload(name="s", ttft=Latency(0.01)),
    )
    table = derive(scenario(asked, pair, NONE))
    assert [(row.workload, row.candidate.name) for row in table.rows] == [
        ("z", "d/decode"),
        ("z", "p/prefill"),
        ("a", "d/decode"),
        ("s", "d/decode"),
    ]
    assert [(no.workload, no.code) for no in table.rejections] == [("s", "ttft-floor")]
    assert table.rows_of("z") == table.rows[:2]
    assert table.rejections_of("s") == table.rejections
    assert table.by_key()["a", "d/decode"] is table.rows[2]


def test_each_kind_of_evidence_has_its_own_margin(
    scenario: Callable[..., Scenario], workload: Make, pair: tuple[Candidate, Candidate]
) -> None:
    """Proves that the modelled profile is slowed and told, and the measured one is not."""
    decode, prefill = derive(scenario((workload(),), pair, Margins(0.0, 0.25, 0.5))).rows
    assert decode.assumptions[-1] == "modelled profile slowed by 25 %"
    assert prefill.slo_tokens_per_s == pytest.approx(25_066.3, abs=0.05)
    assert prefill.assumptions == ()


def test_requests_longer_than_the_context_are_refused(
    scenario: Callable[..., Scenario], workload: Make, pair: tuple[Candidate, Candidate]
) -> None:
    """Proves the check against the card before any profile is read."""
    table = derive(scenario((workload(output_tokens=130_000.0),), pair, NONE))
    assert [no.code for no in table.rejections] == ["context-limit", "context-limit"]
    reason = "136144 tokens per request are more than the context limit of deepseek, 131072"
    assert table.rejections[0].reason == reason


def test_a_capacity_travels_between_processes(
    scenario: Callable[..., Scenario], workload: Make, pair: tuple[Candidate, Candidate]
) -> None:
    """Proves that rows pickle with the curves behind them, as a study over processes needs."""
    for row in derive(scenario((workload(queue="md1"),), pair, NONE)).rows:
        again = pickle.loads(pickle.dumps(row))
        assert again == row
        assert latency_at(again, row.capacity_rps) == latency_at(row, row.capacity_rps)
