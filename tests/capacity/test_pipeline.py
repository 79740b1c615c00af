"""Prefill over pipeline stages: DistServe's M/D/1 forms, in capacity and in the second computation of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetopt.capacity.domain import Capacity, latency_at
from fleetopt.capacity.fabric import reaches
from fleetopt.capacity.table import evidence
from fleetopt.catalog.domain import Candidate, PrefillPoint, PrefillProfile, Provenance, ServingConfig
from fleetopt.scenario.domain import Margins, Workload
from fleetopt.scenario.supply_domain import Fabric
from fleetopt.units import Latency
from fleetopt.verify.evidence_prefill import PrefillSupport
from fleetopt.verify.support import Case
from tests.capacity.conftest import CARD, GPU
from tests.oracle import build

SOURCE = Provenance("assumed", "test")
PROMPT = 1000.0


def staged(stages: int, tokens_per_s: float) -> Candidate:
    config = ServingConfig("c", "deepseek", "H200", stages, 1, stages, 1, 1, "fp16", "e", None, SOURCE)
    return Candidate(config, "prefill", PrefillProfile((PrefillPoint(PROMPT, tokens_per_s),), SOURCE))


def asking(make: Callable[..., Workload], **changes: Any) -> Workload:
    defaults: dict[str, Any] = {"queue": "md1-pipeline", "ttft_overhead_s": 0.0, "ttft": Latency(1.0)}
    return replace(make(), input_tokens=PROMPT, **(defaults | changes))


@pytest.mark.parametrize(("rate", "seconds"), [(0.5, 0.4), (2.0, 0.3), (4.0, 0.4)])
def test_two_stages_follow_the_published_form(rate: float, seconds: float, workload: Any, carry: Any) -> None:
    """TTFT = D + R D^2 / (4 (2 - R D)) for a prompt of D seconds in all, two stages of a half each."""
    found: Capacity = carry(asking(workload, ttft=Latency(5.0)), staged(2, PROMPT / (seconds / 2)))
    published = seconds + rate * seconds**2 / (4.0 * (2.0 - rate * seconds))
    assert latency_at(found, rate).ttft_s == pytest.approx(published)


def test_one_stage_is_md1_and_stages_are_only_counted_if_asked_for(workload: Any, carry: Any) -> None:
    """The same capacity for one stage; md1 takes two for one server of their speed, which carries more."""
    alike = [carry(asking(workload, queue=queue), staged(1, 4000.0)) for queue in ("md1", "md1-pipeline")]
    assert alike[0].capacity_rps == alike[1].capacity_rps
    plain, piped = (carry(asking(workload, queue=queue), staged(2, 4000.0)) for queue in ("md1", "md1-pipeline"))
    assert piped.capacity_rps < plain.capacity_rps
    assert piped.ttft_floor_s == pytest.approx(2 * plain.ttft_floor_s)


@given(st.integers(1, 8), st.floats(4000.0, 50_000.0), st.sampled_from([None, 0.5, 0.9, 0.99]))
def test_the_second_computation_agrees(
    stages: int,
    speed: float,
    percentile: float | None,
) -> None:
    """Whatever the stages, what is carried just keeps the TTFT as verify runs it forward."""
    asked = replace(
        build.workload(queue="md1-pipeline", ttft=Latency(3.0, percentile)), model="deepseek", input_tokens=PROMPT
    )
    one = staged(stages, speed)
    found = evidence(one, CARD, GPU, Margins(0.0, 0.0, 0.0)).carries(asked)
    assert isinstance(found, Capacity)
    support = PrefillSupport(Case(one, asked, CARD, GPU, 1.0), one.profile)  # type: ignore[arg-type]
    (finding,) = support.findings(found.capacity_rps, None)
    assert finding.slack == pytest.approx(0.0, abs=2e-4)


def test_a_transfer_follows_from_bytes_speed_and_what_is_hidden(workload: Any) -> None:
    """70 272 bytes a token over 50 GB/s, a quarter hidden: 1.05 us; inside the node at 900 GB/s an eighteenth of it."""
    fabric = Fabric("main", 9e11, 5e10)
    found = {reach.hop: w for reach, w in reaches(replace(workload(), kv_seen=0.75), CARD, [fabric])}
    assert found["between"].kv_transfer_s_per_token == pytest.approx(70_272 * 0.75 / 5e10)
    assert found["inside"].kv_transfer_s_per_token == pytest.approx(70_272 * 0.75 / 9e11)


def test_a_workload_sends_only_where_it_may_stand(workload: Any) -> None:
    """No reach at a site that it may not use."""
    fabrics = [Fabric("east", 9e11, 5e10), Fabric("west", None, 5e10)]
    found = [str(reach) for reach, _ in reaches(replace(workload(), sites=("west",)), CARD, fabrics)]
    assert found == ["between nodes at west"]
