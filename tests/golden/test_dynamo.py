"""Dynamo's own profile of Llama-3.1-8B on an H200, from its files to what one GPU carries at 3000 + 300 tokens.

The files stand in tests/ingest/profilers/data/dynamo (Apache-2.0). The promise is TTFT 100 ms and ITL 10 ms, as means.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import fleetopt
from fleetopt.capacity.domain import Capacity
from fleetopt.ingest.filing import merge_all, write_change
from fleetopt.ingest.formats import read_profiles
from fleetopt.ingest.reading import Setup, Told

DATA = Path(__file__).parent.parent / "ingest/profilers/data/dynamo"
KV_TOKENS = 945_029
TOLD = Told(
    Setup("llama-3.1-8b", None, "H200", 1, precision="fp8", engine="vllm", max_kv_tokens=KV_TOKENS),
)
SCENARIO = """\
name: dynamo
calendar: {{start: 2027-Q1}}
workloads:
  chat:
    model: llama-3.1-8b
    demand: 40 requests/s
    input_tokens: 3000
    output_tokens: 300
    queue: {queue}
    slo: {{ttft: 100 ms, tpot: 10 ms}}
supply:
  offers:
    h200: {{offer: nebius-8xh200-on-demand-eu-north1}}
"""


def carried(folder: Path, queue: str = "mm1") -> dict[str, Capacity]:
    """What one GPU carries by role, after both files went through the import into a catalog of their own."""
    files = [DATA / f"h200_tp1_{phase}.csv" for phase in ("prefill", "decode")]
    many = [one for file in files for one in read_profiles(file, TOLD).series]
    for change in merge_all(many, folder / "models"):
        write_change(change)
    (folder / "scenario.yaml").write_text(SCENARIO.format(queue=queue), encoding="utf-8")
    rows = fleetopt.capacities(fleetopt.load(folder)).rows
    return {row.candidate.role: row for row in rows}


def test_prefill_of_3000_tokens(tmp_path: Path) -> None:
    """Proves throughput, floor and M/M/1 capacity of prefill by hand.

    TTFT between its neighbours, on a straight line: 49.9684 + (3000 - 2134)/1017 x (63.2148 - 49.9684) = 61.25 ms, so
    48 980 tokens/s; the measured throughput bends, and Dynamo's own cubic says 49 481. 100 ms are 40 ms above the
    floor. Eq. 13 takes 3000/0.1 = 30 000 tokens/s from the throughput.
    """
    prefill = carried(tmp_path)["prefill"]
    assert prefill.raw_tokens_per_s == pytest.approx(3000 / 0.0612480, rel=0.015)
    assert prefill.raw_tokens_per_s == pytest.approx(49_481, rel=0.005)
    assert prefill.ttft_floor_s == pytest.approx(0.0604587, rel=0.005)
    assert prefill.slo_tokens_per_s == pytest.approx(prefill.raw_tokens_per_s - 3000 / 0.1, rel=1e-9)
    assert prefill.slo_tokens_per_s == pytest.approx(19_640, abs=10)
    assert prefill.binds == "ttft"


def test_prefill_without_variance_of_service(tmp_path: Path) -> None:
    """Proves the M/D/1 capacity: s (1 + u / (2 (1 - u))) = 0.1 s, so u = 2 k / (1 + 2 k) with k = 0.1/s - 1."""
    prefill = carried(tmp_path, "md1")["prefill"]
    twice = 2 * (0.1 * prefill.raw_tokens_per_s / 3000 - 1)
    assert prefill.slo_tokens_per_s == pytest.approx(prefill.raw_tokens_per_s * twice / (1 + twice), rel=1e-9)
    assert prefill.slo_tokens_per_s == pytest.approx(28_145, abs=15)


def test_decode_at_10_ms(tmp_path: Path) -> None:
    """Proves the largest batch with ITL 10 ms at the context 3000 + 300/2 = 3150, by hand from four points.

    At 2997 tokens ITL is 9.937 ms at batch 49.0 and 15.479 ms at 97.0: 10 ms at 49.54. At 5644, 4.511 ms at 1.0 and
    10.132 ms at 27.0: 10 ms at 26.39. Both hold 148 500 to 148 950 tokens of KV, which at 3150 is a batch of 47.15 and
    4 715 tokens/s. Dynamo's cubic over its points gives 4 702 at 10 ms, and 4 556 on its grid of 1 % of the cache.
    """
    decode = carried(tmp_path)["decode"]
    assert decode.binds == "tpot"
    assert decode.batch == pytest.approx(47.15, rel=0.01)
    assert decode.slo_tokens_per_s == pytest.approx((decode.batch or 0.0) / 0.010, rel=1e-6)
    assert decode.slo_tokens_per_s == pytest.approx(4_702, rel=0.01)
    assert decode.capacity_rps == pytest.approx(decode.slo_tokens_per_s / 300, rel=1e-9)
