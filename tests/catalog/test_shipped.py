from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.catalog.domain import PrefillProfile
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import model_names, shipped
from fleetopt.errors import InputError

Root = Callable[..., Path]

SHIPPED = (shipped("models"),)
GPUS = "name,memory_gib,memory_bandwidth_gb_s,power_w,evidence,source\n"


@pytest.mark.parametrize("name", model_names(SHIPPED))
def test_a_shipped_model_loads_and_says_where_its_numbers_come_from(name: str) -> None:
    llm, files = load_model(name, SHIPPED, load_hardware(SHIPPED)[0].gpu_types)
    assert llm.card.sources
    assert all(candidate.profile.provenance.source for candidate in llm.candidates)
    assert len({candidate.name for candidate in llm.candidates}) == len(llm.candidates)
    assert all(len(file.sha256) == 64 for file in files)


def test_shipped_offers_have_a_price_a_date_and_a_source() -> None:
    hardware, _ = load_hardware(SHIPPED)
    assert len(hardware.offers) > 10
    for offer in hardware.offers.values():
        assert offer.usd_per_node_h > 0 or offer.upfront_usd_per_node > 0
        assert offer.price_date
        assert offer.provenance.source
        assert hardware.node_types[offer.node_type].gpu_type in hardware.gpu_types


def test_a_nearer_folder_hides_what_ships(root: Root) -> None:
    own = root(("_hardware/gpu_types.csv", None, GPUS + "H200,99,1,1,assumed,us\n"))
    gpu_types = load_hardware((own, *SHIPPED))[0].gpu_types
    assert gpu_types["H200"].memory_gib == 99
    assert "H100" in gpu_types


def test_a_latency_becomes_the_throughput_of_the_replica(root: Root) -> None:
    own = root(("mine/prefill.csv", "28300,", ",500"))
    roots = (own, *SHIPPED)
    llm, _ = load_model("mine", roots, load_hardware(roots)[0].gpu_types)
    (profile,) = [c.profile for c in llm.candidates if c.role == "prefill"]
    assert isinstance(profile, PrefillProfile)
    assert [point.tokens_per_s for point in profile.points] == [pytest.approx(6144 / 0.5)]


def test_rows_may_state_their_own_source(root: Root) -> None:
    rows = "config,input_tokens,tokens_per_s,latency_ms,evidence,source\n"
    rows += "h200-tp8-fp8-sglang-mtp,6144,100,,assumed,b\nh200-tp8-fp8-sglang-mtp,8000,90,,assumed,a\n"
    roots = (root(("mine/prefill.csv", None, rows)), *SHIPPED)
    llm, _ = load_model("mine", roots, load_hardware(roots)[0].gpu_types)
    (source,) = [c.profile.provenance for c in llm.candidates if c.role == "prefill"]
    assert (source.evidence, source.source) == ("assumed", "a; b")


def test_an_unknown_model_is_told_from_its_neighbours() -> None:
    with pytest.raises(InputError, match="Did you mean 'qwen3-32b'"):
        load_model("qwen3-32", SHIPPED, {})
